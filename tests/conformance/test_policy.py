"""What the bad end of a dependency does to its parent: every cell of `POLICY`, every bad end, level by level."""

import itertools

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Claim, Complete, Fail, Suspend
from penstock.core.policy import POLICY, Effect, IfFails, Parent
from penstock.core.run import Cause, NewRun, Run, Siblings
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import dependency, new_run
from tests.clock import FakeClock
from tests.conformance.acts import (
    fail,
    hold,
    later,
    look,
    put,
    reason,
    retry,
    settle,
    settled,
    spawn,
    stops,
    succeed,
    upkeep,
)
from tests.conformance.scenes import LONG

IDLE = Wake(idle=True)
ENDS = ("failed", "expired", "crashed", "cancelled")
CAUSES = {"failed": Cause.ERROR, "expired": Cause.EXPIRED, "crashed": Cause.CRASHED, "cancelled": Cause.CANCEL}
STANDINGS = ("waiting", "scheduled", "queued", "running", "returned", "finished")
UNSTARTED = {"scheduled": Parent.UNSTARTED, "queued": Parent.UNSTARTED}
CELLS = list(itertools.product(IfFails, STANDINGS, ENDS))


def child(run_id: str, parent_id: str, if_fails: IfFails, end: str = "failed") -> NewRun:
    """A dependency that is able to end so."""
    expires = 10.0 if end == "expired" else None
    return dependency(run_id, parent_id, if_fails=if_fails, expires=expires, crashes=1)


async def end_badly(store: Store, clock: FakeClock, run_id: str, end: str) -> None:
    match end:
        case "failed":
            await fail(store, run_id)
        case "expired":
            clock.advance(11)
            await upkeep(store)
        case "crashed":
            await hold(store, run_id, lease=10)
            clock.advance(11)
            await upkeep(store)
        case _:
            assert await store.cancel([run_id]) == [Answer.OK]


async def parent_standing(store: Store, standing: str, *children: NewRun) -> Claim | None:
    """Bring parent `p` to stand so, with pending children; returns its claim if it was claimed."""
    if standing == "waiting":
        await put(store, new_run("p", queue="p", wake=IDLE), *children)
        return None
    if standing in UNSTARTED:
        delay = LONG if standing == "scheduled" else None
        opener = dependency("opener", "p", if_fails=IfFails.CONTINUE)
        await put(store, new_run("p", queue="p", wake=IDLE, delay=delay), opener, *children)
        await fail(store, "opener")
        return None
    await put(store, new_run("p", queue="p", siblings=Siblings.KEEP))
    claim = await hold(store, "p", lease=LONG)
    await spawn(store, claim.lease, *children)
    if standing == "returned":
        await settled(store, Complete(lease=claim.lease, result=b"done"))
    elif standing == "finished":
        await settled(store, Fail(lease=claim.lease, error=b"own"))
    return claim


def same_but_for_counts(before: Run, after: Run) -> bool:
    """A finished child is always counted in `finishes`; whatever else a parent is stays."""
    kept = ("state", "life", "early", "pending", "result", "error", "cause", "cause_id", "ending", "since_at", "due_at")
    return all(getattr(before, name) == getattr(after, name) for name in kept)


async def assert_failed_by(store: Store, parent_id: str, child_id: str) -> None:
    parent, bad = await look(store, parent_id), await look(store, child_id)
    assert (parent.state, parent.cause, parent.cause_id) == (State.FAILED, Cause.CHILD, child_id)
    assert parent.error == bad.error


async def assert_doomed(store: Store, claim: Claim | None) -> None:
    assert claim is not None
    assert (await look(store, "p")).state == State.RUNNING
    assert await stops(store, claim.lease)
    await settled(store, Complete(lease=claim.lease, result=b"too late"))
    await assert_failed_by(store, "p", "c")
    assert (await look(store, "p")).result is None


