"""Retention: by age and by number, whole trees, never what somebody still needs."""

from typing import Any

import pytest

from penstock.core.policy import IfFails
from penstock.core.run import Keep
from penstock.core.state import State
from penstock.core.views import Filter
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import call, dependency, new_run, record, started
from tests.clock import FakeClock
from tests.conformance.acts import fail, hold, later, look, put, settled, spawn, state, states, succeed, tend, upkeep
from tests.conformance.scenes import GO, LONG
from tests.conformance.scenes_of_leases import complete

IDLE = Wake(idle=True)
DAY = 86_400.0


@pytest.mark.parametrize(("end", "days"), [("succeeded", 1), ("failed", 14), ("cancelled", 14)])
async def test_a_finished_run_goes_when_its_time_is_over(store: Store, clock: FakeClock, end: str, days: int) -> None:
    """S2-21, X-05: by time, without any traffic; the default of each state."""
    await put(store, new_run())
    if end == "succeeded":
        await succeed(store)
    elif end == "failed":
        await fail(store)
    else:
        await store.cancel(["r"])
    await later(store, clock, days * DAY - 1)
    assert await state(store) == State(end)
    await later(store, clock, 2)
    assert await state(store) is None


async def test_nothing_of_a_purged_run_is_left(store: Store, clock: FakeClock) -> None:
    """X-05: gone from every index."""
    await put(store, new_run(tags=("x",), schedule="s", keep=Keep(succeeded=60)))
    got = await hold(store)
    await store.record([record(got.lease, "a")])
    await settled(store, complete(got.lease))
    await later(store, clock, 61)
    assert await store.get(["r"]) == [None]
    assert await store.steps("r") == []
    assert await store.signals("r") == []
    assert await store.log("r") == []
    assert await store.counts() == []
    for wanted in (Filter(), Filter(tag="x"), Filter(task="t"), Filter(schedule="s"), Filter(queue="default")):
        assert (await store.find(wanted)).items == ()


async def test_a_run_has_its_own_retention(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("a", keep=Keep(succeeded=10)), new_run("b", keep=Keep(succeeded=100)))
    await succeed(store, "a")
    await succeed(store, "b")
    await later(store, clock, 11)
    assert await states(store, "a", "b") == [None, State.SUCCEEDED]


@pytest.mark.parametrize("where", [State.SCHEDULED, State.QUEUED, State.RUNNING, State.WAITING])
async def test_live_runs_are_never_touched(store: Store, clock: FakeClock, where: State) -> None:
    """X-05, P19 of the reliability notes."""
    keep = Keep(succeeded=0, failed=0, newest=0)
    standing: dict[State, dict[str, Any]] = {State.SCHEDULED: {"delay": LONG}, State.WAITING: {"wake": GO}}
    await put(store, new_run(keep=keep, **standing.get(where, {})))
    if where is State.RUNNING:
        await hold(store, lease=LONG)
    await later(store, clock, 1000 * DAY)
    assert await state(store) == where


async def test_only_the_newest_succeeded_stay(store: Store, clock: FakeClock) -> None:
    """S2-21: after 10 successes 5 remain; failed ones do not count."""
    for n in range(10):
        await put(store, new_run(f"r{n}", keep=Keep(newest=5)))
        await succeed(store, f"r{n}")
        clock.advance(1)
    await put(store, new_run("bad", keep=Keep(newest=5)))
    await fail(store, "bad")
    await upkeep(store)
    assert await states(store, *(f"r{n}" for n in range(5))) == [None] * 5
    assert await states(store, *(f"r{n}" for n in range(5, 10))) == [State.SUCCEEDED] * 5
    assert await state(store, "bad") == State.FAILED


async def test_the_newest_are_those_that_came_or_went_last(store: Store, clock: FakeClock) -> None:
    for n in range(3):
        await put(store, new_run(f"r{n}", queue=f"q{n}", keep=Keep(newest=1)))
    for n in (2, 0, 1):
        await succeed(store, f"r{n}")
        clock.advance(1)
    await upkeep(store)
    last_enqueued, last_finished = [None, None, State.SUCCEEDED], [None, State.SUCCEEDED, None]
    assert await states(store, "r0", "r1", "r2") in (last_enqueued, last_finished), "as the backend's index has them"


