"""Children: dependencies, calls and started ones; spawn; the parent that returns; attach and detach; depth."""

import itertools
from typing import Any

import pytest

from penstock.core.answers import Answer, Entered, Spawned
from penstock.core.leases import Claim, Complete, Fail, Lease, Retry, Spawn, Suspend
from penstock.core.policy import IfFails
from penstock.core.run import Cause, ChildOf, Kind, NewRun
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import call, dependency, key, limit, new_run, refs, started
from tests.clock import FakeClock
from tests.conformance.acts import (
    claim,
    claimed,
    fail,
    hold,
    later,
    look,
    put,
    settled,
    spawn,
    state,
    states,
    succeed,
    upkeep,
)
from tests.conformance.scenes import LONG

IDLE = Wake(idle=True)


async def a_parent(store: Store, *children: NewRun, lease: float = LONG) -> Claim:
    """A running `p` with these children."""
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", lease=lease)
    if children:
        await spawn(store, got.lease, *children)
    return got


async def ask_for(store: Store, lease: Lease, *runs: NewRun) -> Spawned:
    [answer] = await store.spawn([Spawn(lease=lease, runs=runs)])
    return answer


async def test_three_kinds_of_children(store: Store) -> None:
    await a_parent(store, dependency("d", "p"), call("c", "p"), started("s", "p"))
    parent = await look(store, "p")
    children = await store.get(["d", "c", "s"])
    assert [run and run.kind for run in children] == [Kind.DEPENDENCY, Kind.CALL, Kind.STARTED]
    assert [run and run.parent_id for run in children] == ["p", "p", "p"]
    assert [run and run.root_id for run in children] == ["p", "p", None]
    assert parent.pending == 1


async def test_spawning_twice_finds_the_children_of_the_first_time(store: Store) -> None:
    """S4-28: as after a lost reply, or by the same step on replay."""
    got = await a_parent(store)
    runs = (dependency("d", "p"), call("c", "p"))
    assert (await ask_for(store, got.lease, *runs)).runs == (
        Entered(id="d", created=True),
        Entered(id="c", created=True),
    )
    await succeed(store, "d")
    again = await ask_for(store, got.lease, *runs)
    assert again.answer == Answer.OK
    assert again.runs == (Entered(id="d", created=False), Entered(id="c", created=False))
    parent = await look(store, "p")
    assert (parent.pending, parent.finishes) == (0, 1)


async def test_a_zombie_adds_no_children(store: Store, clock: FakeClock) -> None:
    got = await a_parent(store, lease=30)
    await later(store, clock, 31)
    assert (await ask_for(store, got.lease, dependency("d", "p"))).answer == Answer.LOST
    assert await state(store, "d") is None
    assert (await look(store, "p")).pending == 0


async def test_a_run_that_is_asked_to_end_adds_no_children(store: Store) -> None:
    """P11 of the reliability notes."""
    got = await a_parent(store)
    await store.cancel(["p"])
    answer = await ask_for(store, got.lease, dependency("d", "p"))
    assert answer.answer == Answer.CASCADING
    assert await state(store, "d") is None


async def test_spawn_is_all_or_nothing(store: Store) -> None:
    got = await a_parent(store)
    bad = dependency("b", "p", key=key("k"))
    answer = await ask_for(store, got.lease, dependency("a", "p"), bad)
    assert (answer.answer, answer.index) == (Answer.INVALID, 1)
    assert await states(store, "a", "b") == [None, None]


async def test_a_spawned_subtree_arrives_whole(store: Store) -> None:
    got = await a_parent(store, dependency("m", "p", wake=IDLE), dependency("l", "m"))
    assert await states(store, "m", "l") == [State.WAITING, State.QUEUED]
    await settled(store, Complete(lease=got.lease, result=b"done"))
    await succeed(store, "l")
    await succeed(store, "m")
    assert await state(store, "p") == State.SUCCEEDED


async def test_children_do_not_spawn_below_others(store: Store) -> None:
    got = await a_parent(store)
    await put(store, new_run("q", queue="q"))
    answer = await ask_for(store, got.lease, dependency("d", "q"))
    assert answer.answer == Answer.INVALID
    assert await state(store, "d") is None


