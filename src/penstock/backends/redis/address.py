"""Where a Redis is and how to enter, as a URL says it. Opens nothing.

`redis://user:password@host:port/db`, `rediss://...` for TLS, `unix://user:password@/path/to/socket?db=0`; several
`host:port` with commas between them are nodes of one Cluster, to be asked in turn.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from penstock.core.errors import Invalid

PORT: Final = 6379
SWITCHES: Final = ("allow_volatile", "assume_noeviction")
_TLS: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_password", "ssl_cert_reqs", "ssl_check_hostname")
_FORMS: Final = "say redis://[[user]:password@]host[:port][/db], rediss:// for TLS, or unix://[:password@]/path?db=0"

Options: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class Node:
    """One server: a host and a port, or the path of a socket."""

    host: str = "localhost"
    port: int = PORT
    path: str = ""

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """How servers are checked, and with which certificate we come."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    key_password: str = field(default="", repr=False)
    verify: bool = True
    check_hostname: bool = True
    context: ssl.SSLContext | None = field(default=None, compare=False)  # a user's own stands before all others

    def made(self) -> ssl.SSLContext:
        """The context. Raises `Invalid` for files that can't be used."""
        if self.context is not None:
            return self.context
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file or None, self.key_password or None)
        except OSError as error:  # an SSLError is one
            raise Invalid("url", self.ca_file or self.cert_file, f"its TLS files can't be used: {error}") from error
        context.check_hostname = self.verify and self.check_hostname
        if not self.verify:
            context.verify_mode = ssl.CERT_NONE
        return context


@dataclass(frozen=True, slots=True)
class Address:
    """The servers to ask in turn, and what to say at the door."""

    nodes: tuple[Node, ...] = (Node(),)
    db: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    provider: Callable[[], Sequence[str]] | None = None  # of passwords that change: asked at each connection
    tls: Tls | None = None
    allow_volatile: bool = False
    assume_noeviction: bool = False

    @property
    def entry(self) -> tuple[str, str]:
        """As whom to enter, and with which password."""
        if self.provider is None:
            return self.username, self.password
        *username, password = self.provider()
        return "".join(username), password

    @property
    def url(self) -> str:
        """For people, and to tell stores apart: without the password."""
        if self.nodes[0].path:
            return f"unix://{self.nodes[0].path}?db={self.db}"
        return f"{'redis' if self.tls is None else 'rediss'}://{','.join(map(str, self.nodes))}/{self.db}"

    def __str__(self) -> str:
        return ",".join(map(str, self.nodes)) + (f"/{self.db}" if self.db else "")


def parse(url: str) -> Address:
    """The address in the URL. Raises `Invalid` for what nobody understands."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    allowed = {"db", *SWITCHES, *(_TLS if parts.scheme == "rediss" else ())}
    if unknown := sorted(set(options) - allowed):
        raise _refusal(url, f"there is no option {unknown[0]!r}; {_FORMS}; options are {', '.join(sorted(allowed))}")
    entry, _, place = parts.netloc.rpartition("@")
    username, _, password = entry.partition(":")
    return Address(
        nodes=_nodes(url, parts, place),
        db=_number(url, options.get("db") or _path_db(parts) or "0", 0, 1_000_000),
        username=unquote(username),
        password=unquote(password),
        tls=_tls(url, options) if parts.scheme == "rediss" else None,
        allow_volatile=_switch(url, options, "allow_volatile"),
        assume_noeviction=_switch(url, options, "assume_noeviction"),
    )


def _nodes(url: str, parts: SplitResult, place: str) -> tuple[Node, ...]:
    if parts.fragment or parts.scheme not in {"redis", "rediss", "unix"}:
        raise _refusal(url, _FORMS)
    if parts.scheme == "unix":
        if place or len(parts.path) < 2:
            raise _refusal(url, _FORMS)
        return (Node(path=unquote(parts.path)),)
    return tuple(_node(url, one) for one in place.split(","))


def _node(url: str, place: str) -> Node:
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):  # no port, perhaps in an IPv6 address
        host, port = place, str(PORT)
    return Node(unquote(host.strip("[]")) or "localhost", _number(url, port, 1, 65535))


def _path_db(parts: SplitResult) -> str:
    return "" if parts.scheme == "unix" else parts.path.strip("/")


def _number(url: str, text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise _refusal(url, f"{text!r} is no number from {least} to {most}; {_FORMS}")
    return int(text)


def _switch(url: str, options: Options, name: str, default: str = "0") -> bool:
    said = options.get(name, default).lower()
    if said not in {"0", "1", "false", "true"}:
        raise _refusal(url, f"{name} is 1 or 0")
    return said in {"1", "true"}


def _tls(url: str, options: Options) -> Tls:
    verify = options.get("ssl_cert_reqs", "required")
    if verify not in {"required", "none"}:
        raise _refusal(url, "ssl_cert_reqs is required or none")
    return Tls(
        ca_file=options.get("ssl_ca_certs", ""),
        cert_file=options.get("ssl_certfile", ""),
        key_file=options.get("ssl_keyfile", ""),
        key_password=options.get("ssl_password", ""),
        verify=verify == "required",
        check_hostname=_switch(url, options, "ssl_check_hostname", "1"),
    )


def _refusal(url: str, why: str) -> Invalid:
    return Invalid("url", _without_password(url), why)


def _without_password(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    _, at, place = rest.rpartition("@")
    return f"{scheme}{mark}{'***@' if at else ''}{place}"
