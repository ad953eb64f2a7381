"""The worker on virtual time: it does all there is to do, never more at once than it may, and survives its store."""

import asyncio

import pytest

from penstock.core.errors import Closed, Invalid, Unavailable, WorkerFailed
from penstock.core.state import State
from penstock.engine.handler import Attempt
from penstock.engine.settings import Settings
from tests.engine.support import TestHandler, enqueue, new_store, read, until_finished, worker_of
from tests.engine.tapped import tapped
from tests.engine.virtual import now, passes, virtual


@virtual
async def test_a_worker_carries_out_what_is_enqueued_before_and_after_it_starts() -> None:
    """B-064: jobs added before the worker is up are processed."""
    store = new_store()
    before = await enqueue(store, 3)
    async with worker_of(store, TestHandler()):
        runs = await until_finished(store, before)
        runs += await until_finished(store, await enqueue(store, 3))
    assert [run.state for run in runs] == [State.SUCCEEDED] * 6
    assert [run.result for run in runs] == [b"null"] * 6
    assert await store.check() == []


@virtual
async def test_a_rung_worker_picks_up_at_once() -> None:
    store = new_store()
    async with worker_of(store, TestHandler()):
        await passes(30)  # it polls rarely by now
        since = now()
        await until_finished(store, await enqueue(store))
        assert now() - since < 0.01


@virtual
async def test_a_worker_made_and_not_run_does_nothing() -> None:
    """B-070: given autorun=false, then nothing runs until run()."""
    tap, store = tapped(new_store())
    run_ids = await enqueue(store)
    tap.calls.clear()
    worker = worker_of(store, TestHandler())
    await passes(60)
    assert not tap.calls
    async with worker:
        await until_finished(store, run_ids)


@virtual
async def test_two_workers_never_carry_out_the_same_run() -> None:
    """B-061: a second worker starts while a job is processed."""
    store, seen = new_store(), list[str]()

    async def slow(attempt: Attempt) -> bytes:
        seen.append(attempt.claim.run_id)
        await asyncio.sleep(100)  # longer than a lease
        return b"1"

    run_ids = await enqueue(store, 3)
    async with worker_of(store, TestHandler(slow)):
        await passes(1)
        async with worker_of(store, TestHandler(slow)):
            await until_finished(store, run_ids)
    assert sorted(seen) == sorted(run_ids)


@virtual
async def test_never_more_runs_at_once_than_slots() -> None:
    """S0-65: given concurrency k, then never more than k nodes of this worker run at once."""
    store, running, most = new_store(), 0, 0

    async def work(attempt: Attempt) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return b"1"

    run_ids = await enqueue(store, 200)
    async with worker_of(store, TestHandler(work), concurrency=7):
        await until_finished(store, run_ids)
    assert most == 7


@virtual
async def test_slots_can_be_added_and_taken_away_while_it_works() -> None:
    store, running = new_store(), 0

    async def work(attempt: Attempt) -> bytes:
        nonlocal running
        running += 1
        await asyncio.sleep(10)
        running -= 1
        return b"1"

    await enqueue(store, 100)
    async with worker_of(store, TestHandler(work), concurrency=2, grace=0) as worker:
        await passes(1)
        assert running == 2
        worker.concurrency = 5
        await passes(1)
        assert running == 5
        worker.concurrency = 1
        await passes(10)
        assert running == 1
        with pytest.raises(Invalid, match="concurrency"):
            worker.concurrency = 0
        assert worker.concurrency == 1


@virtual
async def test_the_next_run_starts_as_soon_as_a_slot_is_free() -> None:
    store = new_store()

    async def work(attempt: Attempt) -> bytes:
        await asyncio.sleep(1)
        return b"1"

    run_ids = await enqueue(store, 5)
    since = now()
    async with worker_of(store, TestHandler(work), concurrency=1):
        await until_finished(store, run_ids)
    assert 5 <= now() - since < 5.1


