"""Ends: expiry, deadline, loops, cancel requests against every outcome, rollbacks, follow-ups, dead letters."""

from typing import Any

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Complete, Fail, Release, Restart, Retry, Suspend
from penstock.core.run import About, Cause, ChildOf
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import dependency, follow_up, new_run, record, send
from tests.clock import FakeClock
from tests.conformance.acts import (
    claim,
    claimed,
    fail,
    hold,
    later,
    look,
    put,
    retry,
    settle,
    settled,
    spawn,
    state,
    states,
    stops,
    succeed,
    suspend,
    tend,
    upkeep,
)
from tests.conformance.scenes import GO, LONG, bring_to, with_rollbacks
from tests.conformance.scenes_of_leases import OUTCOMES


async def test_a_run_that_is_not_started_in_time_expires(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(expires=60))
    assert (await look(store)).expires_at == clock() + 60
    await later(store, clock, 59)
    assert await state(store) == State.QUEUED
    await later(store, clock, 2)
    run = await look(store)
    assert (run.state, run.cause, run.claims) == (State.FAILED, Cause.EXPIRED, 0)


async def test_expiry_counts_from_when_the_run_is_due(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(delay=100, expires=10))
    await later(store, clock, 105)
    assert await state(store) == State.QUEUED
    await later(store, clock, 6)
    assert await state(store) == State.FAILED


async def test_expiry_of_a_parent_counts_from_its_release(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("p", wake=Wake(idle=True), expires=10), dependency("c", "p"))
    await later(store, clock, 100)
    await succeed(store, "c")
    await later(store, clock, 5)
    assert await state(store, "p") == State.QUEUED
    await later(store, clock, 6)
    assert await state(store, "p") == State.FAILED


async def test_a_parent_that_waits_again_does_not_expire_meanwhile(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("p", queue="p", expires=10), new_run("c", queue="c"))
    await store.attach("c", ChildOf(parent_id="p"))
    await later(store, clock, 100)
    assert await state(store, "p") == State.WAITING
    await succeed(store, "c")
    assert (await look(store, "p")).expires_at == clock() + 10
    await later(store, clock, 9)
    assert await state(store, "p") == State.QUEUED
    await store.redrive(["c"])
    await later(store, clock, 100)
    assert await state(store, "p") == State.WAITING


async def test_what_has_started_does_not_expire(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(expires=10))
    await retry(store, delay=100)
    await later(store, clock, 200)
    await suspend(store, signals={"go": 1})
    await later(store, clock, 200)
    await store.signal(send())
    await later(store, clock, 200)
    assert await state(store) == State.QUEUED


async def test_what_has_been_late_the_longest_ends_first(store: Store, clock: FakeClock) -> None:
    """However little upkeep can do at a time."""
    await put(store, new_run("b", expires=20), new_run("c", deadline=30), new_run("a", expires=10))
    clock.advance(60)
    ended: list[list[State | None]] = []
    for _ in range(3):
        await tend(store, budget=1)
        ended.append(await states(store, "a", "b", "c"))
    assert [each.count(State.FAILED) for each in ended] == [1, 2, 3]
    assert ended[0][0] == ended[1][1] == State.FAILED


async def test_a_deadline_tells_the_worker_to_stop(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(deadline=60))
    got = await hold(store, lease=LONG)
    assert got.deadline_at == clock() + 60
    await later(store, clock, 59)
    assert not await stops(store, got.lease)
    await later(store, clock, 2)
    assert await store.extend([got.lease], LONG) == [Answer.STOP]
    await settled(store, Complete(lease=got.lease, result=b"too late"))
    run = await look(store)
    assert (run.state, run.cause, run.result) == (State.FAILED, Cause.DEADLINE, None)


@pytest.mark.parametrize("where", [State.SCHEDULED, State.QUEUED, State.WAITING])
async def test_a_deadline_ends_what_nobody_holds(store: Store, clock: FakeClock, where: State) -> None:
    standing: dict[State, dict[str, Any]] = {State.SCHEDULED: {"delay": LONG}, State.WAITING: {"wake": GO}}
    await put(store, new_run(deadline=60, **standing.get(where, {})))
    await later(store, clock, 61)
    run = await look(store)
    assert (run.state, run.cause, run.wake, run.due_at) == (State.FAILED, Cause.DEADLINE, None, None)


