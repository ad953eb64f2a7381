"""The worker as its attempts see it: batched operations under their leases.

For one loop; lines of the log come from any thread.
"""

import asyncio
import itertools
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, TypeVar

from msgspec.structs import replace

from penstock.core.answers import Answer, Recorded, Spawned
from penstock.core.clock import Clock
from penstock.core.leases import Append, Block, Lease, RecordStep, Spawn
from penstock.core.requests import Still
from penstock.core.run import Run
from penstock.core.state import UNLEASED
from penstock.core.views import Page
from penstock.engine.batcher import Batcher
from penstock.engine.pacing import Paced
from penstock.engine.patience import Trouble, repeat, untold
from penstock.ports.store import Leases, Views

T = TypeVar("T")

LINES: Final = 100  # of logs, in one call

_log: Final = logging.getLogger(__name__)


class Asked(Leases, Views, Protocol):
    """What of a store attempts may reach."""

    async def remove(
        self, run_ids: Sequence[str], *, children: bool = True, still: Still | None = None
    ) -> list[Answer]: ...


class WorkerHost:
    """Implements `Host` on the loop on which it is made."""

    def __init__(
        self, store: Asked, worker: str, clock: Clock, *, leaving: Callable[[], bool], trouble: Trouble = untold
    ) -> None:
        self.worker = worker
        self.clock = clock
        self.leaving = leaving
        self._store = store
        self._trouble = trouble
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        append = Paced[Append, Answer](store.append, LINES)
        self._lines = Batcher[Append, Answer](append, lambda entry: len(entry.data), most=LINES, trouble=trouble)
        self._spawns = Batcher[Spawn, Spawned](store.spawn, _bytes_of_spawn, trouble=trouble)
        self._records = Batcher[RecordStep, Recorded](store.record, _bytes_of_record, trouble=trouble)
        self._numbers = itertools.count(1)  # of lines, over all leases
        self._last_line: dict[tuple[str, str], asyncio.Future[Answer]] = {}  # by lease, till answered

    def append(self, entry: Append) -> None:
        """Store the line soon, in order, and before the attempt is settled. Thread-safe."""
        if threading.get_ident() == self._thread:
            self._append(entry)
        else:
            self._loop.call_soon_threadsafe(self._append, entry)

    def _append(self, entry: Append) -> None:
        key = entry.lease.run_id, entry.lease.token
        numbered = replace(entry, number=next(self._numbers))
        line = self._last_line[key] = self._lines.put(numbered)
        line.add_done_callback(lambda line: self._stored(key, line))

    def _stored(self, key: tuple[str, str], line: asyncio.Future[Answer]) -> None:
        if self._last_line.get(key) is line:
            del self._last_line[key]
        if not line.cancelled() and (error := line.exception()) is not None:
            _log.error("lines of a run's log are lost", exc_info=error)

    def has_lines(self, lease: Lease) -> bool:
        """Whether lines wait to be stored under this lease."""
        return bool(self._last_line) and (lease.run_id, lease.token) in self._last_line

    async def appended(self, lease: Lease) -> None:
        """Return when every line given so far under this lease is stored."""
        line = self._last_line.get((lease.run_id, lease.token))
        if line is not None:
            await asyncio.wait([line])

    async def spawn(self, spawn: Spawn) -> Spawned:
        """Insert the children, together with those of other attempts."""
        return await self._spawns.put(spawn)

    async def record(self, record: RecordStep) -> Recorded:
        """Write the step, together with those of other attempts."""
        return await self._records.put(record)

    async def block(self, block: Block) -> Answer:
        """Close the rate for a while."""
        return await repeat(lambda: self._store.block(block), self._trouble)

    async def children(self, run_id: str, *, after: str | None, limit: int) -> Page[Run]:
        """A page of the run's children, in order."""
        return await repeat(lambda: self._store.children(run_id, after=after, limit=limit), self._trouble)

    async def drop(self, lease: Lease, run_ids: tuple[str, ...]) -> list[Answer]:
        """Leave no trace of these children of the held run and of what is below them, each if none of it is running."""
        still = Still(states=UNLEASED, parent_token=lease.token)
        return await repeat(lambda: self._store.remove(run_ids, still=still), self._trouble)

    async def ask(self, question: Callable[[Views], Awaitable[T]]) -> T:
        """What the store says, however often it has to be asked."""
        return await repeat(lambda: question(self._store), self._trouble)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """From a thread: run the coroutine on the worker's loop and wait for what it returns."""
        if threading.get_ident() == self._thread:
            coroutine.close()
            raise RuntimeError("this blocks the worker's loop: await the coroutine instead")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def drained(self) -> None:
        """Return when nothing waits to be written."""
        for batcher in (self._lines, self._spawns, self._records):
            await batcher.drained()

    async def close(self) -> None:
        """Give up what is not written yet."""
        for batcher in (self._lines, self._spawns, self._records):
            await batcher.close()


def _bytes_of_spawn(spawn: Spawn) -> int:
    return sum(len(run.input) + len(run.options) for run in spawn.runs)


def _bytes_of_record(record: RecordStep) -> int:
    return len(record.step.value or b"") + len(record.step.error or b"")