@virtual
async def test_a_claim_that_fails_once_is_tried_again() -> None:
    """B-071: given `_getNextJob` raises once, then error event, loop continues."""
    tap, store = tapped(new_store())
    tap.fail("claim", RuntimeError("once"))
    worker, errors = worker_of(store, TestHandler()), list[str]()
    worker.observers.on("worker.error", lambda event: errors.append(event.message))
    run_ids = await enqueue(store)
    async with worker:
        await until_finished(store, run_ids)
    assert errors == ["claim: RuntimeError: once"]


@virtual
async def test_a_loop_that_keeps_failing_ends_the_worker_loudly() -> None:
    tap, store = tapped(new_store())
    tap.fail("claim", *[RuntimeError("always")] * 100)
    worker = worker_of(store, TestHandler())
    with pytest.raises(WorkerFailed, match="claim loop failed 6 times") as caught:
        await worker.run()
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert worker.phase == "failed"
    assert not worker.health().ok


@virtual
async def test_an_unavailable_store_is_asked_again_with_the_identical_call() -> None:
    """Settled and claimed once, although each call was made several times."""
    tap, store = tapped(new_store())
    run_ids = await enqueue(store, 4)
    down = [Unavailable("gone", applied="unknown")] * 3
    tap.fail("claim", *down, applied=True)
    tap.fail("turn", *down, applied=True)
    async with worker_of(store, TestHandler(), concurrency=2):
        runs = await until_finished(store, run_ids)
    assert [(run.state, run.claims, run.crashes) for run in runs] == [(State.SUCCEEDED, 1, 0)] * 4
    turns = [args for name, args in tap.arguments if name == "turn"]
    assert turns[0] == turns[1] == turns[2] == turns[3]


@virtual
async def test_an_outage_is_shown_and_no_failure() -> None:
    tap, store = tapped(new_store())
    async with worker_of(store, TestHandler()) as worker:
        await passes(5)
        tap.fail("claim", *[Unavailable("gone", applied="no")] * 1000)
        await passes(10)
        claim = next(loop for loop in worker.health().loops if loop.name == "claim")
        assert claim.trouble == "store unavailable: gone"
        assert worker.health().ok
        tap.faults.clear()
        await passes(20)
        assert all(loop.trouble == "" and loop.restarts == 0 for loop in worker.health().loops)


@virtual
async def test_a_claim_answered_after_its_lease_is_given_back_unstarted() -> None:
    """The guard counts from before the request was sent."""
    tap, store = tapped(new_store())
    attempts: list[bool] = []

    async def work(attempt: Attempt) -> bytes:
        attempts.append(attempt.may_start())
        return b"1"

    tap.gates["claim"] = asyncio.Event()
    run_ids = await enqueue(store)
    async with worker_of(store, TestHandler(work)):
        await passes(29)
        tap.gates.pop("claim").set()
        (run,) = await until_finished(store, run_ids)
    assert attempts == [True]
    assert (run.claims, run.releases, run.crashes) == (1, 0, 0)


@virtual
async def test_runs_wait_for_a_worker_that_knows_their_task() -> None:
    store = new_store()
    (other,) = await enqueue(store, task="other")
    (known,) = await enqueue(store)
    async with worker_of(store, TestHandler(), queues=("default",)):
        await until_finished(store, [known])
    assert (await read(store, other)).state is State.QUEUED
    async with worker_of(store, TestHandler(task="other")):
        await until_finished(store, [other])


@virtual
async def test_handlers_added_later_are_served_after_a_refresh() -> None:
    store = new_store()
    (late,) = await enqueue(store, task="late", queue="elsewhere")
    worker = worker_of(store, TestHandler())
    async with worker:
        await passes(10)
        worker._registry.add(TestHandler(task="late", queue="elsewhere"))
        worker.refresh()
        await until_finished(store, [late])


