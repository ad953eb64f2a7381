"""One loop's connection, made anew when it breaks; what went wrong with a command is put right here, if it can be.

Redirections of a Cluster are followed, scripts that the server has forgotten are sent whole, and what it can't do just
now is asked again, all within `PATIENCE`.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from penstock.backends.redis import refusals
from penstock.backends.redis.address import Address, Node
from penstock.backends.redis.dial import dial
from penstock.backends.redis.loop_end import LoopEnd
from penstock.backends.redis.route import Route, redirected
from penstock.backends.redis.script import Script
from penstock.backends.redis.wire import ErrorReply, Lost, Value, Wire, pack
from penstock.core.aside import aside
from penstock.core.errors import Applied, Invalid, Unavailable

OPENING: Final = 6.0  # seconds that the first connection is tried for: longer than one try takes
PATIENCE: Final = 10.0  # seconds that a command is asked again and again before its caller hears of it
FIRST: Final = 0.1  # seconds between two tries to connect: grows from here, with full jitter ...
LONGEST: Final = 10.0  # ... to here
PAUSE: Final = 0.01  # seconds before a server that said "not now" is asked again: grows from here ...
LONGEST_PAUSE: Final = 1.0  # ... to here


class Order(NamedTuple):
    """What is asked: a script, or (None) a plain command, whose words are `args`."""

    script: Script | None
    keys: Sequence[bytes]
    args: Sequence[Value]

    @property
    def name(self) -> str:
        return str(self.args[0]) if self.script is None else self.script.name

    def packed(self, *, whole: bool = False) -> bytes:
        """As it is sent; `whole`: with the script's text."""
        if self.script is None:
            return pack(tuple(self.args))
        how = ("EVAL", self.script.text) if whole else ("EVALSHA", self.script.sha)
        return pack((*how, len(self.keys), *self.keys, *self.args))


class _Tries:
    """How long a command has been tried, and what is known of it."""

    def __init__(self, patience: float) -> None:
        self._loop: Final = asyncio.get_running_loop()
        self.deadline: Final = self._loop.time() + patience
        self._applied: Applied = "no"
        self._reason = "no connection yet"
        self._pause = PAUSE

    def note(self, lost: Lost) -> None:
        self._reason = lost.reason
        if lost.applied == "unknown":
            self._applied = "unknown"

    def check(self, where: Node, reason: str = "") -> None:
        """Raises `Unavailable` when it is enough."""
        if self._loop.time() >= self.deadline:
            raise Unavailable(reason or f"Redis at {where}: {self._reason}", applied=self._applied)

    def closed(self) -> Unavailable:
        """The store was closed before there was an answer."""
        return Unavailable("the store was closed meanwhile", applied=self._applied)

    async def pause(self) -> None:
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)
        await asyncio.sleep(random.uniform(PAUSE / 2, self._pause))