async def assert_blocked(store: Store, claim: Claim | None, standing: str, before: Run) -> None:
    """Who has not started or is running says so, too, and is held up when it next waits."""
    parent = await look(store, "p")
    assert (parent.state, parent.blocked_by, parent.pending) == (before.state, "c", before.pending)
    if standing == "scheduled":
        return
    if standing == "queued":
        claim = await hold(store, "p")
    if claim is not None and standing != "returned":
        assert not await stops(store, claim.lease)
        await settled(store, Suspend(lease=claim.lease, wake=IDLE))
    parent = await look(store, "p")
    assert (parent.state, parent.blocked_by) == (State.WAITING, "c")
    assert await reason(store, "p") == "blocked"


async def assert_goes_on_early(store: Store, before: Run, claim: Claim | None, standing: str) -> None:
    parent = await look(store, "p")
    assert (parent.early, parent.pending) == (before.early + 1, before.pending - 1)
    assert parent.state == (State.QUEUED if standing == "waiting" else before.state)
    if claim is not None:
        wake = Wake(early=claim.early + 1, signals={"never": 1})
        await settled(store, Suspend(lease=claim.lease, wake=wake))
        assert (await look(store, "p")).state == State.QUEUED


async def assert_counted(store: Store, before: Run, standing: str) -> None:
    parent = await look(store, "p")
    assert parent.pending == before.pending - 1
    woken = {"waiting": State.QUEUED, "returned": State.SUCCEEDED}
    assert parent.state == woken.get(standing, before.state)


@pytest.mark.parametrize(("if_fails", "standing", "end"), CELLS)
async def test_a_bad_end_does_what_the_table_says(
    store: Store, clock: FakeClock, if_fails: IfFails, standing: str, end: str
) -> None:
    """S3-11, S3-12, S3-13, S3-18, B-003, B-005, B-009, B-010, B-016."""
    effect = POLICY[if_fails][UNSTARTED.get(standing) or Parent(standing)]
    claim = await parent_standing(store, standing, child("c", "p", if_fails, end))
    before = await look(store, "p")
    await end_badly(store, clock, "c", end)
    bad = await look(store, "c")
    assert (bad.state.finished, bad.cause) == (True, CAUSES[end])
    match effect:
        case Effect.FAIL:
            await assert_failed_by(store, "p", "c")
        case Effect.DOOM:
            await assert_doomed(store, claim)
        case Effect.BLOCK:
            await assert_blocked(store, claim, standing, before)
        case Effect.NOTHING:
            assert same_but_for_counts(before, await look(store, "p"))
        case Effect.START | Effect.EARLY:
            await assert_goes_on_early(store, before, claim, standing)
        case Effect.COUNT:
            await assert_counted(store, before, standing)


@pytest.mark.parametrize("standing", STANDINGS)
@pytest.mark.parametrize("if_fails", IfFails)
async def test_a_removed_dependency_counts_whatever_its_policy(store: Store, if_fails: IfFails, standing: str) -> None:
    """S3-32, B-044, B-045."""
    await parent_standing(store, standing, child("c", "p", if_fails))
    before = await look(store, "p")
    assert await store.remove(["c"]) == [Answer.OK]
    await upkeep(store)
    if standing == "finished":
        assert (await look(store, "p")).state == before.state
    else:
        await assert_counted(store, before, standing)


@pytest.mark.parametrize("if_fails", [IfFails.CONTINUE, IfFails.IGNORE, IfFails.REMOVE])
@pytest.mark.parametrize("standing", ["waiting", "returned"])
async def test_who_still_depends_on_another_child_goes_on_waiting(
    store: Store, if_fails: IfFails, standing: str
) -> None:
    """S3-14, S3-18: only `continue` lets a parent start before the last one."""
    await parent_standing(store, standing, child("c", "p", if_fails), dependency("d", "p"))
    await fail(store, "c")
    starts = if_fails is IfFails.CONTINUE and standing == "waiting"
    assert (await look(store, "p")).state == (State.QUEUED if starts else State.WAITING)
    assert (await look(store, "p")).pending == 1
    await succeed(store, "d")
    done = State.SUCCEEDED if standing == "returned" else State.QUEUED
    assert (await look(store, "p")).state == done