async def test_a_slot_that_an_ancestor_holds_is_no_childs(store: Store) -> None:
    """It would wait for ever; S4-32."""
    await store.put_limit(limit(hold=True))
    await put(store, new_run("p", queue="p", limits=refs("l")))
    got = await hold(store, "p", lease=LONG)
    answer = await ask_for(store, got.lease, call("c", "p", limits=refs("l")))
    assert (answer.answer, answer.index) == (Answer.HELD, 0)
    assert (await ask_for(store, got.lease, call("c", "p", limits=refs("l:other")))).answer == Answer.OK


async def test_the_depth_of_spawned_children_is_bounded(store: Store) -> None:
    await put(store, new_run("n0", queue="n0"))
    for n in range(1, 65):
        got = await hold(store, f"n{n - 1}", lease=LONG)
        await spawn(store, got.lease, call(f"n{n}", f"n{n - 1}"))
    got = await hold(store, "n64", lease=LONG)
    assert (await ask_for(store, got.lease, call("n65", "n64"))).answer == Answer.DEEP
    assert (await ask_for(store, got.lease, started("n65", "n64"))).answer == Answer.OK


async def test_a_parent_that_returns_waits_for_its_dependencies(store: Store) -> None:
    """S3-16, S3-35: its result is stored, and no worker is needed at the end."""
    got = await a_parent(store, dependency("a", "p"), dependency("b", "p"))
    await settled(store, Complete(lease=got.lease, result=b"mine"))
    parent = await look(store, "p")
    assert (parent.state, parent.returned, parent.result) == (State.WAITING, True, b"mine")
    assert (parent.worker, parent.lease_expires_at, parent.finished_at) == (None, None, None)
    await succeed(store, "a")
    assert await state(store, "p") == State.WAITING
    await succeed(store, "b")
    parent = await look(store, "p")
    assert (parent.state, parent.returned, parent.result) == (State.SUCCEEDED, False, b"mine")
    assert parent.finished_at is not None


async def test_a_later_failure_still_fails_a_parent_that_returned(store: Store) -> None:
    got = await a_parent(store, dependency("a", "p"))
    await settled(store, Complete(lease=got.lease, result=b"mine"))
    await fail(store, "a")
    parent = await look(store, "p")
    assert (parent.state, parent.cause, parent.error, parent.result) == (State.FAILED, Cause.CHILD, b"boom", None)


async def test_the_calls_of_a_parent_that_returns_are_cancelled(store: Store) -> None:
    got = await a_parent(store, call("c", "p"), started("s", "p"))
    await settled(store, Complete(lease=got.lease, result=b"mine"))
    assert await state(store, "p") == State.SUCCEEDED
    await upkeep(store)
    assert await states(store, "c", "s") == [State.CANCELLED, State.QUEUED]
    assert (await look(store, "c")).cause == Cause.PARENT


async def test_the_calls_of_a_parent_that_waits_for_dependencies_are_cancelled(store: Store) -> None:
    got = await a_parent(store, call("c", "p"), dependency("d", "p"))
    await settled(store, Complete(lease=got.lease, result=b"mine"))
    await upkeep(store)
    assert await states(store, "p", "c", "d") == [State.WAITING, State.CANCELLED, State.QUEUED]


async def test_the_children_of_a_parent_that_fails_are_cancelled(store: Store) -> None:
    got = await a_parent(store, call("c", "p"), dependency("d", "p"), started("s", "p"))
    await settled(store, Fail(lease=got.lease, error=b"boom"))
    await upkeep(store)
    assert await states(store, "c", "d", "s") == [State.CANCELLED, State.CANCELLED, State.QUEUED]


async def test_a_retried_parent_keeps_its_children(store: Store) -> None:
    got = await a_parent(store, call("c", "p"), dependency("d", "p"))
    await settled(store, Retry(lease=got.lease, delay=0, error=b"boom"))
    await upkeep(store)
    assert await states(store, "p", "c", "d") == [State.QUEUED, State.QUEUED, State.QUEUED]


async def test_a_started_child_touches_nobody(store: Store) -> None:
    """S4-30."""
    await a_parent(store, started("s", "p"))
    await fail(store, "s")
    parent = await look(store, "p")
    assert (parent.state, parent.pending, parent.finishes, parent.ending) == (State.RUNNING, 0, 0, None)


