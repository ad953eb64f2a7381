"""Lives and histories: what an end, a redrive or a restart leaves behind for the next one, and what it must not."""

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Complete, Fail, Release, Restart, Retry, Spawn, Suspend
from penstock.core.policy import IfFails
from penstock.core.requests import Edit, Group, Guard
from penstock.core.run import Cause, Kind, Siblings
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import able, call, dependency, follow_up, key, new_run, record, send, started
from tests.clock import FakeClock
from tests.conformance.acts import (
    ask,
    claim,
    claimed,
    fail,
    hold,
    later,
    look,
    put,
    reason,
    retry,
    settled,
    spawn,
    state,
    states,
    succeed,
    suspend,
    upkeep,
)
from tests.conformance.scenes import LONG

IDLE = Wake(idle=True)


async def test_a_call_that_an_earlier_life_took_along_runs_again_when_it_is_made_again(store: Store) -> None:
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, call("k", "p"))
    await settled(store, Fail(lease=got.lease, error=b"boom"))
    await upkeep(store)
    assert await state(store, "k") == State.CANCELLED
    await store.redrive(["p"])
    again = await hold(store, "p", lease=LONG)
    [answer] = await store.spawn([Spawn(lease=again.lease, runs=(call("k", "p"),))])
    assert (answer.answer, [one.created for one in answer.runs]) == (Answer.OK, [False])
    await settled(store, Suspend(lease=again.lease, wake=Wake(of=((("k",), 1),))))
    assert await states(store, "p", "k") == [State.WAITING, State.QUEUED]
    await succeed(store, "k")
    assert await state(store, "p") == State.QUEUED


async def test_a_new_history_makes_its_calls_at_once(store: Store) -> None:
    """Before any upkeep: the mark of the restart is for the old ones."""
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, call("old", "p"))
    await settled(store, Restart(lease=got.lease, input=b""))
    again = await hold(store, "p", lease=LONG)
    await spawn(store, again.lease, call("new", "p"))
    await hold(store, "new", lease=LONG)
    assert await claimed(store, queues=("old",)) == []
    assert await states(store, "old", "new") == [State.CANCELLED, State.RUNNING]


async def test_a_forgotten_child_starts_its_new_life_without_its_old_mark(store: Store) -> None:
    await put(store, new_run("p", queue="p"))
    parent = await hold(store, "p", lease=LONG)
    await spawn(store, parent.lease, call("k", "p"))
    child = await hold(store, "k", lease=LONG)
    await spawn(store, child.lease, call("kk", "k"))
    await settled(store, Fail(lease=child.lease, error=b"boom"))
    await store.record([record(parent.lease, "call", value=None, error=b"boom", kind="call", child_id="k")])
    await settled(store, Retry(lease=parent.lease, delay=0, error=b"boom", forget=("call",)))
    again = await hold(store, "k", lease=LONG)
    await spawn(store, again.lease, call("kk", "k"))
    await upkeep(store)
    assert (await look(store, "kk")).state == State.QUEUED


@pytest.mark.parametrize("siblings", Siblings)
async def test_what_succeeded_after_its_parent_failed_stays_done(store: Store, siblings: Siblings) -> None:
    """A redriven flow goes on from its failed nodes only."""
    await put(store, new_run("p", queue="p", wake=IDLE, siblings=siblings), dependency("a", "p"), dependency("b", "p"))
    held = await hold(store, "b", lease=LONG)
    await fail(store, "a")
    await settled(store, Complete(lease=held.lease, result=b"done"))
    await upkeep(store)
    await store.redrive(["p"])
    await upkeep(store)
    assert [run and (run.state, run.life) for run in await store.get(["a", "b"])] == [
        (State.QUEUED, 2),
        (State.SUCCEEDED, 1),
    ]
    await succeed(store, "a")
    assert await state(store, "p") == State.QUEUED


async def test_what_is_removed_does_not_end_first(store: Store) -> None:
    """No follow-up run, no word to anybody."""
    await put(store, new_run("p", queue="p", on_success=follow_up()))
    got = await hold(store, "p")
    await spawn(store, got.lease, dependency("c", "p"))
    await settled(store, Complete(lease=got.lease, result=b""))
    await upkeep(store)
    assert await store.remove(["p"]) == [Answer.OK]
    await upkeep(store)
    assert await states(store, "p", "c", "p~1~on_success") == [None, None, None]


async def test_a_redriven_run_remembers_its_rollbacks(store: Store) -> None:
    await put(store, new_run())
    got = await hold(store)
    await store.record([record(got.lease, "undo", kind="rollback")])
    await settled(store, Fail(lease=got.lease, error=b"boom"))
    await store.redrive(["r"])
    assert (await look(store)).rollbacks
    await store.cancel(["r"])
    run = await look(store)
    assert (run.state, run.ending) == (State.QUEUED, State.CANCELLED)


