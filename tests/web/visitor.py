"""Asks a served app without a network: in the same loop, one request at a time, streams as slowly as one likes."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import msgspec

from penstock.app.surfaces import ASGI

HOST = "localhost"
HERE = ("127.0.0.1", 40000)


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return msgspec.json.decode(self.body)


class Visitor:
    """Somebody with a browser, a script or bad intentions."""

    def __init__(
        self, site: ASGI, headers: Mapping[str, str] | None = None, peer: tuple[str, int] | None = HERE
    ) -> None:
        self.site = site
        self.headers = {"host": HOST, **(headers or {})}
        self.peer = peer

    async def ask(
        self, method: str, path: str, body: object = None, *, raw: bytes | None = None, **headers: str
    ) -> Answer:
        """One request, answered whole. Names of headers with underscores."""
        said = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = raw if raw is not None else b"" if body is None else msgspec.json.encode(body)
        if data:
            said.setdefault("content-type", "application/json")
        messages: list[MutableMapping[str, Any]] = []
        asked = [{"type": "http.request", "body": data, "more_body": False}]

        async def receive() -> MutableMapping[str, Any]:
            if asked:
                return asked.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: MutableMapping[str, Any]) -> None:
            messages.append(message)

        await self.site(self._scope(method, path, said), receive, send)
        start = messages[0]
        return Answer(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(message.get("body", b"") for message in messages[1:]),
        )

    def _scope(self, method: str, path: str, headers: Mapping[str, str]) -> MutableMapping[str, Any]:
        place, _, query = path.partition("?")
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(place),
            "raw_path": place.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": self.peer,
            "server": ("127.0.0.1", 80),
        }

    async def _serve(self, scope: MutableMapping[str, Any], reader: "Reader") -> None:
        try:
            await self.site(scope, reader.receive, reader.send)
        finally:
            reader.pieces.put_nowait(None)

    @asynccontextmanager
    async def reading(self, path: str, **headers: str) -> AsyncGenerator["Reader"]:
        """A stream, read one piece at a time; closed in the end, as by a browser that leaves."""
        reader = Reader()
        said = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        serving = asyncio.create_task(self._serve(self._scope("GET", path, said), reader))
        try:
            yield reader
        finally:
            reader.left.set()
            reader.taking.set()
            await asyncio.wait_for(serving, 20)


class Event(msgspec.Struct):
    id: int
    kind: str
    data: Any


class Reader:
    """The other end of a stream. While `taking` is not set, it takes nothing, as a slow client does."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[MutableMapping[str, Any] | None] = asyncio.Queue()
        self.left = asyncio.Event()
        self.taking = asyncio.Event()
        self.taking.set()
        self.sent = 0
        self._asked = False

    async def receive(self) -> MutableMapping[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self.taking.wait()
        self.sent += 1
        self.pieces.put_nowait(message)

    async def piece(self) -> MutableMapping[str, Any] | None:
        return await asyncio.wait_for(self.pieces.get(), 20)

    async def events(self) -> AsyncGenerator[Event]:
        """Those to come, until the stream ends."""
        while (message := await self.piece()) is not None:
            for event in parsed(message.get("body", b"")):
                yield event


def parsed(text: bytes) -> list[Event]:
    """The events in whole pieces of a stream."""
    found: list[Event] = []
    for block in text.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "data" in fields:
            found.append(Event(int(fields.get("id", 0)), fields["event"], msgspec.json.decode(fields["data"])))
    return found
