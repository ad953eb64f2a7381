"""What a URL or a user's own client says about where Redis is."""

import ssl
from typing import Any, cast

import pytest
import redis
import redis.asyncio
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.credentials import UsernamePasswordCredentialProvider
from redis.sentinel import Sentinel

from penstock.backends.redis.address import Address, Node, Tls, parse
from penstock.backends.redis.client import address, address_of
from penstock.core.errors import Invalid


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://", Address()),
        ("redis://localhost", Address()),
        ("redis://host:7000", Address(nodes=(Node("host", 7000),))),
        ("redis://host/3", Address(nodes=(Node("host"),), db=3)),
        ("redis://host/?db=4", Address(nodes=(Node("host"),), db=4)),
        ("redis://:pw@host", Address(nodes=(Node("host"),), password="pw")),
        ("redis://me:p%40%2Fw@host", Address(nodes=(Node("host"),), username="me", password="p@/w")),
        ("redis://[::1]:7000", Address(nodes=(Node("::1", 7000),))),
        ("redis://[::1]", Address(nodes=(Node("::1"),))),
        ("redis://a:1,b:2,c", Address(nodes=(Node("a", 1), Node("b", 2), Node("c")))),
        ("redis://me:pw@a:1,b:2", Address(nodes=(Node("a", 1), Node("b", 2)), username="me", password="pw")),
        ("rediss://host", Address(nodes=(Node("host"),), tls=Tls())),
        (
            "rediss://host?ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem&ssl_check_hostname=0",
            Address(
                nodes=(Node("host"),),
                tls=Tls(ca_file="/ca.pem", cert_file="/c.pem", key_file="/k.pem", check_hostname=False),
            ),
        ),
        ("rediss://host?ssl_cert_reqs=none", Address(nodes=(Node("host"),), tls=Tls(verify=False))),
        ("unix:///run/redis.sock", Address(nodes=(Node(path="/run/redis.sock"),))),
        ("unix://me:pw@/r.sock?db=2", Address(nodes=(Node(path="/r.sock"),), db=2, username="me", password="pw")),
        (
            "redis://host?allow_volatile=1&assume_noeviction=true",
            Address(nodes=(Node("host"),), allow_volatile=True, assume_noeviction=True),
        ),
    ],
)
def test_what_a_url_says(url: str, said: Address) -> None:
    """S2-28."""
    assert parse(url) == said


@pytest.mark.parametrize(
    "url",
    [
        "redis://host:port",
        "redis://host:0",
        "redis://host:70000",
        "redis://host/db",
        "redis://host?db=-1",
        "redis://host?fast=1",
        "redis://host?ssl_ca_certs=/ca.pem",
        "redis://host?allow_volatile=yes",
        "redis://host#here",
        "rediss://host?ssl_cert_reqs=optional",
        "rediss://host?ssl_check_hostname=maybe",
        "unix://host/run/redis.sock",
        "unix://",
    ],
)
def test_what_nobody_understands_is_refused(url: str) -> None:
    """S2-28: before anything connects."""
    with pytest.raises(Invalid, match="url="):
        parse(url)


def test_a_refusal_and_an_address_keep_the_password_to_themselves() -> None:
    with pytest.raises(Invalid) as caught:
        parse("redis://me:s3cret@host?nonsense=1")
    assert "s3cret" not in str(caught.value)
    found = parse("rediss://me:s3cret@host:1/2?ssl_password=s3cret")
    assert "s3cret" not in f"{found} {found!r}"
    assert str(found) == "host:1/2"


def test_files_for_tls_that_can_not_be_used_are_refused() -> None:
    with pytest.raises(Invalid, match=r"nowhere\.pem"):
        Tls(ca_file="/nowhere.pem").made()
    with pytest.raises(Invalid, match="can't be used"):
        Tls(cert_file=__file__).made()


def test_tls_checks_servers_unless_told_not_to() -> None:
    assert Tls().made().verify_mode is ssl.CERT_REQUIRED
    assert Tls().made().check_hostname
    lax = Tls(verify=False).made()
    assert (lax.verify_mode, lax.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize("kind", [redis.Redis, redis.asyncio.Redis], ids=["plain", "asyncio"])
def test_a_client_leads_to_where_it_goes(kind: type[redis.Redis]) -> None:
    """Only read: the connections are our own."""
    assert address(kind()) == Address()
    full = kind(host="host", port=7000, db=3, username="me", password="pw")
    assert address(full) == Address(nodes=(Node("host", 7000),), db=3, username="me", password="pw")
    assert address(kind(unix_socket_path="/r.sock", db=1)) == Address(nodes=(Node(path="/r.sock"),), db=1)
    secure = kind(host="host", ssl=True, ssl_ca_certs="/ca.pem", ssl_check_hostname=False)
    assert address(secure) == Address(nodes=(Node("host"),), tls=Tls(ca_file="/ca.pem", check_hostname=False))
    lax = kind(host="host", ssl=True, ssl_cert_reqs="none", ssl_check_hostname=False)
    tls = address(lax).tls
    assert tls is not None
    assert not tls.verify


@pytest.mark.parametrize("pool", [redis.ConnectionPool, redis.asyncio.ConnectionPool], ids=["plain", "asyncio"])
def test_a_pool_leads_there_as_well(pool: type[redis.ConnectionPool]) -> None:
    made = cast("Any", pool).from_url("rediss://me:pw@host:7000/2")
    found = address(made)
    assert (found.nodes, found.db, found.username, found.password) == ((Node("host", 7000),), 2, "me", "pw")
    assert found.tls is not None


def test_passwords_that_change_are_asked_for_each_time() -> None:
    class Changing(UsernamePasswordCredentialProvider):
        times = 0

        def get_credentials(self) -> tuple[str, str]:
            self.times += 1
            return "me", f"pw{self.times}"

    found = address(redis.Redis(host="host", credential_provider=Changing()))
    assert [found.entry, found.entry] == [("me", "pw1"), ("me", "pw2")]
    assert "pw1" not in repr(found)


@pytest.mark.parametrize(
    "url", ["redis://host:7000/2", "rediss://host:6379/0", "unix:///r.sock?db=1", "redis://a:1,b:2/0"]
)
def test_an_address_is_told_as_a_url_again(url: str) -> None:
    assert parse(url).url == url
    assert address_of(redis.Redis(host="host", port=7000, db=2, password="pw")) == "redis://host:7000/2"


def test_the_client_of_a_cluster_leads_to_its_nodes() -> None:
    cluster = RedisCluster(
        startup_nodes=[ClusterNode("a", 1), ClusterNode("b", 2)], username="me", password="pw", ssl=True
    )
    found = address(cluster)
    assert set(found.nodes) == {Node("a", 1), Node("b", 2)}
    assert (found.username, found.password) == ("me", "pw")
    assert found.tls is not None


@pytest.mark.parametrize("client", [object(), 7, None])
def test_what_leads_nowhere_is_refused(client: object) -> None:
    with pytest.raises(Invalid, match="url="):
        address(client)


def test_a_client_that_asks_others_for_the_address_is_refused() -> None:
    sentinel = cast("Any", Sentinel)([("host", 1)])
    with pytest.raises(Invalid, match="give the URL"):
        address(sentinel.master_for("it"))
