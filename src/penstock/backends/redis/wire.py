"""One connection to one server: commands go out together, replies come back in order. Knows what no command means.

A lone command leaves at once; what is asked for in one turn of the loop behind it leaves in one write. Every answer is
a result, never an exception: a reply, an `ErrorReply`, or `Lost`, which says whether the command may have been carried
out. Whoever asked and was cancelled leaves its reply behind, so that the others still get theirs.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

import hiredis

from penstock.core.errors import Applied

Value: TypeAlias = bytes | str | int | float
Pushed: TypeAlias = Callable[[list[object]], None]

REPLY: Final = 5.0  # seconds without a byte while replies are due: then the connection is as good as dead
FLIGHT: Final = 16 * 1024 * 1024  # bytes sent and not answered; what is beyond waits here, and was certainly not sent

# A command, who gets the answer (None: it comes as a push), and the answer of the one behind which it goes.
_Waiting: TypeAlias = tuple[bytes, "asyncio.Future[object] | None", "asyncio.Future[object] | None"]

_MORE: Final = object()

pack: Final = cast("Callable[[tuple[Value, ...]], bytes]", getattr(hiredis, "pack_command"))  # noqa: B009 (untyped there)


class ErrorReply:
    """What the server refused: the first word of its text says why. Part of a reply, or all of it."""

    __slots__ = ("code", "text")

    def __init__(self, text: str | bytes) -> None:
        self.text: Final = text.decode(errors="replace") if isinstance(text, bytes) else text
        self.code: Final = self.text.partition(" ")[0]

    def __repr__(self) -> str:
        return f"ErrorReply({self.text!r})"


class Lost:
    """No reply will come: why, and whether the command may have been carried out."""

    __slots__ = ("applied", "reason")

    def __init__(self, reason: str, applied: Applied) -> None:
        self.reason: Final = reason
        self.applied: Final[Applied] = applied

    def __repr__(self) -> str:
        return f"Lost({self.reason!r}, {self.applied!r})"


def _ignored(_: list[object]) -> None:
    """Whoever has not subscribed gets no pushes that matter."""


class Wire(asyncio.Protocol):
    """A connection, for one loop. `lost`: why it is none any more, or "". `pushed` gets what nobody asked for."""

    def __init__(self, patience: float = REPLY, pushed: Pushed = _ignored) -> None:
        self.lost = ""
        self.pushed: Final = pushed
        self.over: Final[asyncio.Future[None]] = asyncio.get_running_loop().create_future()
        self._patience: Final = patience
        self._loop: Final = asyncio.get_running_loop()
        self._reader: Final = hiredis.Reader(replyError=cast("Any", ErrorReply), notEnoughData=_MORE)
        self._transport: asyncio.Transport | None = None
        self._waiting: Final[deque[_Waiting]] = deque()
        self._sent: Final[deque[tuple[int, asyncio.Future[object]]]] = deque()
        self._in_flight = 0
        self._leaving = False  # a write is due in this turn of the loop
        self._full = False  # the system takes no more for now
        self._heard = 0.0
        self._watch: asyncio.TimerHandle | None = None

    def ask(
        self, packed: bytes, behind: asyncio.Future[object] | None = None, *, more: bool = False
    ) -> asyncio.Future[object]:
        """Send the command: at once if nothing is in flight, else with others of this turn of the loop.

        It stays if the one `behind` which it goes is cancelled. `more`: another follows now, and both leave together.
        """
        future: asyncio.Future[object] = self._loop.create_future()
        if self.lost:
            future.set_result(Lost(self.lost, "no"))
            return future
        self._waiting.append((packed, future, behind))
        if not more:
            self._go()
        return future

    def say(self, packed: bytes) -> None:
        """Send a command that is answered by a push, in its turn: with what is asked next, or soon without."""
        if not self.lost:
            self._waiting.append((packed, None, None))
            self._soon()

    @property
    def silent_for(self) -> float:
        """Seconds since anything came."""
        return self._loop.time() - self._heard

    async def drained(self) -> None:
        """Return when nothing waits for an answer."""
        while due := [future for future in self._futures() if not future.done()]:
            await asyncio.wait(due)

    def fail(self, reason: str) -> None:
        """Give the connection up; what was sent may have been carried out."""
        if self.lost:
            return
        self.lost = reason
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.abort()
        for _, sent in self._sent:
            if not sent.done():
                sent.set_result(Lost(reason, "unknown"))
        for _, kept, _ in self._waiting:
            if kept is not None and not kept.done():
                kept.set_result(Lost(reason, "no"))
        self._sent.clear()
        self._waiting.clear()
        if not self.over.done():
            self.over.set_result(None)

    # what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._heard = self._loop.time()

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        reader = self._reader
        try:
            reader.feed(data)
            reply = reader.gets()
            while reply is not _MORE:
                self._take(reply)
                reply = reader.gets()
        except (hiredis.HiredisError, IndexError) as error:
            self.fail(f"what came is no reply to anything ({error})")
        if self._waiting and not self._leaving:
            self._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail("the connection was closed" if exc is None else f"the connection broke: {exc}")

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._leave()

    def _take(self, reply: object) -> None:
        if reply.__class__ is hiredis.PushNotification:
            self.pushed(cast("list[object]", reply))
            return
        size, future = self._sent.popleft()
        self._in_flight -= size
        if not future.done():
            future.set_result(reply)

    def _futures(self) -> list[asyncio.Future[object]]:
        return [future for _, future in self._sent] + [one[1] for one in self._waiting if one[1] is not None]

    def _go(self) -> None:
        """Write now or in the next turn of the loop."""
        if self._sent:
            self._soon()
        else:
            self._leave()

    def _soon(self) -> None:
        """Write in the next turn of the loop."""
        if not self._leaving:
            self._leaving = True
            self._loop.call_soon(self._leave)

    def _leave(self) -> None:
        """Write what waits, as far as there is room."""
        self._leaving = False
        if self._full or self._transport is None or self.lost:
            return
        if not self._sent:
            self._heard = self._loop.time()
        leaving: list[bytes] = []
        while self._waiting and self._in_flight < FLIGHT:
            packed, future, behind = self._waiting.popleft()
            if future is not None:
                if future.done() or (behind is not None and behind.cancelled()):  # whoever asked has gone
                    continue
                self._in_flight += len(packed)
                self._sent.append((len(packed), future))
            leaving.append(packed)
        if leaving:
            if self._watch is None:
                self._watch = self._loop.call_later(self._patience, self._look)
            self._transport.write(b"".join(leaving))

    def _look(self) -> None:
        """Nothing for too long, although replies are due: give up; else look again when that may be so."""
        self._watch = None
        if self._sent and not self.lost:
            left = self._patience - self.silent_for
            if left <= 0:
                self.fail(f"no reply within {self._patience:g} s")
            else:
                self._watch = self._loop.call_later(left, self._look)
