"""One loop's connections for hearing: one for channels, others that block until a token is there.

The one for channels is kept up while somebody listens: silence is probed, and what broke is made anew. Those that
block are lent to who waits and taken back. Knows no topic.
"""

import asyncio
import random
from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol, cast

from penstock.backends.redis.address import Node
from penstock.backends.redis.dial import dial
from penstock.backends.redis.line import FIRST, LONGEST, Order, broken
from penstock.backends.redis.link import Call, Link
from penstock.backends.redis.loop_end import LoopEnd
from penstock.backends.redis.script import Script
from penstock.backends.redis.wire import REPLY, ErrorReply, Lost, Value, Wire, pack
from penstock.core.aside import aside
from penstock.core.errors import Invalid, Unavailable

PROBE: Final = 3.0  # seconds after which the other side is asked whether it is still there
BLOCK: Final = 5.0  # seconds that a pop blocks at most
LATE: Final = 2.0  # seconds beyond which its answer may take


class Hears(Protocol):
    """Who is told."""

    def hear(self, channel: bytes, said: bytes = b"") -> None: ...

    def keep(self, channel: bytes, said: bytes) -> None: ...

    def popped(self, token: bytes | None, *, failed: bool) -> bool:
        """None: no token came. Whether somebody waited; if not, it goes back."""
        ...


