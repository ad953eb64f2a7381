"""What happens seldom: results that fill a call, no thread to be had, claims for nobody, runs removed meanwhile."""

import asyncio
import threading

import pytest

from penstock.backends.memory import MemoryStore
from penstock.core.leases import Complete
from penstock.core.state import State
from penstock.engine.batcher import BYTES
from penstock.engine.handler import Attempt, Executor
from penstock.engine.stop import Reason
from tests.engine.support import TestHandler, enqueue, new_store, read, real_worker, until_finished, worker_of
from tests.engine.tapped import tapped
from tests.engine.virtual import passes, virtual


@virtual
async def test_large_results_travel_in_calls_of_bounded_size() -> None:
    tap, store = tapped(new_store())
    size = BYTES // 4 + 1

    async def large(attempt: Attempt) -> bytes:
        return b"1" * size

    run_ids = await enqueue(store, 10)
    async with worker_of(store, TestHandler(large), concurrency=10):
        runs = await until_finished(store, run_ids)
    assert {len(run.result or b"") for run in runs} == {size}
    sent = [args[0] for name, args in tap.arguments if name in {"turn", "settle"}]
    weights = [sum(len(one.result) for one in outcomes if isinstance(one, Complete)) for outcomes in sent]
    assert max(weights) <= BYTES
    assert sum(weights) == 10 * size


@virtual
async def test_a_run_that_waits_here_and_is_cancelled_or_lost_is_never_called() -> None:
    for reason, state in ((Reason.CANCEL, State.CANCELLED), (Reason.LOST, State.RUNNING)):
        store, called = new_store(), set[str]()

        async def work(attempt: Attempt, called: set[str] = called) -> bytes:
            called.add(attempt.claim.run_id)
            await asyncio.sleep(0.010)
            return b"1"

        run_ids = await enqueue(store, 400)
        worker = worker_of(store, TestHandler(work), concurrency=5)
        async with worker:
            while worker.health().waiting < 10:
                await passes(0.001)
            assert worker._rig is not None
            held = worker._rig.slots._ahead._line[-1]
            victim = held.attempt.claim.run_id
            if reason is Reason.CANCEL:
                await store.cancel([victim])
            worker._rig.slots.ask(held, reason)
            await until_finished(store, [run_id for run_id in run_ids if run_id != victim])
            assert (await read(store, victim)).state is state
            assert victim not in called


async def test_without_a_thread_to_be_had_runs_wait_and_nobody_spins(monkeypatch: pytest.MonkeyPatch) -> None:
    start, refused = threading.Thread.start, 0

    def refusing(thread: threading.Thread) -> None:
        nonlocal refused
        if thread.name.startswith("penstock-run") and refused < 2:
            refused += 1
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refusing)
    monkeypatch.setattr("penstock.engine.slots.REST", 0.01)
    store = MemoryStore()
    run_ids = await enqueue(store)
    async with asyncio.timeout(20), real_worker(store, TestHandler(executor=Executor.THREAD)) as worker:
        (run,) = await until_finished(store, run_ids)
        assert worker.health().running == 0
    assert refused == 2
    assert (run.state, run.claims, run.failures, run.crashes) == (State.SUCCEEDED, 1, 0, 0)


@virtual
async def test_a_claim_that_nobody_here_can_carry_out_is_given_back() -> None:
    store = new_store()
    worker = worker_of(store, TestHandler())
    (run_id,) = await enqueue(store, delay=10.0)
    async with worker:
        await passes(1)
        worker._registry._by_task.clear()
        await passes(15)
        assert (await read(store, run_id)).state is State.QUEUED
        worker._registry.add(TestHandler())
        (run,) = await until_finished(store, [run_id])
    assert (run.claims, run.crashes, run.releases) == (1, 0, 0)


@virtual
async def test_a_run_that_vanishes_while_it_runs_is_dropped() -> None:
    """An operator's doing (or an older backup): told, logged, and nothing breaks."""
    store, lost = new_store(), list[str]()

    async def work(attempt: Attempt) -> bytes:
        del store._t.rows[attempt.claim.run_id]
        return b"1"

    worker = worker_of(store, TestHandler(work), upkeep=False)
    worker.observers.on("run.lost", lambda event: lost.append(event.run_id))
    (run_id,) = await enqueue(store)
    async with worker:
        await passes(5)
        assert worker.health().ok
    assert lost == [run_id]


@virtual
async def test_lines_of_a_lost_lease_are_dropped() -> None:
    store = new_store()

    async def work(attempt: Attempt) -> bytes:
        store._t.rows[attempt.claim.run_id].token = "somebody else's"
        attempt.emit("log", b"late")
        await attempt.flush()
        return b"1"

    (run_id,) = await enqueue(store)
    async with worker_of(store, TestHandler(work), upkeep=False):
        await passes(5)
        assert [entry for entry in await store.log(run_id) if entry.kind == "log"] == []
