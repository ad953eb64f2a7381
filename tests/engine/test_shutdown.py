"""How a worker goes: nothing new, a while for what runs, the rest handed back free of charge, and all of it bounded."""

import asyncio
import logging

import pytest

from penstock.core.errors import Unavailable
from penstock.core.state import State
from penstock.engine.handler import Attempt
from penstock.engine.stop import Reason
from tests.engine.support import TestHandler, enqueue, new_store, read, until_finished, worker_of
from tests.engine.tapped import tapped
from tests.engine.virtual import now, passes, virtual


async def short(attempt: Attempt) -> bytes:
    await asyncio.sleep(10)
    return b"1"


async def long(attempt: Attempt) -> bytes:
    await asyncio.sleep(3600)
    return b"1"


@virtual
async def test_running_runs_end_within_the_grace_and_no_new_one_is_taken() -> None:
    """S0-64, B-062: close waits; the job completes properly, its lock renewed meanwhile; no new job is taken."""
    store = new_store()
    running = await enqueue(store, 2)
    worker = worker_of(store, TestHandler(short), concurrency=2, lease=3.0)
    worker.start()
    await passes(1)
    waiting = await enqueue(store, 2)
    since = now()
    worker.stop()
    await worker.stopped()
    assert now() - since == pytest.approx(9, abs=0.2)
    runs = [await read(store, run_id) for run_id in [*running, *waiting]]
    assert [run.state for run in runs] == [State.SUCCEEDED] * 2 + [State.QUEUED] * 2
    assert [run.crashes for run in runs] == [0] * 4
    assert await store.workers() == []
    assert await store.check() == []


@virtual
async def test_what_does_not_end_in_time_is_handed_back_and_named(caplog: pytest.LogCaptureFixture) -> None:
    """S0-64, S2-08: a job longer than the drain budget is cancelled, handed back, and named in the log."""
    store, heard = new_store(), list[Reason | None]()

    async def work(attempt: Attempt) -> bytes:
        try:
            await asyncio.sleep(3600)
        finally:
            heard.append(attempt.stop.reason)
        return b"1"

    run_ids = await enqueue(store, 3)
    worker = worker_of(store, TestHandler(work), grace=25.0)
    worker.start()
    await passes(1)
    since = now()
    worker.stop()
    await worker.stopped()
    assert now() - since == pytest.approx(25, abs=0.2)
    for run_id in run_ids:
        run = await read(store, run_id)
        assert (run.state, run.failures, run.crashes, run.releases) == (State.QUEUED, 0, 0, 1)
        assert run_id in caplog.text
    assert heard == [Reason.SHUTDOWN] * 3
    async with worker_of(store, TestHandler()):
        runs = await until_finished(store, run_ids)
    assert [run.failures for run in runs] == [0] * 3


@virtual
async def test_a_second_request_hurries() -> None:
    store = new_store()
    await enqueue(store)
    worker = worker_of(store, TestHandler(long), grace=3600.0)
    worker.start()
    await passes(1)
    worker.stop()
    await passes(100)
    assert worker.phase == "stopping"
    since = now()
    worker.stop()
    await worker.stopped()
    assert now() - since < 1


@virtual
async def test_a_handler_that_will_not_end_does_not_keep_the_worker() -> None:
    store, for_ever = new_store(), asyncio.Event()

    async def deaf(attempt: Attempt) -> bytes:
        while not for_ever.is_set():
            try:
                await for_ever.wait()
            except asyncio.CancelledError:
                continue
        return b"1"

    (run_id,) = await enqueue(store)
    worker = worker_of(store, TestHandler(deaf), grace=1.0)
    worker.start()
    await passes(1)
    since = now()
    worker.stop()
    await worker.stopped()
    assert now() - since < 10
    assert (await read(store, run_id)).state is State.QUEUED
    for_ever.set()
    await passes(1)


@virtual
async def test_a_store_that_is_down_does_not_keep_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    tap, store = tapped(new_store())
    await enqueue(store)
    worker = worker_of(store, TestHandler(short), grace=25.0)
    worker.start()
    await passes(1)
    for operation in ("claim", "turn", "settle", "extend", "tend", "register", "flush"):
        tap.fail(operation, *[Unavailable("down", applied="unknown")] * 1000)
    since = now()
    with caplog.at_level(logging.ERROR):
        worker.stop()
        await worker.stopped()
    assert now() - since < 40
    assert "their leases will expire" in caplog.text


@virtual
async def test_runs_of_a_claim_under_way_are_handed_back() -> None:
    """The claim was sent before the stop: what it brings is not lost, and no crash is counted."""
    tap, store = tapped(new_store())
    worker = worker_of(store, TestHandler())
    worker.start()
    await passes(5)
    tap.gates["claim"] = asyncio.Event()
    run_ids = await enqueue(store, 3)
    await passes(1)
    worker.stop()
    await passes(1)
    tap.gates["claim"].set()
    await worker.stopped()
    runs = [await read(store, run_id) for run_id in run_ids]
    assert {(run.state, run.crashes, run.claims) for run in runs} == {(State.QUEUED, 0, 0)}


@virtual
async def test_a_cancelled_worker_hands_back_what_it_holds() -> None:
    """As when the program's own loop ends: nobody's failure, no crash."""
    store = new_store()
    run_ids = await enqueue(store, 3)
    task = asyncio.create_task(worker_of(store, TestHandler(long)).run())
    await passes(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    runs = [await read(store, run_id) for run_id in run_ids]
    assert {(run.state, run.failures, run.crashes) for run in runs} == {(State.QUEUED, 0, 0)}


@virtual
async def test_the_end_of_the_loop_is_no_failure_of_the_runs() -> None:
    """All tasks are cancelled at once: the worker's loops and the handlers, in any order."""
    store = new_store()
    run_ids = await enqueue(store, 3)
    main = asyncio.create_task(worker_of(store, TestHandler(long)).run())
    await passes(1)
    ours = asyncio.current_task()
    for task in asyncio.all_tasks():
        if task is not ours:
            task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await main
    runs = [await read(store, run_id) for run_id in run_ids]
    assert {(run.state, run.failures, run.crashes) for run in runs} == {(State.QUEUED, 0, 0)}


@virtual
async def test_a_worker_stopped_before_it_begins_ends_at_once() -> None:
    """S1-22: `stop` is idempotent, at any time."""
    store = new_store()
    run_ids = await enqueue(store)
    worker = worker_of(store, TestHandler())
    worker.stop()
    await worker.run()
    assert worker.phase == "stopped"
    assert (await read(store, run_ids[0])).crashes == 0


@virtual
async def test_the_counts_of_the_last_minute_are_stored_at_the_end() -> None:
    store = new_store()
    run_ids = await enqueue(store, 5)
    async with worker_of(store, TestHandler()):
        await until_finished(store, run_ids)
    rollups = await store.rollups(0, 10**9)
    assert sum(rollup.succeeded for rollup in rollups) == 5


@virtual
async def test_observers_hear_of_the_life_of_a_worker() -> None:
    store, heard = new_store(), list[str]()
    worker = worker_of(store, TestHandler())
    for kind in ("worker.started", "worker.stopping", "worker.stopped"):
        worker.observers.on(kind, lambda event: heard.append(event.kind))
    async with worker:
        await passes(1)
    assert heard == ["worker.started", "worker.stopping", "worker.stopped"]