class Ear:
    """All that one loop hears. Not connected before somebody listens."""

    def __init__(self, link: Link, *, kept: bytes, asked: bytes) -> None:
        self._link: Final = link
        self._kept: Final = kept  # how channels begin that have tokens besides, which are not missed
        self._asked: Final = asked  # ... and those of what `run` asks for, once they stand
        self._loop: Final = asyncio.get_running_loop()
        self._wire = broken("not connected yet")
        self._listeners: Final[dict[bytes, set[Hears]]] = {}
        self._missed: set[bytes] = set()  # channels on which rings may have been lost
        self._idle: list[tuple[Node, Wire]] = []
        self._popping: Final[set[asyncio.Task[None]]] = set()
        self._failures = 0
        self._dialing: asyncio.Task[None] | None = None
        self._probe: asyncio.TimerHandle | None = None
        self._over = False
        self._end: Final = LoopEnd(self._let_go)

    def listen(self, listener: Hears, channels: Sequence[bytes]) -> None:
        """Hear these from now on."""
        new = [channel for channel in channels if channel not in self._listeners]
        for channel in channels:
            self._listeners.setdefault(channel, set()).add(listener)
        if new:
            self._wire.say(pack(("SUBSCRIBE", *new)))
        if self._wire.lost:
            self._dial_again()

    def forget(self, listener: Hears, channels: Sequence[bytes]) -> None:
        """Hear these no more."""
        for channel in channels:
            left = self._listeners.get(channel, set())
            left.discard(listener)
            if not left and self._listeners.pop(channel, None) is not None:
                self._wire.say(pack(("UNSUBSCRIBE", channel)))

    def bring(self, channel: bytes, said: bytes) -> None:
        """What was asked for on behalf of those who listen there."""
        for listener in self._listeners.get(channel, ()):
            listener.keep(channel, said)

    async def run(self, script: Script, keys: Sequence[bytes], args: Sequence[Value]) -> object:
        """What the script answers, asked behind all that is listened for: nothing is missed in between."""
        reply = await self._wire.ask(pack((b"EVALSHA", script.sha, len(keys), *keys, *args)))
        return await self._link.run(script, keys, args) if isinstance(reply, ErrorReply | Lost) else reply

    def pop(self, listener: Hears, tokens: Sequence[bytes], seconds: float) -> None:
        """Wait for one of the tokens; the listener is told."""
        task = aside(self._pop(listener, tokens, min(seconds, BLOCK)))
        self._popping.add(task)
        task.add_done_callback(self._popping.discard)

    async def when_popped(
        self, tokens: Sequence[bytes], seconds: float, call: Call, hurry: asyncio.Future[None]
    ) -> object | None:
        """What the script answers, asked as soon as one of the tokens is there, or after so many seconds.

        Both wait at the server, so nobody has to be told before the script is asked. None: nobody knows whether it was
        carried out; so it is when `hurry` is done before.
        """
        try:
            node, wire = await self._lent()
        except (Invalid, Unavailable):
            return None
        cut = partial(_cut, wire)
        hurry.add_done_callback(cut)
        try:
            popped = wire.ask(pack(("BZPOPMIN", *tokens, max(0.01, round(min(seconds, BLOCK), 3)))), more=True)
            answer = await wire.ask(Order(*call).packed(), popped)
        except asyncio.CancelledError:
            wire.fail("nobody waits any more")
            raise
        finally:
            hurry.remove_done_callback(cut)
        for one in (popped.result(), answer):
            if isinstance(one, ErrorReply) and one.code == "MOVED":
                self._link.route.moved(one.text, node)
            if isinstance(one, ErrorReply | Lost):
                wire.fail("the server did not answer")
                return None
        self._idle.append((node, wire))
        return answer

    def hang_up(self) -> None:
        """Hear nothing more."""
        self._end.forget()

    async def gone(self) -> None:
        """Return when what `hang_up` ended has ended."""
        tasks = [task for task in (self._dialing, *self._popping) if task is not None]
        if tasks:
            await asyncio.wait(tasks)
        await asyncio.sleep(0)  # the system's sockets are closed in the loop's next turn

    def _let_go(self) -> None:
        """The loop ends, or the store was closed."""
        self._over = True
        for wire in (self._wire, *(wire for _, wire in self._idle)):
            wire.fail("the store was closed")
        for work in (self._dialing, self._probe, *self._popping):
            if work is not None:
                work.cancel()

    # channels

    def _dial_again(self) -> None:
        """Make the connection anew, unless that is under way."""
        if self._dialing is None and not self._over:
            self._dialing = aside(self._dial())

    async def _dial(self) -> None:
        """Try until there is a connection."""
        try:
            while self._wire.lost:
                if self._failures:
                    await asyncio.sleep(random.uniform(FIRST, min(LONGEST, FIRST * 2.0 ** min(self._failures, 10))))
                node = self._link.route.node
                try:
                    self._wire = await dial(self._link.address, node, patience=REPLY, pushed=self._hear)
                except (Invalid, Unavailable):  # whoever asks for something hears of it; here it costs time only
                    self._failures += 1
                    self._link.route.astray(node)
        finally:
            self._dialing = None
        self._failures = 0
        self._missed = {channel for channel in self._listeners if not channel.startswith(self._kept)}
        if self._listeners:
            self._wire.say(pack(("SUBSCRIBE", *self._listeners)))
        self._wire.over.add_done_callback(lambda _: self._dial_again())
        if self._probe is not None:
            self._probe.cancel()
        self._look()

    def _look(self) -> None:
        """Probe what has been silent for long."""
        if not self._wire.lost:
            if self._wire.silent_for >= PROBE:
                self._wire.ask(pack(("PING",)))
            self._probe = self._loop.call_later(PROBE, self._look)

    def _hear(self, push: list[object]) -> None:
        kind, channel = push[0], push[1]
        if not isinstance(channel, bytes) or kind == b"unsubscribe":
            return
        if kind == b"subscribe" and channel not in self._missed and channel.startswith((self._kept, self._asked)):
            return
        self._missed.discard(channel)
        said = push[2] if kind == b"message" else b""
        for listener in tuple(self._listeners.get(channel, ())):
            listener.hear(channel, said if isinstance(said, bytes) else b"")

    # tokens

    async def _pop(self, listener: Hears, tokens: Sequence[bytes], seconds: float) -> None:
        try:
            node, wire = await self._lent()
        except (Invalid, Unavailable):
            listener.popped(None, failed=True)
            return
        try:
            answer = await wire.ask(pack(("BZPOPMIN", *tokens, max(0.01, round(seconds, 3)))))
        except asyncio.CancelledError:
            wire.fail("nobody waits any more")
            raise
        if isinstance(answer, ErrorReply | Lost):
            if isinstance(answer, ErrorReply) and answer.code == "MOVED":
                self._link.route.moved(answer.text, node)
            wire.fail("the server pops no more")
            listener.popped(None, failed=True)
            return
        self._idle.append((node, wire))
        token = cast("list[bytes]", answer)[0] if isinstance(answer, list) else None
        if not listener.popped(token, failed=False) and token is not None:
            wire.ask(pack(("ZADD", token, 0, "1")))

    async def _lent(self) -> tuple[Node, Wire]:
        """A connection that nobody blocks, to the node that serves."""
        node = self._link.route.node
        while self._idle:
            where, wire = self._idle.pop()
            if where == node and not wire.lost:
                return node, wire
            wire.fail("another node serves")
        try:
            return node, await dial(self._link.address, node, patience=BLOCK + LATE)
        except Unavailable:
            self._link.route.astray(node)
            raise


def _cut(wire: Wire, _: asyncio.Future[None]) -> None:
    wire.fail("it shall wait no longer")
