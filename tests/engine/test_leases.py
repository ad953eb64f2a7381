"""Leases are kept while work is alive, and what is not ours any more changes nothing."""

import asyncio
import logging

import pytest

from penstock.core import ids
from penstock.core.errors import Unavailable
from penstock.core.leases import Ability, ClaimRequest, Claims, Complete, Fail
from penstock.core.requests import Pause
from penstock.core.run import Cause, Keep
from penstock.core.state import State
from penstock.engine.handler import Attempt
from penstock.engine.stop import Reason
from penstock.ports.store import Store
from tests.engine.support import TestHandler, enqueue, new_store, read, until_finished, worker_of
from tests.engine.tapped import tapped
from tests.engine.virtual import now, passes, virtual


async def claim(store: Store, limit: int = 1, lease: float = 30) -> Claims:
    """As another worker would."""
    return await store.claim(
        ClaimRequest(
            claim_id=ids.new_claim_id(),
            worker="other",
            queues=("default",),
            abilities=frozenset({Ability(task="job")}),
            limit=limit,
            lease=lease,
        )
    )


async def long(attempt: Attempt) -> bytes:
    await asyncio.sleep(200)
    return b"1"


@virtual
async def test_leases_of_many_long_runs_stay_ours() -> None:
    """B-078, B-118: c concurrent long jobs keep their locks; a renewed lock never stalls, however long the job."""
    store = new_store()
    run_ids = await enqueue(store, 50)
    async with worker_of(store, TestHandler(long), concurrency=50):
        for _ in range(19):
            await passes(10)
            runs = [await read(store, run_id) for run_id in run_ids]
            assert all(run.state is State.RUNNING for run in runs)
            assert all((run.lease_expires_at or 0) - now() >= 20 for run in runs)
        runs = await until_finished(store, run_ids)
    assert {(run.state, run.claims, run.crashes) for run in runs} == {(State.SUCCEEDED, 1, 0)}


@virtual
async def test_a_worker_without_heartbeat_loses_its_runs_and_writes_nothing_more() -> None:
    """B-076, B-077, X-04: the lock is stolen: the old holder's end changes nothing, whether good or bad.

    The worker's loop stands still longer than its leases: its late writes are rejected by fencing.
    """
    tap, store = tapped(new_store())
    run_ids = await enqueue(store, 2)

    async def work(attempt: Attempt) -> bytes:
        await asyncio.sleep(100)
        if attempt.claim.run_id == run_ids[0]:
            raise ValueError("too late")
        return b'"too late"'

    tap.gates["extend"] = asyncio.Event()
    worker, lost = worker_of(store, TestHandler(work), upkeep=False, concurrency=2), list[str]()
    worker.observers.on("run.lost", lambda event: lost.append(event.run_id))
    async with worker, worker_of(store, TestHandler(task="none"), queues=("none",)):
        await passes(60)
        stolen = (await claim(store, 2, lease=1000)).claims
        assert sorted(one.run_id for one in stolen) == sorted(run_ids)
        await passes(60)
        for run_id in run_ids:
            run = await read(store, run_id)
            assert (run.state, run.failures, run.crashes, run.worker) == (State.RUNNING, 0, 1, "other")
        assert sorted(lost) == sorted(run_ids)
        tap.gates.pop("extend").set()
    assert await store.check() == []


@virtual
async def test_an_attempt_hears_that_its_lease_is_lost_and_may_start_nothing() -> None:
    """B-181: lock lost during the run: the ids are told, the handler is cancelled, its end reports nothing."""
    store, heard = new_store(), list[tuple[Reason | None, bool]]()

    async def work(attempt: Attempt) -> bytes:
        try:
            await asyncio.sleep(3600)
        finally:
            heard.append((attempt.stop.reason, attempt.may_start()))
        return b"1"

    run_ids = await enqueue(store)
    worker, lost = worker_of(store, TestHandler(work)), list[str]()
    worker.observers.on("run.lost", lambda event: lost.append(event.run_id))
    async with worker:
        await passes(1)
        store._t.rows[run_ids[0]].token = "somebody else's"
        await passes(10)
        assert heard == [(Reason.LOST, False)]
        assert lost == run_ids
        assert worker.health().running == 0
        store._t.rows[run_ids[0]].lease_expires_at = 0.0


