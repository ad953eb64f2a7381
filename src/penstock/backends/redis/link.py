"""The way to the server: scripts go out, replies come back. Knows no key and no operation.

One connection for each loop that asks, shared by all who ask there. What was certainly not carried out is asked again,
and so is what may have been: every operation of the contract, asked twice, does once. Both only for so long.
"""

import asyncio
import os
import weakref
from asyncio import AbstractEventLoop
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, TypeAlias

from penstock.backends.redis.address import Address
from penstock.backends.redis.line import Line, Order
from penstock.backends.redis.route import Route
from penstock.backends.redis.script import Script
from penstock.backends.redis.wire import ErrorReply, Lost, Value, pack
from penstock.core.aside import aside
from penstock.core.errors import Closed, PenstockError

Call: TypeAlias = tuple[Script, Sequence[bytes], Sequence[Value]]

CLOSING: Final = 5.0  # seconds for what is in flight to be answered


class Link:
    """Connections to one address. Any loop may ask. Replies are bytes, int, None, and lists of these."""

    def __init__(self, address: Address) -> None:
        self.address: Final = address
        self.route: Final = Route(address.nodes)
        self._lines: dict[AbstractEventLoop, Line] = {}
        self._telling: Final[set[asyncio.Task[None]]] = set()
        self._closed = True
        _links.add(self)

    async def open(self) -> None:
        """Connect in this loop. Asked twice, it does once. Raises `Invalid` if the server will not have us."""
        self._closed = False
        await self._line().reach()

    async def close(self) -> None:
        """Let what is in flight arrive, for a while, and hang up; in other loops at once."""
        self._closed = True
        lines, self._lines = self._lines, {}
        here = lines.pop(asyncio.get_running_loop(), None)
        for loop, line in lines.items():
            with suppress(RuntimeError):  # that loop is closed, and its connection with it
                loop.call_soon_threadsafe(line.hang_up)
        if here is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING):
                    await here.wire.drained()
            here.hang_up()
            await here.gone()

    async def run(self, script: Script, keys: Sequence[bytes], args: Sequence[Value]) -> object:
        """What the script answers. Raises `Unavailable`, or what `refusals.error` makes of an error reply."""
        line = self._lines.get(asyncio.get_running_loop()) or self._line()
        reply = await line.wire.ask(pack((b"EVALSHA", script.sha, len(keys), *keys, *args)))
        if isinstance(reply, _TROUBLE):
            return await line.persist(Order(script, keys, args), reply)
        return reply

    async def run_both(self, first: Call, second: Call) -> tuple[object, object]:
        """Both scripts in one write, in order. What the second would raise is returned: it never undoes the first."""
        line = self._lines.get(asyncio.get_running_loop()) or self._line()
        asked = line.wire.ask(Order(*first).packed(), more=True)
        behind = line.wire.ask(Order(*second).packed(), asked)
        answer, then = await asked, await behind
        if isinstance(answer, _TROUBLE):
            answer = await line.persist(Order(*first), answer)
        if isinstance(then, _TROUBLE):
            try:
                then = await line.persist(Order(*second), then)
            except PenstockError as error:
                then = error
        return answer, then

    async def command(self, *words: Value) -> object:
        """What the server answers to a plain command; `ErrorReply` if it refuses."""
        line = self._lines.get(asyncio.get_running_loop()) or self._line()
        reply = await line.wire.ask(pack(words))
        return await line.persist(Order(None, (), words), reply) if isinstance(reply, Lost) else reply

    def tell(self, *words: Value) -> None:
        """Send a plain command from the running loop soon, and hear nothing of it."""
        self._line()  # raises if this is closed
        task = aside(self._tell(words))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def forget(self) -> None:
        """In a forked child: the connections are the parent's. Whoever wants some opens a link of their own."""
        self._lines = {}
        self._closed = True

    async def _tell(self, words: Sequence[Value]) -> None:
        with suppress(PenstockError):
            await self.command(*words)

    def _line(self) -> Line:
        """The running loop's connection, not made yet if it is new."""
        if self._closed:
            raise Closed("the store")
        loop = asyncio.get_running_loop()
        if loop not in self._lines:
            for other in list(self._lines):
                if other.is_closed():
                    self._lines.pop(other, None)
            self._lines[loop] = Line(self.address, self.route)
        return self._lines[loop]


_TROUBLE: Final = (ErrorReply, Lost)
_links: Final[weakref.WeakSet[Link]] = weakref.WeakSet()


def _forget_all() -> None:
    for link in list(_links):
        link.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
