"""Removal of what was seen: a run that has moved on since is left alone, whatever its new state allows."""

import pytest

from penstock.core.answers import Answer
from penstock.core.requests import Still
from penstock.core.state import FINISHED, UNLEASED, State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import dependency, new_run
from tests.clock import FakeClock
from tests.conformance.acts import claimed, fail, hold, later, look, put, spawn, state, succeed


async def test_a_run_in_another_state_than_it_was_seen_in_stays(store: Store) -> None:
    """B-147: who cleans up what has failed does not remove what was redriven meanwhile."""
    await put(store, new_run("r"))
    await fail(store, "r")
    await store.redrive(["r"])
    assert await store.remove(["r"], still=Still(states=FINISHED)) == [Answer.STATE]
    assert await state(store, "r") == State.QUEUED
    assert await store.remove(["r"], still=Still(states=frozenset({State.QUEUED}))) == [Answer.OK]
    assert await store.get(["r"]) == [None]


async def test_a_run_that_has_come_back_to_its_state_since_then_stays(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("r"))
    await fail(store, "r")
    seen = clock()
    clock.advance(10)
    await store.redrive(["r"])
    await fail(store, "r")
    failed = frozenset({State.FAILED})
    assert await store.remove(["r"], still=Still(states=failed, since_at=seen)) == [Answer.STATE]
    assert await store.remove(["r"], still=Still(since_at=clock() - 1)) == [Answer.STATE]
    assert await store.remove(["r"], still=Still(states=failed, since_at=clock())) == [Answer.OK]


async def test_each_of_many_is_judged_for_itself(store: Store) -> None:
    await put(store, *(new_run(name) for name in "abc"))
    await succeed(store, "a")
    wanted = Still(states=frozenset({State.QUEUED}))
    assert await store.remove(["a", "b", "no", "c"], still=wanted) == [
        Answer.STATE,
        Answer.OK,
        Answer.NOT_FOUND,
        Answer.OK,
    ]
    assert [run.id for run in await store.get(["a", "b", "c"]) if run is not None] == ["a"]


@pytest.mark.parametrize("children", [True, False])
async def test_only_the_run_itself_must_stand_so(store: Store, *, children: bool) -> None:
    await put(store, new_run("p", queue="p", wake=Wake(idle=True)), dependency("c", "p"))
    wanted = Still(states=frozenset({State.WAITING}))
    assert await store.remove(["p"], children=children, still=wanted) == [Answer.OK]
    assert (await store.get(["c"]) == [None]) is children


async def test_a_run_that_was_claimed_meanwhile_is_in_another_state(store: Store) -> None:
    await put(store, new_run("r"))
    await claimed(store)
    assert await store.remove(["r"], still=Still(states=frozenset({State.QUEUED}))) == [Answer.STATE]
    assert await store.remove(["r"], still=Still()) == [Answer.RUNNING]


async def test_a_zombie_drops_no_children(store: Store, clock: FakeClock) -> None:
    """B-015: whoever lost its lease has no say in what the run waits for."""
    await put(store, new_run("p", queue="p"))
    old = await hold(store, "p", lease=10)
    await spawn(store, old.lease, dependency("a", "p"), dependency("b", "p"))
    mine = Still(states=UNLEASED, parent_token=old.lease.token)
    assert await store.remove(["a"], still=mine) == [Answer.OK]
    await later(store, clock, 11)
    assert await store.remove(["b"], still=mine) == [Answer.LOST]
    new = await hold(store, "p")
    assert await store.remove(["b", "p"], still=mine) == [Answer.LOST, Answer.STATE]
    assert await store.remove(["b"], still=Still(parent_token=new.lease.token)) == [Answer.OK]
    assert (await look(store, "p")).pending == 0