async def test_a_second_failure_under_continue_starts_nothing_twice(store: Store) -> None:
    """S3-15, B-013."""
    children = [child(name, "p", IfFails.CONTINUE) for name in "abc"]
    await put(store, new_run("p", queue="p", wake=IDLE), *children)
    await fail(store, "a")
    first = await look(store, "p")
    await fail(store, "b")
    second = await look(store, "p")
    assert (first.state, second.state) == (State.QUEUED, State.QUEUED)
    assert first.since_at == second.since_at
    await hold(store, "p")
    await fail(store, "c")
    assert (await look(store, "p")).state == State.RUNNING


@pytest.mark.parametrize("middle", IfFails)
@pytest.mark.parametrize("upper", IfFails)
async def test_three_levels_up_each_edge_decides(store: Store, middle: IfFails, upper: IfFails) -> None:
    """S3-11, B-006, B-007: in the leaf's own move, with no worker and no upkeep."""
    await put(
        store,
        new_run("root", queue="root", wake=IDLE),
        dependency("mid", "root", if_fails=upper, wake=IDLE),
        dependency("leaf", "mid", if_fails=middle),
    )
    await fail(store, "leaf")
    by_effect = {Effect.FAIL: State.FAILED, Effect.BLOCK: State.WAITING}
    mid_effect = POLICY[middle][Parent.WAITING]
    assert (await look(store, "mid")).state == by_effect.get(mid_effect, State.QUEUED)
    root_effect = POLICY[upper][Parent.WAITING] if mid_effect is Effect.FAIL else Effect.BLOCK
    root = await look(store, "root")
    assert root.state == by_effect.get(root_effect, State.QUEUED)
    if root.state is State.FAILED:
        assert (root.cause, root.cause_id, root.error) == (Cause.CHILD, "mid", b"boom")


async def test_a_long_chain_fails_to_its_top_at_once(store: Store) -> None:
    chain = [new_run("n0", queue="n0", wake=IDLE)]
    chain += [dependency(f"n{n}", f"n{n - 1}", wake=IDLE if n < 40 else None) for n in range(1, 41)]
    await put(store, *chain)
    await fail(store, "n40")
    top = await look(store, "n0")
    assert (top.state, top.cause, top.error) == (State.FAILED, Cause.CHILD, b"boom")


@pytest.mark.parametrize("siblings", Siblings)
@pytest.mark.parametrize("of", ["queued", "running"])
async def test_siblings_of_a_failed_child_go_or_stay(store: Store, siblings: Siblings, of: str) -> None:
    """S3-13, B-005."""
    runs = [dependency("bad", "p"), dependency("other", "p")]
    await put(store, new_run("p", queue="p", wake=IDLE, siblings=siblings), *runs)
    lease = (await hold(store, "other", lease=LONG)).lease if of == "running" else None
    await fail(store, "bad")
    await upkeep(store)
    if lease is not None:
        assert await stops(store, lease) is (siblings is Siblings.CANCEL)
        await settled(store, Complete(lease=lease, result=b"done"))
    other = await look(store, "other")
    if siblings is Siblings.CANCEL:
        assert (other.state, other.cause) == (State.CANCELLED, Cause.PARENT)
    else:
        assert other.state == (State.QUEUED if of == "queued" else State.SUCCEEDED)


async def test_what_the_parents_own_cascade_ends_is_no_bad_end(store: Store) -> None:
    """A cancelled parent stays cancelled, and its children don't count."""
    await put(store, new_run("p", wake=IDLE), dependency("c", "p"), dependency("d", "p"))
    await store.cancel(["p"])
    await upkeep(store)
    parent, first = await look(store, "p"), await look(store, "c")
    assert (parent.state, parent.cause, parent.pending) == (State.CANCELLED, Cause.CANCEL, 2)
    assert (first.state, first.cause, first.counted) == (State.CANCELLED, Cause.PARENT, False)


async def test_a_doomed_run_that_fails_by_itself_keeps_its_own_error(store: Store) -> None:
    """B-012."""
    claim = await parent_standing(store, "running", child("c", "p", IfFails.FAIL))
    assert claim is not None
    await fail(store, "c")
    await settled(store, Fail(lease=claim.lease, error=b"mine"))
    parent = await look(store, "p")
    assert (parent.state, parent.error, parent.cause) == (State.FAILED, b"mine", Cause.ERROR)


