"""How often the store is asked for plain runs: counted, so that a change that adds a round trip is seen."""

import asyncio
from pathlib import Path
from typing import Final

from penstock import App
from tests.clock import FakeClock
from tests.engine.support import TestHandler, enqueue, new_store, real_worker, until_finished, worker_of
from tests.engine.tapped import Tapped, tapped
from tests.engine.virtual import passes, virtual
from tests.stores import open_empty

RUNS: Final = 5_000
SLOTS: Final = 100
WORK: Final = ("claim", "turn", "settle")


def work(tap: Tapped) -> int:
    """Calls of a worker that carries out plain runs."""
    return sum(tap.calls[name] for name in WORK)


@virtual
async def test_a_lone_run_is_claimed_in_one_call_and_settled_in_another() -> None:
    tap, store = tapped(new_store())
    async with worker_of(store, TestHandler()):
        await passes(30)
        tap.calls.clear()
        await until_finished(store, await enqueue(store))
        await passes(0.05)  # upkeep is not due yet
    assert tap.calls["enqueue"] == 1
    assert work(tap) == 2


@virtual
async def test_each_call_settles_what_all_slots_have_done_and_fills_them_again() -> None:
    tap, store = tapped(new_store())
    run_ids = await enqueue(store, RUNS)
    async with worker_of(store, TestHandler(), concurrency=SLOTS):
        await until_finished(store, run_ids)
    assert work(tap) <= RUNS / SLOTS + 2  # the first claims only, and the last finds nothing


async def test_runs_share_calls_on_every_backend(backend: str, clock: FakeClock, tmp_path: Path) -> None:
    """Not as exactly: the loop turns while the store is busy."""
    tap, store = tapped(await open_empty(backend, clock, tmp_path / "store.db"))
    run_ids = await enqueue(store, RUNS)
    async with real_worker(store, TestHandler(), concurrency=SLOTS):
        await until_finished(store, run_ids)
    await store.close()
    assert work(tap) <= 2 * RUNS / SLOTS


@virtual
async def test_an_idle_worker_asks_less_than_once_a_second() -> None:
    tap, store = tapped(new_store())
    async with worker_of(store, TestHandler()):
        await passes(60)  # until the last run is forgotten
        tap.calls.clear()
        await passes(600)
        assert tap.calls.total() <= 600, tap.calls


async def test_callers_at_once_share_a_call(backend: str, clock: FakeClock, tmp_path: Path) -> None:
    tap, store = tapped(await open_empty(backend, clock, tmp_path / "store.db"))
    app = App("memory://")
    app._client.stores._new_store = lambda: store

    @app.task
    async def job() -> None: ...

    await job.enqueue()
    await job.enqueue()
    assert tap.calls["enqueue"] == 2
    tap.calls.clear()
    await app.enqueue_many([job.call() for _ in range(1000)])
    assert tap.calls["enqueue"] == 1
    tap.calls.clear()
    await asyncio.gather(*(job.enqueue() for _ in range(SLOTS)))
    assert tap.calls["enqueue"] <= 2 or backend == "memory", tap.calls  # memory answers at once: nobody waits
    await app.close()