@virtual
async def test_a_cancel_reaches_a_running_run_at_once() -> None:
    """Not at the next heartbeat: the bell of the worker is rung."""
    store, heard = new_store(), list[Reason | None]()

    async def work(attempt: Attempt) -> bytes:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            heard.append(attempt.stop.reason)
            raise
        return b"1"

    run_ids = await enqueue(store, 20)
    async with worker_of(store, TestHandler(work), concurrency=20):
        await passes(31)
        since = now()
        await store.cancel(run_ids, reason="enough")
        runs = await until_finished(store, run_ids)
        assert now() - since < 0.2
    assert {(run.state, run.cause, run.reason) for run in runs} == {(State.CANCELLED, Cause.CANCEL, "enough")}
    assert heard == [Reason.CANCEL] * 20


@virtual
async def test_a_cancelled_run_ends_cancelled_whatever_its_handler_does() -> None:
    store = new_store()

    async def stubborn(attempt: Attempt) -> bytes:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if attempt.claim.input == b"raise":
                raise ValueError("instead") from None
        return b"done all the same"

    run_ids = await enqueue(store) + await enqueue(store, input=b"raise")
    async with worker_of(store, TestHandler(stubborn)):
        await passes(1)
        await store.cancel(run_ids)
        runs = await until_finished(store, run_ids)
    assert [(run.state, run.result, run.claims) for run in runs] == [(State.CANCELLED, None, 1)] * 2


@virtual
async def test_a_store_that_is_down_for_long_costs_no_run() -> None:
    """The runs go on; their leases are extended before upkeep takes any."""
    tap, store = tapped(new_store())
    run_ids = await enqueue(store, 5)
    async with worker_of(store, TestHandler(long)):
        await passes(15)
        for operation in ("extend", "tend", "claim", "turn", "register"):
            tap.fail(operation, *[Unavailable("down", applied="no")] * 14)  # more than two leases' time
        runs = await until_finished(store, run_ids)
    assert {(run.state, run.crashes) for run in runs} == {(State.SUCCEEDED, 0)}


@virtual
async def test_what_is_claimed_is_kept_before_its_answer_is_taken_in() -> None:
    """As when a handler blocks the worker's loop beyond a lease, and the claim was on its way."""
    tap, store = tapped(new_store())
    answered = tap.held_back["claim"] = asyncio.Event()
    async with worker_of(store, TestHandler(long)), worker_of(store, TestHandler(task="none"), queues=("none",)):
        run_ids = await enqueue(store, 3)
        await passes(100)
        assert {(await read(store, run_id)).state for run_id in run_ids} == {State.RUNNING}
        del tap.held_back["claim"]
        answered.set()
        runs = await until_finished(store, run_ids)
    assert {(run.state, run.crashes, run.claims) for run in runs} == {(State.SUCCEEDED, 0, 1)}
    assert tap.calls["extend_claim"] > 2


@virtual
async def test_a_heartbeat_without_runs_asks_nothing_and_one_that_fails_goes_on() -> None:
    """B-183: lock manager without jobs, renewal raising: no leak, error event, keeps trying."""
    tap, store = tapped(new_store())
    worker, errors = worker_of(store, TestHandler(long)), list[str]()
    worker.observers.on("worker.error", lambda event: errors.append(event.message))
    async with worker:
        await passes(60)
        assert tap.calls["extend"] == 0
        tap.fail("extend", RuntimeError("odd"), RuntimeError("odd"))
        runs = await until_finished(store, await enqueue(store))
    assert [(run.state, run.crashes) for run in runs] == [(State.SUCCEEDED, 0)]
    assert errors == ["heartbeat: RuntimeError: odd"] * 2


