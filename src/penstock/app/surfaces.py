"""What stands above an app and is asked for through it: found by name when asked for."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from importlib import import_module
from typing import Any, Final, TypeAlias, TypedDict

from penstock.core.duration import Duration
from penstock.core.errors import Invalid

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGI: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

NEEDED: Final = frozenset({"starlette", "anyio", "uvicorn"})  # by the extra `web`


class NamedByWeb(TypedDict, total=False):
    """How an app is served."""

    token: str  # that everyone brings; PENSTOCK_WEB_TOKEN. Without one only this machine is answered
    allowed_hosts: Sequence[str]  # by which the server is known, beside those of this machine; "*": any
    origins: Sequence[str]  # whose pages may ask, beside its own
    read_only: bool  # nothing can be changed
    secret: str  # with which tickets are signed; PENSTOCK_SECRET
    dispatch_secret: str  # of those who send ticks from elsewhere; PENSTOCK_DISPATCH_SECRET
    public_url: str  # by which others reach it; PENSTOCK_PUBLIC_URL
    redact: Sequence[str]  # names of fields whose values stay here
    max_streams: int  # open at once (1,000)
    stream_age: Duration  # after which a stream's reader connects again (30 s)


def web(module: str = "penstock.web.site") -> Any:
    """The module that serves an app. Raises `Invalid` if a package is missing that it needs."""
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in NEEDED:
            raise
        needed = f"serving an app needs the package {package}, which is not installed"
        raise Invalid("web", package, f'{needed}: pip install "penstock[web]"') from missing
