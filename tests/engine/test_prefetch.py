"""Claiming ahead: only quick runs, only a little, and nothing is lost, late or out of order for it."""

import asyncio

import pytest

from penstock.core.state import State
from penstock.engine.ahead import STALE
from penstock.engine.handler import Attempt
from penstock.engine.held import Trade
from penstock.engine.loops import LoopCarrier
from penstock.engine.prefetch import AHEAD, CALM, MOST, QUICK, Prefetch
from tests.engine.support import TestHandler, enqueue, new_store, read, until_finished, worker_of
from tests.engine.tapped import Tapped, tapped
from tests.engine.virtual import now, passes, virtual


def limits_of(tap: Tapped) -> list[int]:
    """How many runs each claim asked for."""
    asked = [args[-1] for name, args in tap.arguments if name in {"claim", "turn"}]
    return [request.limit for request in asked]


async def quick(attempt: Attempt) -> bytes:
    await asyncio.sleep(0.001)
    return b"1"


@virtual
async def test_quick_runs_are_claimed_ahead_by_no_more_than_a_few_milliseconds_of_work() -> None:
    tap, store = tapped(new_store())
    run_ids = await enqueue(store, 3000)
    async with worker_of(store, TestHandler(quick), concurrency=10):
        runs = await until_finished(store, run_ids)
    assert {run.claims for run in runs} == {1}
    work_ahead = AHEAD * 10 / 0.001
    assert 10 < max(limits_of(tap)) <= min(MOST, work_ahead) + 10


@virtual
async def test_slow_limited_and_unknown_tasks_are_never_claimed_ahead() -> None:
    async def slow(attempt: Attempt) -> bytes:
        await asyncio.sleep(QUICK * 2)
        return b"1"

    for handler, options in (
        (TestHandler(slow), {}),
        (TestHandler(quick, limited=True), {}),
        (TestHandler(quick), {"prefetch": False}),
    ):
        tap, store = tapped(new_store())
        run_ids = await enqueue(store, 300)
        most = 0
        async with worker_of(store, handler, concurrency=10, **options) as worker:
            finished = asyncio.create_task(until_finished(store, run_ids))
            while not finished.done():
                await passes(0.0007)
                found = await store.get(run_ids)
                most = max(most, sum(run is not None and run.state is State.RUNNING for run in found))
                assert worker.health().waiting == 0
        assert most <= 10
        assert max(limits_of(tap)) <= 10


@virtual
async def test_slots_are_respected_while_others_wait_here() -> None:
    """S0-65, with runs claimed ahead."""
    store, running, most = new_store(), 0, 0

    async def work(attempt: Attempt) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return b"1"

    run_ids = await enqueue(store, 2000)
    async with worker_of(store, TestHandler(work), concurrency=3):
        await until_finished(store, run_ids)
    assert most == 3


@virtual
async def test_order_is_kept_by_what_waits_here() -> None:
    store, order = new_store(), list[int]()

    async def work(attempt: Attempt) -> bytes:
        order.append(int(attempt.claim.input))
        await asyncio.sleep(0.001)
        return b"1"

    run_ids = [(await enqueue(store, input=str(n).encode()))[0] for n in range(500)]
    async with worker_of(store, TestHandler(work), concurrency=1):
        await until_finished(store, run_ids)
    assert order == sorted(order)


@virtual
async def test_what_waits_behind_slow_runs_is_handed_back_as_if_never_claimed() -> None:
    store = new_store()

    async def work(attempt: Attempt) -> bytes:
        await asyncio.sleep(60 if attempt.claim.input == b"slow" else 0.001)
        return b"1"

    first = await enqueue(store, 400)
    await enqueue(store, 2, input=b"slow")
    last = await enqueue(store, 100)
    async with worker_of(store, TestHandler(work), concurrency=2) as worker:
        await until_finished(store, first)
        await passes(STALE * 3)
        assert worker.health().waiting == 0
        assert worker.health().running == 2
        waiting = [await read(store, run_id) for run_id in last]
        assert {(run.state, run.claims, run.releases) for run in waiting} == {(State.QUEUED, 0, 0)}
        async with worker_of(store, TestHandler(quick)):
            await until_finished(store, last)


@virtual
async def test_a_pause_and_a_stop_hand_back_what_waits_here() -> None:
    for end in ("pause", "stop"):
        store = new_store()
        run_ids = await enqueue(store, 2000)
        worker = worker_of(store, TestHandler(quick), concurrency=2)
        worker.start()
        while worker.health().waiting < 10:
            await passes(0.001)
        if end == "pause":
            await worker.pause()
        else:
            worker.stop()
            await worker.stopped()
        await passes(0.01)
        runs = [await read(store, run_id) for run_id in run_ids]
        assert {run.state for run in runs} == {State.SUCCEEDED, State.QUEUED}
        assert {(run.claims, run.releases) for run in runs if run.state is State.QUEUED} == {(0, 0)}
        worker.stop()
        await worker.stopped()
        assert await store.check() == []


@virtual
async def test_a_cancelled_run_that_waits_here_is_never_started() -> None:
    store, started = new_store(), set[str]()

    async def work(attempt: Attempt) -> bytes:
        started.add(attempt.claim.run_id)
        await asyncio.sleep(0.010)
        return b"1"

    run_ids = await enqueue(store, 400)
    worker = worker_of(store, TestHandler(work), concurrency=5)
    async with worker:
        while worker.health().waiting < 10:
            await passes(0.001)
        assert worker._rig is not None
        victim = worker._rig.slots._ahead._line[-1].attempt.claim.run_id
        await store.cancel([victim])
        (run,) = await until_finished(store, [victim])
        assert run.state is State.CANCELLED
        await until_finished(store, run_ids)
    assert victim not in started


@virtual
async def test_a_higher_priority_passes_those_that_wait_here() -> None:
    store, order = new_store(), list[int]()

    async def work(attempt: Attempt) -> bytes:
        order.append(attempt.claim.priority)
        await asyncio.sleep(0.001)
        return b"1"

    run_ids = await enqueue(store, 600)
    async with worker_of(store, TestHandler(work), concurrency=1) as worker:
        while worker.health().waiting < 10:
            await passes(0.001)
        before = len(order)
        run_ids += await enqueue(store, priority=9)
        await until_finished(store, run_ids)
    assert order.index(9) - before <= 12, "it starts with the next claims, not behind all that was claimed before"


@virtual
async def test_the_rate_is_measured_only_while_there_is_a_next_run() -> None:
    prefetch = Prefetch(now, wanted=True)
    assert prefetch.surplus() == 0
    prefetch.measure(0, busy=True)
    for _ in range(50):
        await passes(0.01)
        prefetch.measure(10, busy=True)  # 1 000 a second
    assert prefetch.surplus() == pytest.approx(1000 * AHEAD, abs=1)
    prefetch.measure(0, busy=False)
    await passes(3600)
    prefetch.measure(1, busy=True)
    assert prefetch.surplus() == pytest.approx(1000 * AHEAD, abs=1)
    prefetch.calm()
    assert prefetch.surplus() == 0
    await passes(CALM)
    assert prefetch.surplus() > 0
    assert Prefetch(now, wanted=False).surplus() == 0


def test_means_follow_the_latest_runs() -> None:
    carrier = object.__new__(LoopCarrier)
    trade = Trade(TestHandler(), carrier)
    prefetch = Prefetch(lambda: 0.0, wanted=True)
    assert not prefetch.fits(trade)
    trade.saw(0.001)
    assert prefetch.fits(trade)
    for _ in range(3):
        trade.saw(1.0)
    assert not prefetch.fits(trade)