@virtual
async def test_burst_ends_when_nothing_is_left_to_do() -> None:
    store = new_store()
    child_of_a_run: list[str] = []

    async def work(attempt: Attempt) -> bytes:
        if not child_of_a_run:
            child_of_a_run.extend(await enqueue(store))
        return b"1"

    first = await enqueue(store, 20)
    await enqueue(store, delay=3600)
    worker = worker_of(store, TestHandler(work), burst=True)
    await worker.run()
    assert worker.phase == "stopped"
    assert {(await read(store, run_id)).state for run_id in [*first, *child_of_a_run]} == {State.SUCCEEDED}


@virtual
async def test_starting_twice_warns_and_makes_no_second_worker(caplog: pytest.LogCaptureFixture) -> None:
    """S1-22: starting twice warns and does not create two consumers; `stop` is idempotent."""
    store = new_store()
    worker = worker_of(store, TestHandler())
    worker.start()
    await passes(1)
    worker.start()
    assert "not started a second time" in caplog.text
    assert len(await store.workers()) == 1
    worker.stop()
    worker.stop()
    await worker.stopped()
    worker.stop()
    await worker.stopped()
    assert await store.workers() == []
    with pytest.raises(Closed):
        await worker.run()


@virtual
async def test_a_paused_worker_takes_no_more_and_others_do() -> None:
    """B-143: resolves after running ones end; immediate when idle; at once if asked not to wait; resume works."""
    store = new_store()

    async def work(attempt: Attempt) -> bytes:
        await asyncio.sleep(5)
        return attempt.worker.encode()

    async with worker_of(store, TestHandler(work)) as worker:
        await worker.pause()  # idle: at once
        worker.resume()
        running = await enqueue(store)
        await passes(1)
        since = now()
        await worker.pause(wait=False)
        assert now() == since
        await worker.pause()
        assert now() - since == pytest.approx(4)
        assert (await read(store, running[0])).state is State.RUNNING or (await until_finished(store, running))
        waiting = await enqueue(store)
        await passes(60)
        assert (await read(store, waiting[0])).state is State.QUEUED
        async with worker_of(store, TestHandler(work)) as other:
            (run,) = await until_finished(store, waiting)
            assert run.result == other.identity.encode()
        again = await enqueue(store)
        worker.resume()
        (run,) = await until_finished(store, again)
        assert run.result == worker.identity.encode()


@virtual
async def test_queues_are_served_in_the_order_given_or_in_turns() -> None:
    store = new_store()

    def recorder(order: list[str]) -> TestHandler:
        async def work(attempt: Attempt) -> bytes:
            order.append(attempt.claim.queue)
            await asyncio.sleep(0.1)
            return b"1"

        return TestHandler(work)

    for fair in (False, True):
        order: list[str] = []
        run_ids = await enqueue(store, 3, queue="low") + await enqueue(store, 3, queue="high")
        async with worker_of(store, recorder(order), concurrency=1, queues=("high", "low"), fair_queues=fair):
            await until_finished(store, run_ids)
        if fair:
            assert order[:2] in (["low", "high"], ["high", "low"])
        else:
            assert order == ["high"] * 3 + ["low"] * 3


@virtual
async def test_lines_are_stored_in_order_and_before_the_end() -> None:
    store = new_store()

    async def work(attempt: Attempt) -> bytes:
        for n in range(100):
            attempt.emit("log", str(n).encode())
        return b"1"

    (run_id,) = await enqueue(store)
    async with worker_of(store, TestHandler(work)):
        await until_finished(store, [run_id])
    log = await store.log(run_id)
    assert [entry.data for entry in log if entry.kind == "log"] == [str(n).encode() for n in range(100)]
    assert log[-1].kind == "finished"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("concurrency", 0),
        ("concurrency", 10_001),
        ("concurrency", True),
        ("lease", 0.5),
        ("lease", float("nan")),
        ("grace", -1.0),
        ("queues", ("no such name!",)),
        ("name", ""),
        ("child_runs", 0),
        ("child_memory", 0),
        ("stall_limit", 1.0),
    ],
)
def test_settings_out_of_range_are_refused_by_name(option: str, value: object) -> None:
    with pytest.raises(Invalid, match=f"^{option}="):
        Settings(**{option: value})  # type: ignore[arg-type]
