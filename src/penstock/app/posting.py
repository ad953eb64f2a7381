"""One POST to another service: to an address that was looked at first, bounded in time and size, never redirected.

Written here because what is connected to must be what was checked: a client that asks for the name a second time may be
told another address. Knows no run.
"""

import asyncio
import ssl
from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from penstock.core.addresses import Network, address_of, is_public, is_within
from penstock.core.errors import Invalid

CONNECTING: Final = 10.0  # seconds for one address to answer
HEAD: Final = 65_536  # bytes of an answer's head; its body is not read
LONGEST: Final = 2_000  # characters of a URL
_PLAIN: Final = frozenset(map(chr, range(0x21, 0x7F)))


class Target(NamedTuple):
    """A URL, taken apart and checked."""

    secure: bool
    host: str
    port: int
    path: str  # with its query
    authority: str  # as the `Host` header says it


class Answered(NamedTuple):
    """What the other side said: only that is of interest."""

    status: int
    headers: Mapping[str, str]  # by lower-case name


class Forbidden(Exception):  # noqa: N818 (where it leads is what is wrong)
    """The name leads to an address that is not for everybody."""


class Unreached(Exception):  # noqa: N818 (another try may reach it)
    """Nobody answered, or what answered spoke no HTTP."""


def target_of(url: object) -> Target:
    """The URL's parts. Raises `Invalid` for what is no plain http or https URL."""
    allowed = "an http or https URL of printable ASCII, without a user, like https://example.com/ticks"
    if not isinstance(url, str) or not 0 < len(url) <= LONGEST or not _PLAIN.issuperset(url):
        raise Invalid("url", url, allowed)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Invalid("url", url, allowed) from error
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or port == 0:
        raise Invalid("url", url, allowed)
    secure = parts.scheme == "https"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port or (443 if secure else 80), path, parts.netloc)


async def post(
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    *,
    private: Collection[Network | str],
    timeout: float,
    context: ssl.SSLContext | None = None,
) -> Answered:
    """Send the body, and return how it was answered. `private`: networks and host names that may be reached anyway.

    Raises `Forbidden`, and `Unreached` if no answer came within `timeout` seconds.
    """
    try:
        async with asyncio.timeout(timeout):
            addresses = await _checked(target, private)
            reader, writer = await _connected(target, addresses, context)
            try:
                writer.write(_request(target, body, headers))
                return await _answer(reader)
            finally:
                writer.transport.abort()  # nothing more is wanted of it, not even a goodbye
    except TimeoutError:
        raise Unreached(f"no answer within {timeout:g} s") from None
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise Unreached(f"{type(error).__name__}: {error}") from error


async def _checked(target: Target, private: Collection[Network | str]) -> list[IPv4Address | IPv6Address]:
    """All addresses of the host. One that may not be reached spoils them all: names that lead to both are traps."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=1, proto=6)  # a stream, by TCP
    addresses = list(dict.fromkeys(address_of(str(one[4][0])) for one in found))
    if target.host in private:
        return addresses
    networks = [one for one in private if not isinstance(one, str)]
    for address in addresses:
        if not is_public(address) and not is_within(address, networks):
            raise Forbidden(f"{target.host} leads to {address}, which is not an address of the open internet")
    return addresses


async def _connected(
    target: Target, addresses: Sequence[IPv4Address | IPv6Address], context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the first of these very addresses that answers."""
    secure = (context or ssl.create_default_context()) if target.secure else None
    trouble: OSError = OSError(f"{target.host} has no address")
    for address in addresses:
        try:
            async with asyncio.timeout(CONNECTING):
                return await asyncio.open_connection(
                    str(address),
                    target.port,
                    ssl=secure,
                    server_hostname=target.host if secure else None,
                    limit=HEAD,
                )
        except OSError as error:  # a TimeoutError is one
            trouble = error
    raise trouble


def _request(target: Target, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {target.path} HTTP/1.1", f"Host: {target.authority}", "Connection: close"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + body


async def _answer(reader: asyncio.StreamReader) -> Answered:
    """The head of the final answer; those that only say that it is coming are passed over."""
    while True:
        status_line, _, rest = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
        version, _, said = status_line.partition(b" ")
        if not version.startswith(b"HTTP/1.") or not said[:3].isdigit():
            raise ValueError("this is no HTTP")
        status = int(said[:3])
        if status >= 200:
            lines = [line.partition(":") for line in rest.decode("latin-1").split("\r\n")]
            return Answered(status, {name.lower(): value.strip() for name, found, value in lines if found})
