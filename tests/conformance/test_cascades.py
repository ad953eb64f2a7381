"""Cascades: marks worked off in batches, what they refuse meanwhile, removal, redrive of a whole flow."""

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Complete, Fail, Spawn
from penstock.core.policy import IfFails
from penstock.core.run import Cause, NewRun, Siblings
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import call, dependency, new_run, started
from tests.clock import FakeClock
from tests.conformance.acts import (
    claim,
    claimed,
    fail,
    hold,
    later,
    look,
    put,
    refused,
    settled,
    spawn,
    state,
    states,
    stops,
    succeed,
    tend,
    upkeep,
)
from tests.conformance.scenes import LONG

IDLE = Wake(idle=True)


def many(count: int, parent_id: str = "p") -> list[NewRun]:
    return [dependency(f"c{n}", parent_id, queue="default") for n in range(count)]


async def ended(store: Store, count: int) -> int:
    """How many of the many have ended."""
    return sum(run is not None and run.state.finished for run in await store.get([f"c{n}" for n in range(count)]))


async def test_a_cancel_reaches_all_that_is_below(store: Store) -> None:
    """S4-35: three levels, every queue."""
    await put(
        store,
        new_run("p", queue="p", wake=IDLE),
        dependency("a", "p", wake=IDLE),
        dependency("b", "a"),
        dependency("c", "p"),
    )
    assert await store.cancel(["p"], reason="over") == [Answer.OK]
    await upkeep(store)
    assert await states(store, "p", "a", "b", "c") == [State.CANCELLED] * 4
    causes = [run and run.cause for run in await store.get(["p", "a", "b", "c"])]
    assert causes == [Cause.CANCEL, Cause.PARENT, Cause.PARENT, Cause.PARENT]


async def test_a_cancel_without_cascade_spares_what_was_started(store: Store) -> None:
    """Calls and dependencies exist for their parent alone."""
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, call("c", "p"), dependency("d", "p"), started("s", "p"))
    await store.cancel(["p"], cascade=False)
    await upkeep(store)
    await settled(store, Complete(lease=got.lease, result=b"done"))
    await upkeep(store)
    assert await states(store, "p", "c", "d", "s") == [
        State.CANCELLED,
        State.CANCELLED,
        State.CANCELLED,
        State.QUEUED,
    ]


async def test_a_cancel_reaches_calls_and_started_children(store: Store) -> None:
    """S4-35: of a running parent too, unless the child was started apart from it."""
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, call("c", "p"), started("s", "p"), started("apart", "p", cascade=False))
    held = await hold(store, "c", lease=LONG)
    await store.cancel(["p"])
    await upkeep(store)
    assert await states(store, "p", "c", "s", "apart") == [
        State.RUNNING,
        State.RUNNING,
        State.CANCELLED,
        State.QUEUED,
    ]
    assert await stops(store, held.lease)
    await settled(store, Complete(lease=held.lease, result=b"done"))
    await settled(store, Complete(lease=got.lease, result=b"done"))
    assert await states(store, "p", "c") == [State.CANCELLED, State.CANCELLED]


async def test_a_cancel_reaches_what_its_children_started(store: Store) -> None:
    """Every level passes it on as it is, whatever that level says about siblings."""
    await put(store, new_run("p", queue="p"))
    parent = await hold(store, "p", lease=LONG)
    await spawn(store, parent.lease, call("c", "p", siblings=Siblings.KEEP))
    child = await hold(store, "c", lease=LONG)
    await spawn(store, child.lease, started("s", "c"), dependency("d", "c"))
    await settled(store, Complete(lease=child.lease, result=b""))
    await store.cancel(["p"])
    await upkeep(store)
    assert await states(store, "c", "s", "d") == [State.CANCELLED] * 3


async def test_what_a_cancel_takes_along_does_not_count(store: Store) -> None:
    """However forgiving the edge is: a redrive brings it back."""
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, dependency("c", "p", if_fails=IfFails.IGNORE))
    await store.cancel(["p"])
    await upkeep(store)
    parent, child = await look(store, "p"), await look(store, "c")
    assert (child.state, child.counted, parent.pending) == (State.CANCELLED, False, 1)
    await settled(store, Complete(lease=got.lease, result=b""))
    await upkeep(store)
    assert await store.redrive(["p"]) == [Answer.OK]
    await upkeep(store)
    assert await states(store, "p", "c") == [State.WAITING, State.QUEUED]


async def test_a_cancel_works_in_batches(store: Store) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE), *many(999))
    await put(store, *many(1300)[999:])
    await store.cancel(["p"])
    assert await state(store, "p") == State.CANCELLED
    seen: list[int] = []
    for _ in range(20):
        answer = await tend(store, budget=500)
        assert answer.cascaded <= 500
        seen.append(await ended(store, 1300))
        if not answer.more:
            break
    assert seen[-1] == 1300
    assert len(seen) >= 3
    assert await store.redrive(["p"]) == [Answer.OK]


