"""From a request to what its address asks for, checked; bounded in bytes, time, depth and number.

Raises a `Refusal` for what is refused; carries nothing out.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.core import codec
from penstock.core.codec import Unfit
from penstock.web.endpoint import ROOT, AnyEndpoint, Asked
from penstock.web.problems import Refusal

ROOM: Final = 65_536  # bytes of a body beside its payload
SLOWEST: Final = 20.0  # seconds in which a body arrives
_SLASH: Final = "%2F"


class KeepSlashes:
    """Lets an id with slashes be one part of a path: an escaped slash stays escaped until the routes are found."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        raw: bytes = scope.get("raw_path") or b""
        if scope["type"] == "http" and b"%2f" in raw.lower():
            parts = raw.partition(b"?")[0].decode("latin-1").replace("%2f", _SLASH).split(_SLASH)
            scope = {**scope, "path": _SLASH.join(unquote(part) for part in parts)}
        await self._app(scope, receive, send)


async def read(request: Request, endpoint: AnyEndpoint, limit: int) -> Asked[Any, Any]:
    """What is asked. Raises `Refusal`."""
    raw = await _body(request, limit + ROOM) if endpoint.changes else b""
    return Asked(
        path=_path(request, endpoint),
        query=_query(request, endpoint),
        body=endpoint.body() if endpoint.raw is not None else _document(request, endpoint, raw),
        headers=request.headers,
        raw=raw,
        base=f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '').rstrip('/')}{ROOT}",
    )


def _path(request: Request, endpoint: AnyEndpoint) -> Mapping[str, str]:
    """The parameters of the path. What can't be the name of anything is not found."""
    found: dict[str, str] = {}
    for name, kind in endpoint.parameters.items():
        value = str(request.path_params[name]).replace(_SLASH, "/")
        try:
            found[name] = msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            detail = f"{quote(value[:100])!r} is not the {name} of anything: {error}"
            raise Refusal(404, "not-found", detail, parameter=name) from error
    return found


def _query(request: Request, endpoint: AnyEndpoint) -> Any:
    lists = {field.name for field in msgspec.structs.fields(endpoint.query) if isinstance(field.default_factory, type)}
    values: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in lists:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise Refusal(422, "invalid", f"{name} is said twice", parameter=name)
        else:
            values[name] = value
    try:
        return msgspec.convert(values, endpoint.query, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(422, "invalid", f"the query is refused: {error}", parameter=_at(error)) from error


def _document(request: Request, endpoint: AnyEndpoint, raw: bytes) -> Any:
    try:
        if not raw:
            return msgspec.convert({}, endpoint.body)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refusal(415, "not-json", "the body is JSON, and Content-Type says so: application/json")
        codec.check_depth(raw)
        return msgspec.json.decode(raw, type=endpoint.body)
    except msgspec.ValidationError as error:
        raise Refusal(422, "invalid", f"the body is refused: {error}", parameter=_at(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, Unfit) as error:
        raise Refusal(400, "not-json", f"the body can't be read: {error}") from error


def _at(error: msgspec.ValidationError) -> str | None:
    """Where in the document, as msgspec says it: `$.options.key`."""
    _, found, place = str(error).rpartition("`$.")
    return place.rstrip("`") or None if found else None


async def _body(request: Request, limit: int) -> bytes:
    said = request.headers.get("content-length", "0")
    if said.isascii() and said.isdigit() and int(said[:20]) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SLOWEST):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise _too_large(limit)
                parts.append(part)
    except TimeoutError:
        raise Refusal(408, "slow", f"the body did not arrive within {SLOWEST:g} s") from None
    except ClientDisconnect as error:
        raise Refusal(400, "cut-off", "the body did not arrive whole") from error
    return b"".join(parts)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "payload-too-large", f"a body has up to {limit:,} bytes here", headers={"connection": "close"})