async def test_a_restarted_run_has_no_rollbacks_left(store: Store) -> None:
    await put(store, new_run())
    got = await hold(store)
    await store.record([record(got.lease, "undo", kind="rollback")])
    await settled(store, Restart(lease=got.lease, input=b""))
    assert not (await look(store)).rollbacks
    await store.cancel(["r"])
    assert await state(store) == State.CANCELLED


async def test_a_restarted_run_fits_any_code_again(store: Store) -> None:
    """Its new history has nothing that could fail to fit."""
    await put(store, new_run())
    [old] = await claim(store, abilities=able("t", fingerprint="old"))
    await settled(store, Release(lease=old.lease, refused="old"))
    [new] = await claim(store, abilities=able("t", fingerprint="new"))
    await settled(store, Restart(lease=new.lease, input=b""))
    assert await claimed(store, abilities=able("t", fingerprint="old")) == ["r"]


async def test_a_started_child_that_is_to_be_spared_is_spared_at_its_claim_too(store: Store) -> None:
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, started("apart", "p", cascade=False), started("s", "p"))
    await store.cancel(["p"])
    assert await claimed(store, queues=("apart", "s"), limit=5) == ["apart"]
    assert await state(store, "s") == State.CANCELLED


async def test_a_started_child_that_is_known_already_is_found(store: Store) -> None:
    await put(store, new_run("p", queue="p"), new_run("s", queue="s", input=b"mine"))
    got = await hold(store, "p", lease=LONG)
    [entered] = await spawn(store, got.lease, started("s", "p"))
    assert not entered.created
    run = await look(store, "s")
    assert (run.parent_id, run.input) == (None, b"mine")


async def test_a_run_let_go_early_stays_let_go(store: Store) -> None:
    await put(
        store,
        new_run("p", queue="p", wake=IDLE),
        dependency("a", "p", if_fails=IfFails.CONTINUE),
        dependency("b", "p"),
    )
    await succeed(store, "b")
    await store.redrive(["b"])
    await fail(store, "a")
    await succeed(store, "b")
    await store.redrive(["b"])
    parent = await look(store, "p")
    assert (parent.state, parent.pending, parent.early) == (State.QUEUED, 1, 1)


async def test_a_parent_without_a_wake_waits_for_children_of_its_group(store: Store) -> None:
    for name, delay in (("p", None), ("q", 5.0)):
        await put(store, new_run(name, queue=name, delay=delay), dependency(f"c-{name}", name))
        assert await state(store, name) == State.WAITING
    await succeed(store, "c-p")
    assert await state(store, "p") == State.QUEUED


async def test_an_early_failure_opens_no_open_flow(store: Store) -> None:
    """No run of an open flow is ready, whatever happens below it."""
    runs = (new_run("p", queue="p", wake=IDLE), dependency("c", "p", if_fails=IfFails.CONTINUE))
    await store.enqueue([Group(runs=(*runs, dependency("d", "p")), flow="p", opens=True)])
    await store.cancel(["c"])
    assert (await look(store, "p")).state == State.WAITING
    await store.enqueue([Group(runs=(), flow="p", closes=True)])
    await upkeep(store)
    assert await state(store, "p") == State.QUEUED


async def test_a_rescheduled_run_expires_from_its_new_moment(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(delay=10, expires=60))
    await store.reschedule("r", delay=3600)
    await later(store, clock, 3600 + 59)
    assert await state(store) == State.QUEUED
    await later(store, clock, 2)
    assert await state(store) == State.FAILED


async def test_a_run_claimed_ahead_has_not_started(store: Store, clock: FakeClock) -> None:
    """It expires, can be edited, and keeps all that only a newcomer has."""
    await put(store, new_run(expires=100))
    await settled(store, Release(lease=(await hold(store)).lease, unstarted=True))
    assert await store.edit("r", Edit(input=b"new")) == Answer.OK
    await later(store, clock, 101)
    assert (await look(store)).cause == Cause.EXPIRED


async def test_a_released_run_has_started(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(expires=100))
    await settled(store, Release(lease=(await hold(store)).lease))
    assert await store.edit("r", Edit(input=b"new")) == Answer.STATE
    await later(store, clock, 101)
    assert await state(store) == State.QUEUED


async def test_snoozing_without_end_is_ended(store: Store) -> None:
    await put(store, new_run())
    for _ in range(1000):
        [got] = await claim(store)
        await store.settle([Retry(lease=got.lease, delay=0)])
    assert await claimed(store) == []
    assert (await look(store)).cause == Cause.LOOP


async def test_failing_attempts_are_the_business_of_who_counts_them(store: Store) -> None:
    await put(store, new_run())
    for _ in range(1001):
        [got] = await claim(store)
        await store.settle([Retry(lease=got.lease, delay=0, error=b"boom")])
    assert (await look(store)).failures == 1001