async def test_the_newest_are_counted_by_task(store: Store) -> None:
    for task in ("t", "u"):
        for n in range(2):
            await put(store, new_run(f"{task}{n}", task=task, queue=task, keep=Keep(newest=1)))
            await succeed(store, f"{task}{n}")
    await upkeep(store)
    assert await states(store, "t0", "t1", "u0", "u1") == [None, State.SUCCEEDED, None, State.SUCCEEDED]


async def test_a_tree_goes_whole_and_by_its_root(store: Store, clock: FakeClock) -> None:
    """B-023, B-055: children stay as long as their root does, whatever they ask for."""
    short = Keep(succeeded=1, failed=1, newest=0)
    await put(
        store,
        new_run("p", queue="p", wake=IDLE, keep=Keep(succeeded=1000)),
        dependency("c", "p", keep=short),
        dependency("d", "p", keep=short, if_fails=IfFails.IGNORE),
    )
    await succeed(store, "c")
    await fail(store, "d")
    await succeed(store, "p")
    await later(store, clock, 999)
    assert await states(store, "p", "c", "d") == [State.SUCCEEDED, State.SUCCEEDED, State.FAILED]
    await later(store, clock, 2)
    assert await states(store, "p", "c", "d") == [None, None, None]


async def test_a_child_of_an_unfinished_parent_stays(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("p", wake=IDLE), dependency("c", "p"), dependency("d", "p"))
    await succeed(store, "c")
    await later(store, clock, 100 * DAY)
    child = await look(store, "c")
    assert (child.state, child.result) == (State.SUCCEEDED, b"done")


async def test_a_root_with_unfinished_children_stays(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("a", "p"), dependency("b", "p"))
    held = await hold(store, "b", lease=LONG)
    await fail(store, "a")
    await later(store, clock, 100 * DAY)
    assert await states(store, "p", "a", "b") == [State.FAILED, State.FAILED, State.RUNNING]
    await settled(store, complete(held.lease))
    await later(store, clock, 15 * DAY)
    assert await states(store, "p", "a", "b") == [None, None, None]


async def test_a_started_child_is_a_root_of_its_own(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("p", queue="p", keep=Keep(succeeded=10)))
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, started("s", "p"), call("c", "p"))
    await succeed(store, "c")
    await settled(store, complete(got.lease))
    await later(store, clock, 11)
    assert await states(store, "p", "c", "s") == [None, None, State.QUEUED]
    await succeed(store, "s")
    await later(store, clock, DAY + 1)
    assert await state(store, "s") is None


async def test_a_dead_letter_stays_while_it_is_listed(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(dead_letter="dlq", keep=Keep(failed=10)))
    await fail(store)
    await later(store, clock, 1000 * DAY)
    assert [run.id for run in (await store.dead("dlq")).items] == ["r"]
    await store.redrive(["r"])
    await succeed(store)
    await later(store, clock, DAY + 1)
    assert await state(store) is None


async def test_a_redriven_run_is_kept_from_its_last_end(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    await succeed(store)
    await later(store, clock, DAY - 10)
    await store.redrive(["r"])
    await later(store, clock, 100)
    await succeed(store)
    await later(store, clock, DAY - 10)
    assert await state(store) == State.SUCCEEDED
    await later(store, clock, 11)
    assert await state(store) is None


async def test_purging_works_in_batches(store: Store, clock: FakeClock) -> None:
    for n in range(30):
        await put(store, new_run(f"r{n}", queue=f"q{n}", keep=Keep(succeeded=10)))
        await succeed(store, f"r{n}")
    clock.advance(11)
    first = await tend(store, budget=20)
    assert (first.purged, first.more) == (20, True)
    second = await tend(store, budget=20)
    assert (second.purged, second.more) == (10, False)


async def test_an_id_may_come_again_after_its_run_went(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(keep=Keep(succeeded=1)))
    await succeed(store)
    await later(store, clock, 2)
    [entered] = await put(store, new_run())
    assert entered.created