async def test_a_run_that_never_gets_anywhere_is_ended(store: Store, clock: FakeClock) -> None:
    """1 000 claims without a record, a signal, a finished child or a moment between them."""
    await put(store, new_run())
    for _ in range(1000):
        [got] = await claim(store)
        await store.settle([Release(lease=got.lease)])
    assert await claimed(store) == []
    run = await look(store)
    assert (run.state, run.cause) == (State.FAILED, Cause.LOOP)


async def test_progress_starts_the_count_of_claims_again(store: Store) -> None:
    await put(store, new_run())
    for n in range(1100):
        [got] = await claim(store)
        if n == 500:
            await store.record([record(got.lease, "a")])
        await store.settle([Release(lease=got.lease)])
    assert await claimed(store) == ["r"]


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_an_accepted_cancel_decides_the_end(store: Store, clock: FakeClock, outcome: str) -> None:
    """S2-34, S4-51, B-179, B-180: whatever the handler does, and its output is dropped."""
    await put(store, new_run())
    got = await hold(store)
    assert await store.cancel(["r"], reason="changed my mind") == [Answer.OK]
    assert await store.cancel(["r"]) == [Answer.OK]
    asked = await look(store)
    assert (asked.state, asked.ending) == (State.RUNNING, State.CANCELLED)
    await settled(store, OUTCOMES[outcome](got.lease))
    run = await look(store)
    assert (run.state, run.cause, run.reason) == (State.CANCELLED, Cause.CANCEL, "changed my mind")
    assert (run.result, run.ending) == (None, None)


async def test_a_cancel_that_comes_too_late_changes_nothing(store: Store) -> None:
    await put(store, new_run())
    await succeed(store)
    before = await look(store)
    assert await store.cancel(["r"]) == [Answer.FINISHED]
    assert await look(store) == before