async def test_rollbacks_without_end_are_ended(store: Store) -> None:
    await put(store, new_run())
    got = await hold(store)
    await store.record([record(got.lease, "undo", kind="rollback")])
    await store.cancel(["r"], reason="over")
    await settled(store, Release(lease=got.lease))
    for _ in range(1001):
        for one in await claim(store):
            await store.settle([Release(lease=one.lease)])
    run = await look(store)
    assert (run.state, run.cause, run.reason) == (State.CANCELLED, Cause.CANCEL, "over")


async def test_a_repeated_signal_is_known_after_the_end_too(store: Store) -> None:
    """Else a lost reply would turn into an error."""
    await put(store, new_run())
    await store.signal(send(once="payment-7"))
    await succeed(store)
    assert await store.signal(send(once="payment-7")) == (Answer.DUPLICATE, "r")
    assert (await store.signal(send(once="payment-8")))[0] == Answer.FINISHED


async def test_an_immediate_repeat_of_a_redrive_begins_no_life(store: Store) -> None:
    await put(store, new_run())
    await fail(store)
    await store.redrive(["r"])
    await store.redrive(["r"])
    assert (await look(store)).life == 2


async def test_a_quarantine_names_its_end_as_the_next_due_moment(store: Store, clock: FakeClock) -> None:
    guard = Guard(gap=15.0, hold=30.0)
    await put(store, new_run())
    await store.tend(100, guard)
    await hold(store, lease=30)
    clock.advance(60)
    assert (await store.tend(100, guard)).next_in == 30
    clock.advance(10)
    assert (await store.tend(100, guard)).next_in == 20


async def test_a_waiter_for_something_else_goes_on_early_too(store: Store) -> None:
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p")
    await spawn(store, got.lease, dependency("c", "p", if_fails=IfFails.CONTINUE))
    await settled(store, Suspend(lease=got.lease, wake=Wake(delay=3600)))
    await fail(store, "c")
    parent = await look(store, "p")
    assert (parent.state, parent.early) == (State.QUEUED, 1)


async def test_a_restarted_run_goes_before_those_that_never_started(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"))
    held = await hold(store, "a")
    await settled(store, Restart(lease=held.lease, input=b""))
    assert await claimed(store, limit=2) == ["a", "b"]


async def test_a_retried_run_is_no_longer_woken(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"))
    await suspend(store, "a", delay=0)
    await retry(store, "a", delay=0)
    assert await claimed(store, limit=2) == ["b", "a"]


async def test_older_claim_ids_bring_nothing_new_while_their_leases_live(store: Store) -> None:
    await put(store, new_run("a"))
    first = ask()
    [held] = (await store.claim(first)).claims
    await put(store, new_run("b"))
    again = (await store.claim(first)).claims
    assert [one.lease for one in again] == [held.lease]


async def test_blocked_shows_when_a_run_that_was_let_go_returns(store: Store) -> None:
    await put(
        store,
        new_run("p", queue="p", wake=IDLE),
        dependency("a", "p", if_fails=IfFails.CONTINUE),
        dependency("b", "p", if_fails=IfFails.BLOCK),
    )
    await fail(store, "a")
    await fail(store, "b")
    await succeed(store, "p")
    assert await state(store, "p") == State.WAITING
    assert await reason(store, "p") == "blocked"


async def test_a_run_with_a_key_keeps_it_over_a_restart(store: Store) -> None:
    await put(store, new_run(key=key("k")))
    await settled(store, Restart(lease=(await hold(store)).lease, input=b"other"))
    [entered] = await put(store, new_run("other", key=key("k")))
    assert (entered.id, entered.created) == ("r", False)


async def test_the_kinds_of_children_outlive_their_end(store: Store) -> None:
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p")
    await spawn(store, got.lease, call("c", "p"), dependency("d", "p"))
    await succeed(store, "c")
    await succeed(store, "d")
    kinds = [run.kind for run in (await store.children("p")).items]
    assert kinds == [Kind.CALL, Kind.DEPENDENCY]


async def test_a_redrive_names_the_life_that_it_means(store: Store) -> None:
    """So one whose answer was lost can be asked again, whatever has happened since."""
    await put(store, new_run(), new_run("other"))
    await fail(store, "r")
    await fail(store, "other")
    assert await store.redrive(["r", "other"], lives=[1, 1]) == [Answer.OK, Answer.OK]
    assert await store.redrive(["r", "other"], lives=[1, 1]) == [Answer.OK, Answer.OK]
    await fail(store, "r")
    assert await store.redrive(["r"], lives=[1]) == [Answer.OK]
    assert ((await look(store)).life, (await look(store)).state) == (2, State.FAILED)
    assert await store.redrive(["r"], lives=[2]) == [Answer.OK]
    assert (await look(store)).life == 3