@pytest.mark.parametrize("budget", [1, 4, 6, 7])
async def test_a_round_that_ends_forgets_none_of_many_cancels(store: Store, budget: int) -> None:
    """Below each of them all is cancelled, in however many rounds, and nothing starts in between."""
    for n in range(5):
        below = [dependency(f"c{n}{m}", f"p{n}", queue="default") for m in range(3)]
        await put(store, new_run(f"p{n}", queue="p", wake=IDLE), *below)
    assert await store.cancel([f"p{n}" for n in range(5)]) == [Answer.OK] * 5
    for _ in range(100):
        answer = await tend(store, budget=budget)
        assert answer.cascaded <= budget
        if not answer.more:
            break
    assert await states(store, *(f"c{n}{m}" for n in range(5) for m in range(3))) == [State.CANCELLED] * 15
    assert await claimed(store, limit=20) == []


async def test_direct_children_never_start_below_a_cancel(store: Store) -> None:
    """Before any upkeep: the claim cancels them."""
    await put(store, new_run("p", queue="p", wake=IDLE), *many(3))
    await store.cancel(["p"])
    assert await claimed(store, limit=10) == []
    assert [await state(store, f"c{n}") for n in range(3)] == [State.CANCELLED] * 3


async def test_a_run_below_a_cancel_takes_no_children(store: Store) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p"))
    await store.cancel(["p"])
    answer = await refused(store, dependency("d", "p"))
    assert answer.answer in {Answer.CASCADING, Answer.FINISHED}
    assert await state(store, "d") is None


async def test_redrive_waits_until_a_cancel_is_through(store: Store) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p"), dependency("d", "p"))
    await succeed(store, "c")
    await store.cancel(["p"])
    assert await store.redrive(["p"]) == [Answer.CASCADING]
    assert await store.redrive(["c"]) == [Answer.CASCADING]
    await upkeep(store)
    assert await store.redrive(["p"]) == [Answer.OK]


async def test_a_redriven_flow_goes_on_from_its_failed_nodes(store: Store) -> None:
    """B-040: what succeeded stays, what failed or was cancelled runs again."""
    await put(
        store,
        new_run("p", queue="p", wake=IDLE),
        dependency("done", "p"),
        dependency("bad", "p", wake=IDLE),
        dependency("leaf", "bad"),
        dependency("late", "p"),
    )
    await succeed(store, "done")
    await fail(store, "leaf")
    await upkeep(store)
    assert await states(store, "p", "bad", "leaf", "late") == [
        State.FAILED,
        State.FAILED,
        State.FAILED,
        State.CANCELLED,
    ]
    assert await store.redrive(["p"]) == [Answer.OK]
    assert await state(store, "p") == State.WAITING
    await upkeep(store)
    assert await states(store, "p", "done", "bad", "leaf", "late") == [
        State.WAITING,
        State.SUCCEEDED,
        State.WAITING,
        State.QUEUED,
        State.QUEUED,
    ]
    for name in ("leaf", "bad", "late", "p"):
        await succeed(store, name)
    lives = [run and run.life for run in await store.get(["p", "done", "bad", "leaf", "late"])]
    assert lives == [2, 1, 2, 2, 2]


async def test_a_redriven_flow_that_ends_meanwhile_brings_nothing_back(store: Store) -> None:
    """Nor does it cancel and redrive what is below it for ever."""
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("m", "p", wake=IDLE), *many(3, "m"))
    await store.cancel(["m"])
    await upkeep(store)
    await store.redrive(["p"])
    await tend(store, budget=1)
    await store.cancel(["p"])
    await upkeep(store)
    assert await states(store, "p", "m", "c0", "c1", "c2") == [State.CANCELLED] * 5


async def test_a_redriven_flow_is_not_released_before_its_children_are(store: Store) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE), *many(600))
    [first] = await claimed(store)
    await store.cancel(["p"])
    await upkeep(store)
    await store.redrive(["p"])
    assert first == "c0"
    assert await state(store, "p") == State.WAITING
    await tend(store, budget=100)
    assert await state(store, "p") == State.WAITING
    await upkeep(store)
    assert (await look(store, "p")).pending == 600


async def test_no_child_lets_a_redriven_flow_go_before_all_are_back(store: Store) -> None:
    children = [dependency(f"c{n}", "p", queue="default", if_fails=IfFails.CONTINUE) for n in range(5)]
    await put(store, new_run("p", queue="p", wake=IDLE), *children)
    await store.cancel(["p"])
    await upkeep(store)
    await store.redrive(["p"])
    await tend(store, budget=1)
    [first] = await claim(store)
    await settled(store, Fail(lease=first.lease, error=b"boom"))
    assert await state(store, "p") == State.WAITING
    await upkeep(store)
    assert await state(store, "p") == State.QUEUED


