"""The ends of logs that streams in one loop look at together: a bell for each run, and looks that leave as one.

However many streams follow however many runs, what they ask for at once is read once, for all of them. Streams keep a
number and no lines, so a slow one costs a look of its own and no memory. Knows the store, and nothing of streams.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

from penstock.core.aside import aside
from penstock.core.errors import Closed
from penstock.core.state import State
from penstock.core.views import LogEntry
from penstock.engine.batcher import Batcher
from penstock.ports.doorbell import Listener, log_topic, run_topic
from penstock.ports.store import Store

LOOK: Final = 5.0  # seconds after which a stream looks although no bell rang
PAGE: Final = 100  # lines of one look: of up to 64 KiB each
TOGETHER: Final = 16  # reads of one look that are in flight at once
CLOSING: Final = 10.0  # seconds for a look to arrive


class Ask(NamedTuple):
    """Which lines: those of a run after a number."""

    run_id: str
    after: int


class Seen(NamedTuple):
    """What one look found. The state is older than the lines: if it is finished, no later line is missing."""

    state: State | None  # None: nobody knows the run
    lines: Sequence[LogEntry]

    @property
    def all(self) -> bool:
        """Whether these were all lines at that moment."""
        return len(self.lines) < PAGE


class Tail:
    """One run's bell, heard by all streams that follow the run."""

    def __init__(self, listener: Listener) -> None:
        self.rings = 0  # how often it was waited for; what rang since a look has raised it, or ends the next wait
        self.streams = 0
        self._listener = listener
        self._turn: asyncio.Task[None] | None = None

    async def wait(self, heard: int) -> None:
        """Return when the bell has rung since `rings` was `heard`, or after a while."""
        if self.rings != heard:
            return
        if self._turn is None:
            self._turn = aside(self._listen())
        await asyncio.wait([self._turn])  # a stream that is cancelled does not end the wait of the others

    async def _listen(self) -> None:
        try:
            await self._listener.wait(LOOK)
        finally:
            self.rings += 1
            self._turn = None

    def close(self) -> None:
        """Nobody follows the run any more."""
        self._listener.close()


class Tails:
    """All runs that are followed in one loop."""

    def __init__(self, store: Store, *, within: float) -> None:
        self._store = store
        self._closed = False
        self._tails: dict[str, Tail] = {}
        self._looks = Batcher[Ask, Seen](self._look, lambda ask: len(ask.run_id), within=within)

    @asynccontextmanager
    async def follow(self, run_id: str) -> AsyncGenerator[Tail]:
        """The run's bell, from before the first look to after the last."""
        tail = self._tails.get(run_id)
        if tail is None:
            tail = self._tails[run_id] = Tail(self._store.doorbell.listen([run_topic(run_id), log_topic(run_id)]))
        tail.streams += 1
        try:
            yield tail
        finally:
            tail.streams -= 1
            if not tail.streams:
                del self._tails[run_id]
                tail.close()

    async def look(self, run_id: str, after: int) -> Seen:
        """The next lines, and how the run stood before they were read. Its end rings from now on. Raises `Closed`."""
        if self._closed:
            raise Closed
        return await self._looks.put(Ask(run_id, after))

    async def _look(self, asked: list[Ask]) -> list[Seen]:
        """Each run once, each place in its log once, whoever asks."""
        runs = list(dict.fromkeys(ask.run_id for ask in asked))
        places = list(dict.fromkeys(asked))
        states = dict(zip(runs, await self._store.watch(runs, log=True), strict=True))
        lines: dict[Ask, Sequence[LogEntry]] = {}
        for start in range(0, len(places), TOGETHER):
            part = places[start : start + TOGETHER]
            found = await asyncio.gather(*(self._store.log(ask.run_id, after=ask.after, limit=PAGE) for ask in part))
            lines |= dict(zip(part, found, strict=True))
        return [Seen(states[ask.run_id], lines[ask]) for ask in asked]

    async def close(self) -> None:
        """End all streams: their next look raises `Closed`."""
        self._closed = True
        for tail in self._tails.values():
            tail.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self._looks.drained()
        await self._looks.close()
