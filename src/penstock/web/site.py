"""The served app: its addresses, its door, its streams, as one ASGI application that stands alone or is mounted."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from itertools import groupby
from os import environ
from typing import Any, Final, Unpack
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.app import redaction
from penstock.app.app import App
from penstock.app.client import Client
from penstock.app.stream import parts
from penstock.app.surfaces import NamedByWeb
from penstock.app.tickets import Passes, Tickets
from penstock.core.duration import seconds
from penstock.core.errors import Invalid, PenstockError
from penstock.web import control, editing, graphs, queues, runs, schedules, signals, streams
from penstock.web.access import Door, host_of
from penstock.web.description import describe
from penstock.web.desk import Desk
from penstock.web.endpoint import ROOT, AnyEndpoint, Asked, Endpoint, Feed, Nothing, Reply
from penstock.web.events import Streams
from penstock.web.problems import Refusal, refusal_of
from penstock.web.reading import KeepSlashes, read

STREAMS: Final = 1000  # open at once
AGE: Final = 30.0  # seconds of a stream; then its reader connects again: so no server waits long for it to end

_PLAIN: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Site(Starlette):
    """An app over HTTP. `app.asgi()` makes it."""

    def __init__(self, app: App, client: Client, **named: Unpack[NamedByWeb]) -> None:
        _check_names(named)
        token = named.get("token") or environ.get("PENSTOCK_WEB_TOKEN") or None
        public_url = (named.get("public_url") or environ.get("PENSTOCK_PUBLIC_URL") or "").rstrip("/")
        self.streams = Streams(
            _most(named.get("max_streams", STREAMS)), seconds(named.get("stream_age", AGE), "stream_age")
        )
        origins = {*named.get("origins", ()), *_origin_of(public_url)}
        self._door = Door(token, named.get("allowed_hosts", ()), origins, host_of(public_url))
        self._desk = _desk(app, client, named, public_url, token)
        self._has_token = token is not None
        self._endpoints = _endpoints(self._desk, self._openapi, read_only=named.get("read_only", False))
        super().__init__(
            routes=[self._route(path, list(some)) for path, some in groupby(self._endpoints, lambda one: one.path)],
            middleware=[Middleware(KeepSlashes)],
            exception_handlers={HTTPException: _not_there, Exception: _broken},
            lifespan=self._serve,
        )

    @asynccontextmanager
    async def _serve(self, _: Starlette) -> AsyncGenerator[None]:
        """Where it stands alone: the app is open while it serves."""
        async with self._desk.app:
            try:
                yield
            finally:
                self.streams.end()

    def _route(self, path: str, endpoints: Sequence[AnyEndpoint]) -> Route:
        by_method = {endpoint.method: endpoint for endpoint in endpoints}

        async def answer(request: Request) -> Response:
            endpoint = by_method["GET" if request.method == "HEAD" else request.method]  # type: ignore[index]
            try:
                return await self._answer(request, endpoint)
            except Refusal as refusal:
                return _problem(refusal)
            except PenstockError as error:
                return _problem(refusal_of(error))

        return Route(ROOT + path, answer, methods=list(by_method))

    async def _answer(self, request: Request, endpoint: AnyEndpoint) -> Response:
        peer = None if request.client is None else request.client.host
        access = "signed" if self._has_pass(request, endpoint) else endpoint.access
        self._door.check(request.headers, peer, request.url.scheme, access)
        asked = await read(request, endpoint, self._desk.client.limit)
        reply = await endpoint.work(self._desk, asked)
        if isinstance(reply, Feed):
            if request.method == "HEAD":
                return Response(headers=_PLAIN, media_type="text/event-stream")
            lines = parts(self._desk.client, reply.run_id, reply.after, known=True)
            return _Passed(self.streams.begin(lines, self._desk.entries))
        headers = {**_PLAIN, **reply.headers}
        if reply.status == 204:
            return Response(status_code=204, headers=headers)
        return Response(msgspec.json.encode(reply.document), reply.status, headers, "application/json")

    def _has_pass(self, request: Request, endpoint: AnyEndpoint) -> bool:
        """Whether the query brings a pass, and no token is brought. Raises `Refusal` for one that opens nothing."""
        given, passes = request.query_params.get("pass"), self._desk.passes
        if not endpoint.by_pass or given is None or passes is None or "authorization" in request.headers:
            return False
        if not passes.opens(given, str(request.path_params["id"]).replace("%2F", "/")):
            detail = "this pass was not made here for this run, or its time is over: ask for another with the token"
            raise Refusal(401, "unauthorized", detail, headers={"www-authenticate": 'Bearer realm="penstock"'})
        return True

    async def _openapi(self, desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
        base = asked.base.removesuffix(ROOT) if not desk.public_url else desk.public_url
        title = f"Penstock: {desk.app.name or desk.app.namespace}"
        return Reply(
            describe(self._endpoints, title=title, version=version("penstock"), base=base, token=self._has_token)
        )


class _Passed(Response):
    """An ASGI application as the response that a route returns."""

    def __init__(self, application: Callable[[Any, Any, Any], Awaitable[None]]) -> None:
        super().__init__()
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._application(scope, receive, send)


def site(app: App, client: Client, named: NamedByWeb) -> Site:
    """The served app."""
    return Site(app, client, **named)


def _desk(app: App, client: Client, named: NamedByWeb, public_url: str, token: str | None) -> Desk:
    secret = named.get("secret") or environ.get("PENSTOCK_SECRET") or None
    dispatch = named.get("dispatch_secret") or environ.get("PENSTOCK_DISPATCH_SECRET") or None
    if dispatch is not None and len(dispatch) < 16:
        raise Invalid("dispatch_secret", "***", "a text of at least 16 characters, which nobody can guess")
    return Desk(
        app=app,
        client=client,
        redact=redaction.redaction(named.get("redact", redaction.names())),
        tickets=None if secret is None else Tickets(secret),
        passes=None if token is None else Passes(secret or token),
        dispatch_secret=None if dispatch is None else dispatch.encode(),
        public_url=public_url,
    )


def _endpoints(
    desk: Desk, openapi: Callable[[Desk, Asked[Nothing, Nothing]], Awaitable[Reply]], *, read_only: bool
) -> list[AnyEndpoint]:
    """The addresses in force, those of one path together."""
    found: list[AnyEndpoint] = [*runs.ENDPOINTS, *streams.ENDPOINTS, *signals.SIGNALS, *queues.ENDPOINTS]
    found += [*graphs.ENDPOINTS, *editing.ENDPOINTS, *schedules.ENDPOINTS, *control.ENDPOINTS]
    found.append(
        Endpoint(
            "GET", "/openapi.json", "openapi", "Describe this API", openapi, Nothing, Nothing, {200: dict[str, Any]}
        )
    )
    if desk.passes is not None:
        found += streams.PASSES
    if desk.tickets is not None:
        found += signals.TICKETS
    if desk.dispatch_secret is not None:
        found += signals.DISPATCH
    allowed = [one for one in found if not (read_only and one.changes)]
    return sorted(allowed, key=lambda one: (one.path, one.method))


def _problem(refusal: Refusal) -> Response:
    headers = {**_PLAIN, **refusal.headers}
    return Response(msgspec.json.encode(refusal.problem), refusal.problem.status, headers, "application/problem+json")


async def _not_there(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: "no such address here", 405: f"{request.method} is not what this address takes"}
    name = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "refused")
    detail = words.get(error.status_code, error.detail)
    return _problem(Refusal(error.status_code, name, detail, headers=error.headers))


async def _broken(_: Request, error: Exception) -> Response:
    """The server logs it; whoever asked learns that, and no more."""
    return _problem(Refusal(500, "internal", f"a mistake of the server's ({type(error).__name__}): see its log"))


def _check_names(named: Mapping[str, object]) -> None:
    for name, value in named.items():
        if name not in NamedByWeb.__annotations__:
            raise Invalid(
                name, value, f"no such option here; there are {', '.join(sorted(NamedByWeb.__annotations__))}"
            )


def _origin_of(url: str) -> set[str]:
    """What a browser calls the site that a URL is of."""
    parts = urlsplit(url)
    return {f"{parts.scheme}://{parts.netloc}"} if parts.netloc else set()


def _most(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Invalid("max_streams", value, "a whole number from 1")
    return value