async def test_a_failed_call_leaves_its_parent_alone(store: Store) -> None:
    await a_parent(store, call("c", "p"))
    await fail(store, "c")
    parent = await look(store, "p")
    assert (parent.state, parent.finishes, parent.ending) == (State.RUNNING, 1, None)


async def test_children_are_served_one_queue_with_their_parent(store: Store) -> None:
    """S4-31: one worker is enough."""
    await put(store, new_run("p", wake=IDLE), dependency("c", "p", queue="default"))
    await succeed(store, "c")
    assert await claimed(store) == ["p"]


async def test_a_parents_own_delay_begins_when_it_is_released(store: Store, clock: FakeClock) -> None:
    """B-026, B-014."""
    await put(store, new_run("p", queue="p", wake=IDLE, delay=60), dependency("c", "p"))
    await later(store, clock, 500)
    await succeed(store, "c")
    parent = await look(store, "p")
    assert (parent.state, parent.due_at) == (State.SCHEDULED, clock() + 60)
    await later(store, clock, 60)
    assert await state(store, "p") == State.QUEUED


async def test_a_parents_own_delay_happens_once(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE, delay=60), dependency("c", "p"))
    await succeed(store, "c")
    await later(store, clock, 60)
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, dependency("d", "p"))
    await settled(store, Suspend(lease=got.lease, wake=IDLE))
    await succeed(store, "d")
    assert await state(store, "p") == State.QUEUED


async def test_parents_are_served_by_priority(store: Store) -> None:
    """B-028."""
    for name, priority in (("p", 0), ("q", 5)):
        await put(store, new_run(name, priority=priority, wake=IDLE), dependency(f"c-{name}", name))
    await succeed(store, "c-p")
    await succeed(store, "c-q")
    assert await claimed(store, limit=2) == ["q", "p"]


async def test_a_chain_runs_from_its_leaf(store: Store) -> None:
    """S3-02, B-002, B-050."""
    names = ["a", "b", "c", "d"]
    deeper = [dependency(name, above, wake=None if name == "d" else IDLE) for above, name in itertools.pairwise(names)]
    await put(store, new_run("a", queue="a", wake=IDLE), *deeper)
    for name in reversed(names):
        [got] = await claim(store, limit=10, queues=tuple(names))
        assert got.run_id == name
        await settled(store, Complete(lease=got.lease, result=b"done"))
    assert await state(store, "a") == State.SUCCEEDED


@pytest.mark.parametrize("before", [True, False])
async def test_an_existing_run_is_attached(store: Store, before: bool) -> None:
    """S3-27: whether it has ended or not."""
    await put(store, new_run("c", queue="c"))
    if before:
        await succeed(store, "c")
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("d", "p"))
    assert await store.attach("c", ChildOf(parent_id="p", name="late")) == Answer.OK
    child, parent = await look(store, "c"), await look(store, "p")
    assert (child.parent_id, child.kind, child.name, child.counted) == ("p", Kind.DEPENDENCY, "late", before)
    assert parent.pending == (1 if before else 2)
    await succeed(store, "d")
    assert await state(store, "p") == (State.QUEUED if before else State.WAITING)


async def test_attaching_twice_attaches_once(store: Store) -> None:
    await put(store, new_run("c", queue="c"), new_run("p", queue="p"))
    edge = ChildOf(parent_id="p")
    assert await store.attach("c", edge) == Answer.OK
    assert await store.attach("c", edge) == Answer.OK
    assert (await look(store, "p")).pending == 1


async def test_attaching_to_a_running_parent(store: Store) -> None:
    got = await a_parent(store)
    await put(store, new_run("c", queue="c"))
    assert await store.attach("c", ChildOf(parent_id="p")) == Answer.OK
    await settled(store, Complete(lease=got.lease, result=b"done"))
    assert await state(store, "p") == State.WAITING
    await succeed(store, "c")
    assert await state(store, "p") == State.SUCCEEDED


