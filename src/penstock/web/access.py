"""Who may ask: by where they ask from, which host they name, which page sent them, and the token that they bring.

Without a token only this machine is answered. Everything is compared whole, secrets in constant time.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from penstock.core.errors import Invalid
from penstock.web.endpoint import Access
from penstock.web.problems import Refusal

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
_SHORTEST: Final = 16  # characters of a token


class Door:
    """Lets requests in, or raises the `Refusal` that says why not."""

    def __init__(self, token: str | None, hosts: Iterable[str], origins: Iterable[str], public: str = "") -> None:
        self._digest = None if token is None else _digest(_checked(token))
        named = {host.lower() for host in hosts}
        if token is None and named - LOOPBACK:
            raise Invalid("allowed_hosts", sorted(named), "hosts other than this machine need a token=")
        self._hosts = LOOPBACK | named | ({public.lower()} if public and token is not None else set[str]())
        self._public = public.lower()
        self._any_host = "*" in named
        self._origins = {origin.rstrip("/").lower() for origin in origins}

    def check(self, headers: Mapping[str, str], peer: str | None, scheme: str, access: Access) -> None:
        """Raises `Refusal` unless the request may have what needs this access."""
        if access == "open":
            return
        host = headers.get("host", "")
        name = host_of(f"//{host}")
        known = name in self._hosts or (access == "signed" and name == self._public and name)
        if not self._any_host and not known:
            detail = f"this server does not answer for the host {name!r}: allowed_hosts= names those that it does"
            raise Refusal(421, "wrong-host", detail)
        if access == "signed":
            return
        self._check_origin(headers, host, scheme)
        if self._digest is None:
            self._check_here(headers, peer)
        else:
            self._check_token(headers.get("authorization", ""), self._digest)

    def _check_origin(self, headers: Mapping[str, str], host: str, scheme: str) -> None:
        """A page of another site may not use a browser's way to this one."""
        origin = headers.get("origin", "").lower()
        if origin in self._origins:
            return
        site = headers.get("sec-fetch-site", "none")
        if (origin and origin != f"{scheme}://{host}".lower()) or site not in {"none", "same-origin"}:
            raise Refusal(403, "wrong-origin", "pages of other sites may not ask here: origins= names those that may")

    def _check_here(self, headers: Mapping[str, str], peer: str | None) -> None:
        if not _is_here(peer) or any(name in headers for name in _FORWARDED):
            raise Refusal(403, "not-here", "without a token only this machine is answered: serve with token=")

    def _check_token(self, authorization: str, digest: bytes) -> None:
        kind, _, given = authorization.partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(_digest(given.strip()), digest):
            detail = "this needs the header Authorization: Bearer TOKEN, with the server's token"
            raise Refusal(401, "unauthorized", detail, headers={"www-authenticate": 'Bearer realm="penstock"'})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what is bound to that host."""
    return host.lower() == "localhost" or _is_here(host)


def _is_here(peer: str | None) -> bool:
    try:
        return peer is not None and ip_address(peer).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The host's name, without its port; nothing for what has none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _checked(token: str) -> str:
    if len(token) < _SHORTEST or not token.isascii() or any(one.isspace() for one in token):
        raise Invalid("token", "***", f"at least {_SHORTEST} ASCII characters without blanks")
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
