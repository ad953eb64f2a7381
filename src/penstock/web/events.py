"""A run's log as server-sent events: numbered, kept alive, bounded in number and age, and ended when the server stops.

A reader that lost its connection names the last event it has seen, and goes on there. A slow one is waited for, up to a
bound, and costs nobody else anything.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Iterator, MutableMapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec.json import encode
from starlette.types import Receive, Scope, Send

from penstock.core.errors import PenstockError
from penstock.core.views import LogEntry
from penstock.web.problems import Refusal, refusal_of

HEARTBEAT: Final = 15.0  # seconds of silence after which a comment keeps the way open
SLOWEST: Final = 30.0  # seconds in which a reader takes what it is sent, or is left
PIECE: Final = 16_384  # bytes; a piece that has so many ends with the event
RETRY: Final = b"retry: 1000\n\n"  # milliseconds after which a browser connects again

Documents: TypeAlias = Callable[[Sequence[LogEntry]], Sequence[object]]


class Streams:
    """The open streams of one served app."""

    def __init__(self, most: int, age: float) -> None:
        self._most = most
        self._age = age
        self._open: set[asyncio.Event] = set()
        self._ended = False

    def __len__(self) -> int:
        return len(self._open)

    def end(self) -> None:
        """End all streams, and let no other begin: the server stops. Call in their loop."""
        self._ended = True
        for stop in self._open:
            stop.set()

    def begin(self, parts: AsyncGenerator[Sequence[LogEntry]], documents: Documents) -> "EventStream":
        """One more. Raises `Refusal` if there are too many."""
        if self._ended or len(self._open) >= self._most:
            detail = f"{len(self._open)} streams are open here: ask again, or read the log"
            raise Refusal(503, "too-many-streams", detail, headers={"retry-after": "5"})
        return EventStream(parts, documents, self._open, self._age * random.uniform(0.8, 1.2))


class EventStream:
    """One answer, as long as its run goes on."""

    def __init__(
        self,
        parts: AsyncGenerator[Sequence[LogEntry]],
        documents: Documents,
        opened: set[asyncio.Event],
        age: float,
    ) -> None:
        self._parts = parts
        self._documents = documents
        self._opened = opened
        self._age = age
        self._stop = asyncio.Event()
        opened.add(self._stop)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. What is still to come when the client, the server or the bound ends it comes with the next one."""
        loop = asyncio.get_running_loop()
        leaving: list[asyncio.Task[Any]] = [loop.create_task(_gone(receive)), loop.create_task(self._stop.wait())]
        try:
            await _say(send, {"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await _say(send, {"type": "http.response.body", "body": RETRY, "more_body": True})
            await self._send_all(send, leaving, loop.time() + self._age)
            await _say(send, {"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            pass  # the reader takes nothing any more
        finally:
            self._opened.discard(self._stop)
            for task in leaving:
                task.cancel()
            await asyncio.gather(*leaving, return_exceptions=True)
            await self._parts.aclose()

    async def _send_all(self, send: Send, leaving: list[asyncio.Task[Any]], until: float) -> None:
        loop = asyncio.get_running_loop()
        coming: asyncio.Task[Sequence[LogEntry] | None] | None = None
        try:
            while loop.time() < until and not any(task.done() for task in leaving):
                coming = coming or loop.create_task(self._next())
                patience = min(HEARTBEAT, until - loop.time())
                await asyncio.wait([coming, *leaving], timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    await _say(send, {"type": "http.response.body", "body": b": \n\n", "more_body": True})
                    continue
                entries, coming = coming.result(), None
                if entries is None:
                    return
                for piece in self._pieces(entries):
                    await _say(send, {"type": "http.response.body", "body": piece, "more_body": True})
        except PenstockError as error:
            problem = b"event: problem\ndata: %b\n\n" % encode(refusal_of(error).problem)
            await _say(send, {"type": "http.response.body", "body": problem, "more_body": True})
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def _next(self) -> Sequence[LogEntry] | None:
        return await anext(self._parts, None)

    def _pieces(self, entries: Sequence[LogEntry]) -> Iterator[bytes]:
        """The events, several in one piece, and none so large that a slow reader would have much on its way."""
        piece = b""
        for entry, document in zip(entries, self._documents(entries), strict=True):
            if len(piece) > PIECE:
                yield piece
                piece = b""
            piece += b"id: %d\nevent: %b\ndata: %b\n\n" % (entry.seq, entry.kind.encode(), encode(document))
        yield piece


_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _say(send: Send, message: MutableMapping[str, Any]) -> None:
    async with asyncio.timeout(SLOWEST):
        await send(message)