async def test_what_cannot_be_attached_is_refused(store: Store) -> None:
    """S3-28."""
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p", wake=IDLE), dependency("d", "c"))
    await put(store, new_run("q", wake=IDLE), dependency("e", "q"))
    await put(store, new_run("done", queue="done"))
    await succeed(store, "done")
    edge = ChildOf(parent_id="q")
    assert await store.attach("no", edge) == Answer.NOT_FOUND
    assert await store.attach("p", ChildOf(parent_id="no")) == Answer.NOT_FOUND
    assert await store.attach("c", edge) == Answer.HAS_PARENT
    assert await store.attach("p", ChildOf(parent_id="d")) == Answer.CYCLE
    assert await store.attach("p", ChildOf(parent_id="p")) == Answer.CYCLE
    assert await store.attach("p", ChildOf(parent_id="done")) == Answer.FINISHED
    assert (await look(store, "c")).parent_id == "p"


async def test_attaching_a_deep_tree_is_bounded(store: Store) -> None:
    below = [dependency(f"b{n}", f"b{n - 1}", wake=IDLE) for n in range(1, 33)]
    await put(store, new_run("b0", wake=IDLE), *below)
    above = [dependency(f"a{n}", f"a{n - 1}", wake=IDLE) for n in range(1, 33)]
    await put(store, new_run("a0", wake=IDLE), *above[:-1], dependency("a32", "a31", wake=IDLE), dependency("x", "a32"))
    assert await store.attach("b0", ChildOf(parent_id="a32")) == Answer.DEEP
    assert await store.attach("b0", ChildOf(parent_id="a31")) == Answer.OK
    assert (await look(store, "b32")).root_id == "a0"


async def test_a_detached_child_is_a_root_of_its_own(store: Store) -> None:
    """S3-33, B-046."""
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p", wake=IDLE), dependency("d", "c"))
    assert await store.detach("c") == Answer.OK
    child, below, parent = await look(store, "c"), await look(store, "d"), await look(store, "p")
    assert (child.parent_id, child.root_id, child.kind) == (None, None, None)
    assert (below.parent_id, below.root_id) == ("c", "c")
    assert (parent.state, parent.pending) == (State.QUEUED, 0)
    assert (await store.children("p")).items == ()
    await fail(store, "d")
    assert await states(store, "c", "p") == [State.FAILED, State.QUEUED]


async def test_detaching_what_has_no_parent_is_refused(store: Store) -> None:
    """S3-33."""
    await put(store, new_run())
    assert await store.detach("r") == Answer.STATE


async def test_a_detached_child_may_find_another_parent(store: Store) -> None:
    await put(store, new_run("p", wake=IDLE), dependency("c", "p"))
    await put(store, new_run("q", wake=IDLE), dependency("d", "q"))
    await store.detach("c")
    assert await store.attach("c", ChildOf(parent_id="q")) == Answer.OK
    assert [run.id for run in (await store.children("q")).items] == ["d", "c"]


@pytest.mark.parametrize("if_fails", [IfFails.FAIL, IfFails.IGNORE])
async def test_cancelling_a_pending_dependency_by_hand_is_a_bad_end(store: Store, if_fails: IfFails) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p", if_fails=if_fails))
    await store.cancel(["c"])
    assert await state(store, "p") == (State.FAILED if if_fails is IfFails.FAIL else State.QUEUED)


async def test_a_lease_that_nobody_gave_ends_no_child(store: Store) -> None:
    """Also if nothing else has happened to the child."""
    got = await a_parent(store, dependency("c", "p"))
    held = await hold(store, "c")
    for token in ("x", "", held.lease.token + "x", got.lease.token):
        [answer] = await store.settle([Complete(lease=Lease(run_id="c", token=token), result=b"")])
        assert answer == Answer.LOST
    assert await state(store, "c") == State.RUNNING
    assert (await look(store, "p")).pending == 1


@pytest.mark.parametrize("fields", [{}, {"priority": 5}, {"delay": 10.0}])
async def test_a_dependency_added_later_holds_back_a_parent_that_stands_ready(
    store: Store, clock: FakeClock, fields: dict[str, Any]
) -> None:
    await put(store, new_run("p", **fields))
    await put(store, dependency("c", "p"), dependency("d", "p"))
    assert (await look(store, "p")).pending == 2
    assert await state(store, "p") == State.WAITING
    await later(store, clock, 20.0)
    assert await claimed(store) == []
    await succeed(store, "c")
    await succeed(store, "d")
    await later(store, clock, 20.0)
    assert await claimed(store) == ["p"]