async def test_a_redriven_child_of_a_finished_parent_changes_nothing_there(store: Store) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p"))
    await fail(store, "c")
    await upkeep(store)
    before = await look(store, "p")
    assert await store.redrive(["c"]) == [Answer.OK]
    await succeed(store, "c")
    after = await look(store, "p")
    assert (after.state, after.cause, after.error, after.life) == (before.state, before.cause, before.error, 1)


async def test_a_redriven_run_starts_with_fresh_counters(store: Store, clock: FakeClock) -> None:
    """B-102, B-117."""
    await put(store, new_run(crashes=2, deadline=100, expires=50))
    await hold(store)
    await later(store, clock, 31)
    await fail(store)
    await later(store, clock, 500)
    await store.redrive(["r"])
    run = await look(store)
    assert (run.deadline_at, run.expires_at) == (clock() + 100, clock() + 50)
    assert (run.life, run.failures, run.crashes, run.releases) == (2, 0, 0, 0)
    assert (run.error, run.cause, run.result, run.finished_at) == (None, None, None, None)
    assert (await hold(store)).life == 2


async def test_a_redriven_run_stands_behind_those_that_wait(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"))
    await fail(store, "a")
    await store.redrive(["a"])
    assert await claimed(store, limit=2) == ["b", "a"]


async def test_removal_leaves_no_trace_below(store: Store) -> None:
    """B-092."""
    await put(
        store,
        new_run("p", queue="p", wake=IDLE),
        dependency("a", "p", wake=IDLE),
        dependency("b", "a"),
        dependency("c", "p"),
    )
    await succeed(store, "b")
    assert await store.remove(["p"]) == [Answer.OK]
    await upkeep(store)
    assert await states(store, "p", "a", "b", "c") == [None] * 4
    assert await store.remove(["p"]) == [Answer.NOT_FOUND]


async def test_removal_is_refused_whole_while_something_runs(store: Store) -> None:
    """B-149."""
    await put(
        store,
        new_run("p", queue="p", wake=IDLE),
        dependency("a", "p", wake=IDLE),
        dependency("b", "a"),
        dependency("c", "p"),
    )
    await hold(store, "b", lease=LONG)
    assert await store.remove(["p"]) == [Answer.RUNNING]
    await upkeep(store)
    assert await states(store, "p", "a", "b", "c") == [
        State.WAITING,
        State.WAITING,
        State.RUNNING,
        State.QUEUED,
    ]


async def test_removal_may_leave_the_children(store: Store) -> None:
    """B-043."""
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p", wake=IDLE), dependency("d", "c"))
    assert await store.remove(["p"], children=False) == [Answer.OK]
    await upkeep(store)
    child, below = await look(store, "c"), await look(store, "d")
    assert (child.state, child.parent_id, child.root_id, below.root_id) == (State.WAITING, None, None, "c")
    await succeed(store, "d")
    await succeed(store, "c")


async def test_removing_a_child_counts_with_its_parent(store: Store) -> None:
    """S3-32."""
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p"), dependency("d", "p"))
    await store.remove(["c"])
    assert (await look(store, "p")).pending == 1
    assert [run.id for run in (await store.children("p")).items] == ["d"]
    await store.remove(["d"])
    assert await state(store, "p") == State.QUEUED


@pytest.mark.parametrize("way", ["remove", "detach"])
async def test_a_child_that_has_counted_does_not_count_again(store: Store, way: str) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p"), dependency("d", "p"))
    await succeed(store, "c")
    if way == "remove":
        await store.remove(["c"])
    else:
        await store.detach("c")
    assert (await look(store, "p")).pending == 1
    assert await state(store, "p") == State.WAITING


async def test_a_failing_parent_lets_go_of_running_children(store: Store) -> None:
    """S0-41: they are asked to stop, and end cancelled."""
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("a", "p"), dependency("b", "p"))
    held = await hold(store, "a", lease=LONG)
    await fail(store, "b")
    await upkeep(store)
    assert await stops(store, held.lease)
    answer = await store.spawn([Spawn(lease=held.lease, runs=(dependency("x", "a"),))])
    assert answer[0].answer == Answer.CASCADING
    await settled(store, Complete(lease=held.lease, result=b"done"))
    assert (await look(store, "a")).state == State.CANCELLED
    assert (await look(store, "p")).state == State.FAILED


async def test_a_cancelled_child_below_a_cancelled_parent_is_cancelled_once(store: Store) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p", if_fails=IfFails.IGNORE))
    await store.cancel(["c"], reason="mine")
    await store.cancel(["p"])
    await upkeep(store)
    child = await look(store, "c")
    assert (child.cause, child.reason) == (Cause.CANCEL, "mine")