class Line:
    """The way of one loop. `wire` may be lost: then whoever asks persists."""

    def __init__(self, address: Address, route: Route) -> None:
        self._address: Final = address
        self._route: Final = route
        self._loop: Final = asyncio.get_running_loop()
        self.wire = broken("not connected yet")
        self._node = route.node  # where the wire goes to
        self._stood = False  # it has been connected once
        self._beside: Final[dict[Node, Wire]] = {}  # to nodes that a slot is moving to
        self._dialing: asyncio.Task[None] | None = None
        self._refused: Invalid | Unavailable | None = None  # why the last try to connect failed
        self._failures = 0
        self._over = False
        self._end: Final = LoopEnd(self._let_go)

    async def reach(self) -> None:
        """Return when there is a connection. Raises `Invalid` if the server will not have us, or `Unavailable`."""
        await self._reach(_Tries(OPENING))

    async def persist(self, order: Order, reply: ErrorReply | Lost) -> object:
        """Ask again what was answered so, until there is an answer or patience ends. Raises typed errors."""
        tries, whole, redirects = _Tries(PATIENCE), False, 0
        answer: object = reply
        while True:
            match answer:
                case Lost():
                    tries.note(answer)
                    tries.check(self._node)
                    await self._reach(tries)
                    answer = await self._ask(order, whole=whole)
                case ErrorReply(code="NOSCRIPT"):
                    whole = True
                    answer = await self._ask(order, whole=True)
                case ErrorReply(code="MOVED" | "ASK") if redirects < 5:
                    redirects += 1
                    answer = await self._redirected(order, answer, tries, whole=whole)
                case ErrorReply():
                    if order.script is None:
                        return answer
                    await self._forbear(order, answer, tries)
                    redirects = 0
                    answer = await self._ask(order, whole=whole)
                case _:
                    return answer

    def hang_up(self) -> None:
        """Give up every connection."""
        self._end.forget()

    async def gone(self) -> None:
        """Return when what `hang_up` ended has ended."""
        if self._dialing is not None:
            await asyncio.wait([self._dialing])
        await asyncio.sleep(0)  # the system's socket is closed in the loop's next turn

    def _let_go(self) -> None:
        """The loop ends, or the store was closed."""
        self._over = True
        for wire in (self.wire, *self._beside.values()):
            wire.fail("the store was closed")
        if self._dialing is not None:
            self._dialing.cancel()

    async def _ask(self, order: Order, *, whole: bool) -> object:
        return await self.wire.ask(order.packed(whole=whole))

    async def _forbear(self, order: Order, reply: ErrorReply, tries: _Tries) -> None:
        """Wait until it may be asked again. Raises the typed error if that would not help."""
        said = refusals.word(reply)
        failure = refusals.error(reply, order.name, str(self._node))
        if said not in refusals.SOON | refusals.ELSEWHERE | {"MOVED", "ASK"}:
            raise failure
        tries.check(self._node, failure.reason if isinstance(failure, Unavailable) else str(failure))
        await tries.pause()
        if said in refusals.ELSEWHERE or said == "CLUSTERDOWN":
            self._route.astray(self._node)
            self.wire.fail(reply.text)

    async def _redirected(self, order: Order, reply: ErrorReply, tries: _Tries, *, whole: bool) -> object:
        """The answer of the node that a Cluster names."""
        if reply.code == "ASK":
            return await self._ask_beside(order, redirected(reply.text, self._node), tries, whole=whole)
        if not self.wire.lost and self._route.node == self._node:
            self._route.moved(reply.text, self._node)
        await self._reach(tries)
        return await self._ask(order, whole=whole)

    async def _ask_beside(self, order: Order, node: Node, tries: _Tries, *, whole: bool) -> object:
        """Ask the node that the slot is moving to, for this once."""
        wire = self._beside.get(node)
        if wire is None or wire.lost:
            try:
                wire = self._keep_beside(node, await dial(self._address, node))
            except (Invalid, Unavailable) as error:
                tries.check(node, str(error))
                await tries.pause()
                return Lost(str(error), "no")
        wire.ask(pack(("ASKING",)))
        answer = await wire.ask(order.packed(whole=whole))
        if isinstance(answer, ErrorReply) and answer.code == "NOSCRIPT":
            wire.ask(pack(("ASKING",)))
            answer = await wire.ask(order.packed(whole=True))
        return answer

    def _keep_beside(self, node: Node, wire: Wire) -> Wire:
        """The one connection to that node, if others have made one at the same time."""
        standing = self._beside.get(node)
        if standing is not None and not standing.lost:
            wire.fail("there is one already")
            return standing
        if self._over:
            wire.fail("the store was closed")
        self._beside[node] = wire
        return wire

    async def _reach(self, tries: _Tries) -> None:
        """Return when there is a connection to the node that serves."""
        while self.wire.lost or self._node != self._route.node:
            if self._over:
                raise tries.closed()
            if self._dialing is None:
                self._dialing = aside(self._dial())
            await asyncio.wait([self._dialing], timeout=max(0.0, tries.deadline - self._loop.time()))
            if self._refused is not None and not self._stood and isinstance(self._refused, Invalid):
                raise self._refused
            refused = self._refused
            tries.check(self._route.node, refused.reason if isinstance(refused, Unavailable) else str(refused or ""))

    async def _dial(self) -> None:
        """One try, after the wait that is due."""
        node = self._route.node
        try:
            if self._failures:
                await asyncio.sleep(random.uniform(FIRST, min(LONGEST, FIRST * 2.0 ** min(self._failures, 10))))
                node = self._route.node
            wire = await dial(self._address, node)
        except (Invalid, Unavailable) as error:
            self._refused = error
            self._failures += 1
            self._route.astray(node)
        else:
            self._retire(self.wire)
            self.wire, self._node, self._stood = wire, node, True
            self._refused, self._failures = None, 0
        finally:
            self._dialing = None

    def _retire(self, wire: Wire) -> None:
        """Hang up once the old connection owes no more answers."""
        if not wire.lost:
            drained = aside(wire.drained())
            drained.add_done_callback(lambda _: wire.fail("another node serves"))


def broken(reason: str) -> Wire:
    """A connection that is none."""
    wire = Wire()
    wire.fail(reason)
    return wire
