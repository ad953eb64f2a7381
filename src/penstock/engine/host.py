"""The worker as its attempts see it: batched operations under their leases.

For one loop; lines of the log come from any thread.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, TypeVar, cast

from penstock.core.answers import Answer, Recorded, Spawned
from penstock.core.clock import Clock
from penstock.core.errors import Invalid
from penstock.core.leases import Append, Block, Lease, RecordStep, Spawn, Step
from penstock.core.requests import Still
from penstock.core.run import Run
from penstock.core.state import UNLEASED
from penstock.core.tx import Tx
from penstock.core.views import Page
from penstock.engine.batcher import Batcher
from penstock.engine.lines import Lines
from penstock.engine.patience import Trouble, repeat, untold
from penstock.engine.threads import Threads, in_thread
from penstock.ports.store import Leases, Recording, Views

T = TypeVar("T")

RECORDS: Final = 200  # in one call: while the store writes these, the code of others goes on


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
        self._lines = Lines(store.append, trouble)
        self._spawns = Batcher[Spawn, Spawned](store.spawn, _bytes_of_spawn, trouble=trouble)
        self._records = Batcher[RecordStep, Recorded](store.record, _bytes_of_record, most=RECORDS, trouble=trouble)
        self._threads = Threads("penstock-tx")

    def append(self, entry: Append) -> None:
        """Store the line soon, in order, and before the attempt is settled.

        Thread-safe: a thread waits until there is room. On this loop raises `Flooded` if there is none.
        """
        self._lines.append(entry)

    def has_lines(self, lease: Lease) -> bool:
        """Whether lines wait to be stored under this lease."""
        return self._lines.has(lease)

    async def appended(self, lease: Lease) -> None:
        """Return when every line given so far under this lease is stored."""
        await self._lines.stored(lease)

    async def spawn(self, spawn: Spawn) -> Spawned:
        """Insert the children, together with those of other attempts."""
        return await self._spawns.put(spawn)

    async def record(self, record: RecordStep) -> Recorded:
        """Write the step, together with those of other attempts."""
        return await self._records.put(record)

    async def record_with(self, record: RecordStep, work: Callable[[Tx], Step], seconds: float) -> Recorded:
        """Do both in a transaction of the store, in a thread."""
        if not hasattr(self._store, "record_with"):
            raise Invalid("tx", "Tx", "this app's store has no transaction that a step could write in")
        store = cast("Recording", self._store)
        return await repeat(
            lambda: in_thread(self._threads, lambda: store.record_with(record, work, seconds)), self._trouble
        )

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
        self._threads.close()
        for batcher in (self._lines, self._spawns, self._records):
            await batcher.close()


def _bytes_of_spawn(spawn: Spawn) -> int:
    return sum(len(run.input) + len(run.options) for run in spawn.runs) + _bytes_of_step(spawn.step)


def _bytes_of_record(record: RecordStep) -> int:
    return _bytes_of_step(record.step)


def _bytes_of_step(step: Step | None) -> int:
    return 0 if step is None else len(step.value or b"") + len(step.error or b"")
