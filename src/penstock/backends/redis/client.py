"""Where a user's own client of redis-py leads. It is only read: connections are our own. Imports no redis-py."""

import ssl
from typing import Any, cast

from penstock.backends.redis.address import PORT, Address, Node, Tls
from penstock.core.errors import Invalid


def address_of(client: object) -> str:
    """The URL of the store to which the client leads, without the password. Raises `Invalid` for what leads nowhere."""
    return address(client).url


def address(client: object) -> Address:
    """Where a client or pool of redis-py goes, and as whom: plain or asyncio, alone or a Cluster.

    Raises `Invalid` for clients whose address can't be known before they are asked (Sentinel), and other objects.
    """
    startup = getattr(getattr(client, "nodes_manager", client), "startup_nodes", None)
    pool: Any = getattr(client, "connection_pool", client)
    if isinstance(startup, dict):
        found = cast("dict[str, Any]", startup).values()
        said = _of_cluster(client)
        return _made(said, tuple(Node(str(node.host), int(node.port)) for node in found))
    if not isinstance(getattr(pool, "connection_kwargs", None), dict):
        raise Invalid(
            "url", client, "a URL, or a client or pool of redis-py: redis.Redis, redis.asyncio.Redis, RedisCluster"
        )
    said = dict(cast("dict[str, Any]", pool.connection_kwargs))
    kind = _name_of(getattr(pool, "connection_class", None))
    if "path" in said:
        return _made(said, (Node(path=str(said["path"])),))
    if "Sentinel" in kind or "host" not in said:
        raise Invalid("url", client, f"a client that knows its host; a {kind} asks others for it: give the URL")
    if "SSL" in kind:
        said["ssl"] = True
    return _made(said, (Node(str(said["host"]), int(said.get("port") or PORT)),))


def _of_cluster(client: object) -> dict[str, Any]:
    """What a Cluster's client gives to each of its connections; the two kinds keep it in different places."""
    manager: Any = getattr(client, "nodes_manager", None)
    said: dict[str, Any] = dict(getattr(manager, "connection_kwargs", None) or {})
    said |= getattr(client, "connection_kwargs", None) or {}
    kind = said.get("connection_class") or getattr(manager, "connection_pool_class", None)
    if "SSL" in _name_of(kind):
        said["ssl"] = True
    return said


def _name_of(kind: object) -> str:
    return str(getattr(kind, "__name__", ""))


def _made(said: dict[str, Any], nodes: tuple[Node, ...]) -> Address:
    provider = said.get("credential_provider")
    return Address(
        nodes=nodes,
        db=int(said.get("db") or 0),
        username=str(said.get("username") or ""),
        password=str(said.get("password") or ""),
        provider=None if provider is None else provider.get_credentials,
        tls=_tls_of(said) if said.get("ssl") else None,
    )


def _tls_of(said: dict[str, Any]) -> Tls:
    verify = said.get("ssl_cert_reqs", "required")
    return Tls(
        ca_file=str(said.get("ssl_ca_certs") or ""),
        cert_file=str(said.get("ssl_certfile") or ""),
        key_file=str(said.get("ssl_keyfile") or ""),
        key_password=str(said.get("ssl_password") or ""),
        verify=verify not in {"none", ssl.CERT_NONE, None},
        check_hostname=bool(said.get("ssl_check_hostname", True)),
    )