@pytest.mark.parametrize("crashes", [1, 2, 3])
def test_a_run_that_loses_its_workers_fails_after_so_many_crashes(crashes: int) -> None:
    """B-116: maxStalledCount=0/1/2: failed after that many recoveries with a fixed reason. B-120: retention applies."""

    @virtual
    async def test() -> None:
        store = new_store()
        run_ids = await enqueue(store, crashes=crashes, keep=Keep(failed=100), dead_letter="bad")
        async with worker_of(store, TestHandler(task="none"), queues=("none",)):
            for _ in range(crashes):
                while not (await claim(store, lease=30)).claims:
                    await passes(1)
            (run,) = await until_finished(store, run_ids)
        assert (run.state, run.cause, run.crashes, run.failures) == (State.FAILED, Cause.CRASHED, crashes, 0)
        assert [dead.id for dead in (await store.dead("bad")).items] == run_ids
        await store.redrive(run_ids)  # B-117 on the counters after it: ours begins anew, see the contract
        assert (await read(store, run_ids[0])).crashes == 0

    test()


@virtual
async def test_a_run_failed_by_crashes_is_purged_like_any_other() -> None:
    """B-120: stalled-fail with removeOnFail: retention applies and all keys go."""
    store = new_store()
    run_ids = await enqueue(store, crashes=1, keep=Keep(failed=100))
    async with worker_of(store, TestHandler(task="none"), queues=("none",)):
        await claim(store)
        await until_finished(store, run_ids)
        await passes(110)
        assert await store.get(run_ids) == [None]
    assert await store.check() == []


@virtual
async def test_a_worker_without_upkeep_rescues_nobody() -> None:
    """B-119: given skipStalledCheck, then that worker doesn't recover."""
    store = new_store()
    (run_id,) = await enqueue(store)
    await claim(store)
    async with worker_of(store, TestHandler(), upkeep=False):
        await passes(600)
        assert (await read(store, run_id)).state is State.RUNNING
        async with worker_of(store, TestHandler(task="none"), queues=("none",)):
            (run,) = await until_finished(store, [run_id])
    assert (run.state, run.crashes) == (State.SUCCEEDED, 1)


@virtual
async def test_a_dead_loop_keeps_no_lease_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    store = new_store()
    run_ids = await enqueue(store)
    worker = worker_of(store, TestHandler(long), stall_limit=60.0)
    async with worker:
        await passes(5)
        assert worker._rig is not None
        worker._rig.pulse.ticked_at = now() - 61  # as if it had not turned
        with caplog.at_level(logging.CRITICAL):
            await worker._rig.heartbeat.beat(list(worker._rig.slots.held), worker._rig)
        assert "left to expire" in caplog.text
        run = await read(store, run_ids[0])
        assert run.lease_expires_at is not None
        assert run.lease_expires_at - now() < 26


@virtual
async def test_a_run_by_hand_is_claimed_settled_and_handed_back_by_token() -> None:
    """B-080: manual mode: on an empty or paused queue None at once; with a job, complete or fail by token; B-079."""
    store = new_store()
    assert (await claim(store)).claims == ()
    run_ids = await enqueue(store, 2)
    (first,) = (await claim(store)).claims
    assert await store.settle([Complete(lease=first.lease, result=b"1")]) == ["ok"]
    run = await read(store, run_ids[0])
    assert (run.state, run.worker, run.lease_expires_at) == (State.SUCCEEDED, None, None)
    (second,) = (await claim(store)).claims
    assert second.run_id == run_ids[1]
    assert await store.settle([Fail(lease=second.lease, error=b"{}")]) == ["ok"]
    assert (await read(store, run_ids[1])).state is State.FAILED
    await store.pause(Pause(kind="queue", name="default", paused=True))
    await enqueue(store)
    assert (await claim(store)).claims == ()