async def test_a_doomed_run_that_is_rescued_ends_with_the_childs_error(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("p", queue="p"))
    claim = await hold(store, "p")
    await spawn(store, claim.lease, child("c", "p", IfFails.FAIL))
    await fail(store, "c")
    clock.advance(31)
    await upkeep(store)
    await assert_failed_by(store, "p", "c")
    assert await settle(store, Complete(lease=claim.lease, result=b"done")) == Answer.LOST


@pytest.mark.parametrize("if_fails", [IfFails.CONTINUE, IfFails.IGNORE])
async def test_redrive_of_a_counted_child_brings_it_back(store: Store, if_fails: IfFails) -> None:
    """B-037, B-038."""
    await put(store, new_run("p", queue="p", wake=IDLE), child("c", "p", if_fails), dependency("d", "p"))
    await fail(store, "c")
    assert (await look(store, "c")).counted
    assert await store.redrive(["c"]) == [Answer.OK]
    parent, again = await look(store, "p"), await look(store, "c")
    assert (parent.pending, again.counted, again.state) == (2, False, State.QUEUED)
    await succeed(store, "c")
    assert (await look(store, "p")).pending == 1


async def test_redrive_of_a_succeeded_child_brings_it_back(store: Store) -> None:
    """B-039."""
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p"), dependency("d", "p"))
    await succeed(store, "c")
    await store.redrive(["c"])
    assert (await look(store, "p")).pending == 2
    await succeed(store, "d")
    assert (await look(store, "p")).state == State.WAITING
    await succeed(store, "c")
    assert (await look(store, "p")).state == State.QUEUED


@pytest.mark.parametrize("way", ["redrive", "remove", "detach"])
async def test_a_blocked_parent_goes_on_when_its_child_does(store: Store, way: str) -> None:
    """S3-09, B-037, B-046."""
    await put(store, new_run("p", queue="p", wake=IDLE), child("c", "p", IfFails.BLOCK))
    await fail(store, "c")
    assert await reason(store, "p") == "blocked"
    match way:
        case "redrive":
            assert await store.redrive(["c"]) == [Answer.OK]
            assert (await look(store, "p")).blocked_by is None
            assert await reason(store, "p") == "children"
            await succeed(store, "c")
        case "remove":
            assert await store.remove(["c"]) == [Answer.OK]
        case _:
            assert await store.detach("c") == Answer.OK
    parent = await look(store, "p")
    assert (parent.state, parent.blocked_by, parent.pending) == (State.QUEUED, None, 0)


async def test_a_run_blocked_by_two_names_the_other_when_one_goes(store: Store) -> None:
    runs = [child("c", "p", IfFails.BLOCK), child("d", "p", IfFails.BLOCK)]
    await put(store, new_run("p", queue="p", wake=IDLE), *runs)
    await fail(store, "c")
    await fail(store, "d")
    await store.detach("c")
    parent = await look(store, "p")
    assert (parent.state, parent.blocked_by) == (State.WAITING, "d")
    await store.detach("d")
    assert (await look(store, "p")).state == State.QUEUED


async def test_remove_leaves_no_trace_of_the_failed_child(store: Store) -> None:
    """B-017: it is no child any more, though still a run that can be read."""
    await put(store, new_run("p", queue="p", wake=IDLE), child("c", "p", IfFails.REMOVE), dependency("d", "p"))
    await fail(store, "c")
    assert [run.id for run in (await store.children("p")).items] == ["d"]
    assert (await look(store, "p")).pending == 1


async def test_a_retried_attempt_is_no_bad_end(store: Store, clock: FakeClock) -> None:
    """S3-21, B-004."""
    await put(store, new_run("p", queue="p", wake=IDLE), child("c", "p", IfFails.FAIL))
    await retry(store, "c", delay=5)
    assert (await look(store, "p")).state == State.WAITING
    await later(store, clock, 5)
    await succeed(store, "c")
    assert (await look(store, "p")).state == State.QUEUED
