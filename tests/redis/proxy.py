"""A proxy that does what networks do: it cuts, swallows, delays and goes dead, between a client and a real server."""

import asyncio
from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Final, Self, cast

from tests.redis.servers import eventually


class Fault(Enum):
    """What becomes of one piece of what a client sent, and of the answer to it."""

    NONE = "none"
    CUT_BEFORE = "cut before it reached the server"
    SWALLOW = "answer swallowed"
    CUT_WITHIN = "cut within the answer"
    DELAY = "delayed"
    DEAD = "gone dead without a word"


Plan = Callable[[bytes], Fault]


def no_fault(_: bytes) -> Fault:
    """All is well."""
    return Fault.NONE


class Proxy:
    """Between clients and the server on `port`. `plan` says what becomes of what a client sends next."""

    def __init__(self, port: int, plan: Plan = no_fault, *, delay: float = 0.02) -> None:
        self.plan = plan
        self.delay: Final = delay
        self.struck: Final = Counter[Fault]()
        self.sent: Final[list[bytes]] = []  # what came from clients, piece by piece
        self.keeps_sent = True
        self.port = 0
        self.to: Final = port
        self.passing: Final[set[_Passage]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Passage(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut_all()
        await eventually(lambda: not self.passing, "the connections to end")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0?allow_volatile=1"

    def strike(self, fault: Fault) -> None:
        """What comes next meets this fault, and nothing after it."""

        def plan(_: bytes) -> Fault:
            self.plan = no_fault
            return fault

        self.plan = plan

    def cut_all(self) -> None:
        """Every connection is cut now."""
        for passage in tuple(self.passing):
            passage.cut()


class _Passage(asyncio.Protocol):
    """One client's connection, and the one to the server behind it."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._client: asyncio.WriteTransport | None = None
        self._server: asyncio.WriteTransport | None = None
        self._early: list[bytes] = []  # what came before the server was reached
        self._late: list[bytes] = []  # what is delayed
        self._fault = Fault.NONE
        self._connecting: asyncio.Task[None] | None = None

    def cut(self) -> None:
        for transport in (self._client, self._server):
            if transport is not None:
                transport.abort()

    # the client's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._client = cast("asyncio.WriteTransport", transport)
        self._proxy.passing.add(self)
        self._connecting = asyncio.create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        if self._proxy.keeps_sent:
            self._proxy.sent.append(data)
        if self._fault is Fault.DEAD:
            return
        if self._late:  # what comes later must not overtake
            self._late.append(data)
            return
        fault = self._fault = self._proxy.plan(data)
        self._proxy.struck[fault] += 1
        match fault:
            case Fault.CUT_BEFORE:
                self.cut()
            case Fault.DEAD:
                pass
            case Fault.DELAY:
                self._late.append(data)
                asyncio.get_running_loop().call_later(self._proxy.delay, self._pass_on_late)
            case _:
                self._pass_on(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        self.cut()
        self._proxy.passing.discard(self)

    async def _connect(self) -> None:
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: _Answers(self.answered, self.cut), "127.0.0.1", self._proxy.to
            )
        except OSError:  # the server is down
            self.cut()
            return
        self._server = transport
        for piece in self._early:
            transport.write(piece)

    def _pass_on_late(self) -> None:
        late, self._late = self._late, []
        for piece in late:
            self._pass_on(piece)

    def _pass_on(self, data: bytes) -> None:
        if self._server is None:
            self._early.append(data)
        else:
            self._server.write(data)

    # the server's side

    def answered(self, data: bytes) -> None:
        """What the server says to the client."""
        assert self._client is not None
        match self._fault:
            case Fault.SWALLOW:
                self.cut()
            case Fault.CUT_WITHIN:
                self._client.write(data[: len(data) // 2])
                self._client.close()
            case Fault.DEAD:
                pass
            case _:
                self._client.write(data)


class _Answers(asyncio.Protocol):
    """The connection to the server."""

    def __init__(self, answered: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._answered = answered
        self._ended = ended

    def data_received(self, data: bytes) -> None:
        self._answered(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended()