async def test_a_cancelled_run_whose_worker_dies_is_cancelled(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    await hold(store)
    await store.cancel(["r"], reason="stop")
    await later(store, clock, 31)
    run = await look(store)
    assert (run.state, run.cause, run.reason, run.crashes) == (State.CANCELLED, Cause.CANCEL, "stop", 1)


@pytest.mark.parametrize("where", [State.SCHEDULED, State.QUEUED, State.WAITING])
async def test_a_cancel_ends_what_nobody_holds_at_once(store: Store, clock: FakeClock, where: State) -> None:
    """S4-51."""
    await bring_to(store, where)
    clock.advance(3)
    assert await store.cancel(["r"], reason="enough") == [Answer.OK]
    run = await look(store)
    assert (run.state, run.cause, run.reason, run.finished_at) == (
        State.CANCELLED,
        Cause.CANCEL,
        "enough",
        clock(),
    )
    assert (run.wake, run.due_at) == (None, None)
    assert await claimed(store) == []


async def test_many_are_cancelled_in_one_call(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"))
    await succeed(store, "a")
    answers = await store.cancel(["a", "no", "b"])
    assert answers == [Answer.FINISHED, Answer.NOT_FOUND, Answer.OK]


@pytest.mark.parametrize("where", [State.SCHEDULED, State.WAITING])
async def test_rollbacks_run_before_the_end(store: Store, where: State) -> None:
    await with_rollbacks(store, where)
    await store.cancel(["r"], reason="undo it")
    run = await look(store)
    assert (run.state, run.ending, run.rollbacks) == (State.QUEUED, State.CANCELLED, True)
    got = await hold(store)
    assert (got.ending, got.reason) == (State.CANCELLED, "undo it")
    await settled(store, Complete(lease=got.lease, result=b"undone"))
    run = await look(store)
    assert (run.state, run.cause, run.result, run.reason) == (State.CANCELLED, Cause.CANCEL, None, "undo it")


async def test_terminating_skips_the_rollbacks(store: Store) -> None:
    await with_rollbacks(store, State.WAITING)
    await store.cancel(["r"], terminate=True)
    assert await state(store) == State.CANCELLED


async def test_terminating_ends_a_run_that_rolls_back(store: Store) -> None:
    await with_rollbacks(store, State.WAITING)
    await store.cancel(["r"])
    assert await store.cancel(["r"], terminate=True) == [Answer.OK]
    assert await state(store) == State.CANCELLED


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_who_was_asked_to_end_is_queued_for_its_rollbacks(store: Store, outcome: str) -> None:
    await put(store, new_run())
    got = await hold(store)
    await store.record([record(got.lease, "undo", kind="rollback")])
    await store.cancel(["r"])
    await settled(store, OUTCOMES[outcome](got.lease))
    run = await look(store)
    assert (run.state, run.ending) == (State.QUEUED, State.CANCELLED)
    assert [one.path for one in await store.steps("r")] == ["undo"]
    again = await hold(store)
    assert again.ending == State.CANCELLED
    await settled(store, Complete(lease=again.lease, result=b""))
    assert await state(store) == State.CANCELLED


async def test_a_failed_rollback_ends_the_run_too(store: Store) -> None:
    await with_rollbacks(store, State.WAITING)
    await store.cancel(["r"])
    await settled(store, Fail(lease=(await hold(store)).lease, error=b"could not undo"))
    assert (await look(store)).state == State.CANCELLED


async def test_who_was_asked_to_end_has_one_more_lease(store: Store, clock: FakeClock) -> None:
    """Then extending helps no more, and the run ends without its worker."""
    await put(store, new_run())
    got = await hold(store, lease=30)
    await store.cancel(["r"])
    for _ in range(2):
        clock.advance(20)
        assert await store.extend([got.lease], 30) == [Answer.STOP]
    await later(store, clock, 11)
    assert (await look(store)).state == State.CANCELLED


async def test_who_runs_its_rollbacks_has_all_the_time_they_take(store: Store, clock: FakeClock) -> None:
    await with_rollbacks(store, State.WAITING)
    await store.cancel(["r"])
    got = await hold(store, lease=30)
    for _ in range(10):
        await later(store, clock, 20)
        assert await store.extend([got.lease], 30) == [Answer.STOP]
    assert (await look(store)).state == State.RUNNING


async def test_the_request_starts_the_count_of_crashes_again(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(crashes=2))
    await hold(store)
    await later(store, clock, 31)
    got = await hold(store, lease=LONG)
    await store.record([record(got.lease, "undo", kind="rollback")])
    await store.cancel(["r"])
    await settled(store, Release(lease=got.lease))
    for expected in (State.QUEUED, State.CANCELLED):
        await hold(store)
        await later(store, clock, 31)
        assert await state(store) == expected


async def test_a_crash_during_rollbacks_lets_them_run_again(store: Store, clock: FakeClock) -> None:
    await with_rollbacks(store, State.WAITING)
    await store.cancel(["r"])
    await hold(store)
    await later(store, clock, 31)
    run = await look(store)
    assert (run.state, run.ending, run.crashes) == (State.QUEUED, State.CANCELLED, 1)


async def test_crashes_with_rollbacks_roll_back_first(store: Store, clock: FakeClock) -> None:
    """The limit reached queues the run for its rollbacks; reached again it ends."""
    await put(store, new_run(crashes=1))
    got = await hold(store)
    await store.record([record(got.lease, "undo", kind="rollback")])
    await later(store, clock, 31)
    run = await look(store)
    assert (run.state, run.ending) == (State.QUEUED, State.FAILED)
    await hold(store)
    await later(store, clock, 31)
    run = await look(store)
    assert (run.state, run.cause) == (State.FAILED, Cause.CRASHED)


async def test_a_deadline_with_rollbacks_rolls_back_first(store: Store, clock: FakeClock) -> None:
    await with_rollbacks(store, State.WAITING, deadline=60)
    await later(store, clock, 61)
    assert (await look(store)).ending == State.FAILED
    got = await hold(store)
    assert got.ending == State.FAILED
    await settled(store, Complete(lease=got.lease, result=b""))
    run = await look(store)
    assert (run.state, run.cause, run.result) == (State.FAILED, Cause.DEADLINE, None)


async def test_a_failing_child_lets_its_parent_roll_back_first(store: Store) -> None:
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p")
    await store.record([record(got.lease, "undo", kind="rollback")])
    await spawn(store, got.lease, dependency("c", "p"))
    await settled(store, Suspend(lease=got.lease, wake=Wake(idle=True)))
    await fail(store, "c")
    parent = await look(store, "p")
    assert (parent.state, parent.ending) == (State.QUEUED, State.FAILED)
    await settled(store, Complete(lease=(await hold(store, "p")).lease, result=b""))
    parent = await look(store, "p")
    assert (parent.state, parent.cause, parent.cause_id, parent.error) == (State.FAILED, Cause.CHILD, "c", b"boom")


@pytest.mark.parametrize("end", ["succeeded", "failed"])
async def test_the_end_starts_its_follow_up(store: Store, end: str) -> None:
    """Exactly one per outcome, in the same move."""
    await put(store, new_run(input=b"in", on_success=follow_up(), on_failure=follow_up()))
    await (succeed(store) if end == "succeeded" else fail(store))
    run = await look(store)
    word = "success" if end == "succeeded" else "failure"
    follower = await look(store, f"r~1~on_{word}")
    assert (follower.task, follower.queue, follower.input) == ("after", "after", b"in")
    got = await hold(store, follower.id)
    assert got.about is not None
    assert got.about == About(
        run_id="r",
        life=1,
        task="t",
        state=State(end),
        attempts=got.about.attempts,
        cause=run.cause,
        error=run.error,
        result=run.result,
    )
    await upkeep(store)
    assert await claimed(store, limit=10, queues=("after",)) == []


async def test_a_failure_tells_how_often_it_was_tried(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(on_failure=follow_up()))
    await retry(store, delay=0)
    await fail(store)
    about = (await hold(store, "r~1~on_failure")).about
    assert about is not None
    assert about.attempts == 2


async def test_a_cancelled_run_has_no_follow_up(store: Store) -> None:
    await put(store, new_run(on_success=follow_up(), on_failure=follow_up()))
    await store.cancel(["r"])
    await upkeep(store)
    assert await claimed(store, limit=10, queues=("after",)) == []


@pytest.mark.parametrize("end", ["crash", "expire", "child"])
async def test_every_way_to_fail_is_followed_up(store: Store, clock: FakeClock, end: str) -> None:
    fields: dict[str, dict[str, Any]] = {"crash": {"crashes": 1}, "expire": {"expires": 10.0}, "child": {}}
    await put(store, new_run(on_failure=follow_up(), dead_letter="dead", **fields[end]))
    if end == "child":
        await put(store, new_run("p", queue="p", on_failure=follow_up(), wake=Wake(idle=True)), dependency("c", "p"))
        await fail(store, "c")
        assert (await hold(store, "p~1~on_failure")).about is not None
        return
    if end == "crash":
        await hold(store)
    await later(store, clock, 31)
    assert (await hold(store, "r~1~on_failure")).about is not None
    assert [run.id for run in (await store.dead("dead")).items] == ["r"]


async def test_each_life_has_its_own_follow_up(store: Store) -> None:
    await put(store, new_run(on_failure=follow_up()))
    await fail(store)
    await store.redrive(["r"])
    await fail(store)
    assert await claimed(store, limit=10, queues=("after",)) == ["r~1~on_failure", "r~2~on_failure"]


async def test_what_failed_for_good_is_a_dead_letter(store: Store) -> None:
    """S2-23: the same run, with input, options and attempts."""
    await put(store, new_run("a", dead_letter="mail-dlq", input=b"in"), new_run("b", dead_letter="other"))
    assert (await store.dead("mail-dlq")).items == ()
    await fail(store, "a")
    await fail(store, "b")
    [dead] = (await store.dead("mail-dlq")).items
    assert dead == await look(store, "a")
    assert [run.id for run in (await store.dead()).items] == ["b", "a"]


async def test_what_did_not_fail_is_no_dead_letter(store: Store) -> None:
    await put(store, new_run("a", dead_letter="dlq"), new_run("b", dead_letter="dlq"))
    await succeed(store, "a")
    await store.cancel(["b"])
    assert (await store.dead("dlq")).items == ()


async def test_redrive_takes_a_dead_letter_off_its_list(store: Store) -> None:
    """S2-25: the same run, with fresh counters."""
    await put(store, new_run(dead_letter="dlq"))
    await fail(store)
    assert await store.redrive(["r"]) == [Answer.OK]
    assert (await store.dead()).items == ()
    run = await look(store)
    assert (run.state, run.life, run.failures, run.error, run.cause) == (State.QUEUED, 2, 0, None, None)


async def test_a_removed_run_is_no_dead_letter(store: Store) -> None:
    await put(store, new_run(dead_letter="dlq"))
    await fail(store)
    await store.remove(["r"])
    assert (await store.dead()).items == ()


@pytest.mark.parametrize("outcome", [Fail, Complete, Retry, Release, Suspend, Restart])
async def test_a_finished_run_is_written_once(store: Store, clock: FakeClock, outcome: type) -> None:
    """B-077, P3 of the reliability notes: nothing but redrive changes it."""
    await put(store, new_run())
    got = await hold(store)
    await settled(store, Complete(lease=got.lease, result=b"done"))
    before = await look(store)
    await later(store, clock, 60)
    if outcome is not Complete:
        assert await settle(store, OUTCOMES[outcome.__name__.lower()](got.lease)) == Answer.LOST
    await store.cancel(["r"])
    await store.signal(send())
    assert await look(store) == before
