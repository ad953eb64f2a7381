"""Removal of whole trees, small and large, alone and many at once."""

import pytest

from penstock.core.answers import Answer
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import dependency, new_run
from tests.clock import FakeClock
from tests.conformance.acts import (
    claimed,
    fail,
    hold,
    later,
    put,
    states,
    succeed,
    upkeep,
)
from tests.conformance.scenes import LONG
from tests.conformance.test_cascades import many

IDLE = Wake(idle=True)


async def test_a_large_subtree_is_removed_only_when_it_has_finished(store: Store) -> None:
    """S: cancel first, then remove; B-152."""
    await put(store, new_run("p", queue="p", wake=IDLE), *many(999))
    await put(store, *many(1100)[999:])
    assert await store.remove(["p"]) == [Answer.BIG]
    await store.cancel(["p"])
    assert await store.remove(["p"]) == [Answer.CASCADING]
    await upkeep(store)
    assert await store.remove(["p"]) == [Answer.OK]
    await upkeep(store)
    assert await store.get(["p", "c0", "c1099"]) == [None, None, None]
    assert (await store.counts()) == []


async def test_a_tree_that_has_just_ended_is_removed_at_once(store: Store) -> None:
    """What upkeep would have cancelled below goes with it; what a cancel would have reached beyond is waited for."""
    for kind, end in (("good", succeed), ("bad", fail)):
        await put(store, new_run(kind, queue=kind, wake=IDLE), dependency(f"{kind}.c", kind))
        await succeed(store, f"{kind}.c")
        await end(store, kind)
        assert await store.remove([kind], children=False) == [Answer.CASCADING]
        assert await store.remove([kind]) == [Answer.OK]
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("bad", "p", queue="b"), dependency("late", "p"))
    await fail(store, "bad")
    assert await states(store, "p", "late") == [State.FAILED, State.QUEUED]
    assert await store.remove(["p"]) == [Answer.OK]
    await put(store, new_run("q", wake=IDLE), dependency("d", "q"))
    await store.cancel(["q"])
    assert await store.remove(["q"]) == [Answer.CASCADING]
    await upkeep(store)
    assert await store.remove(["q"]) == [Answer.OK]
    assert await store.counts() == []


async def test_many_are_removed_in_one_call(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"), new_run("c"))
    await hold(store, "a", lease=LONG)
    assert await store.remove(["a", "b", "no"]) == [Answer.RUNNING, Answer.OK, Answer.NOT_FOUND]
    assert await states(store, "a", "b", "c") == [State.RUNNING, None, State.QUEUED]


@pytest.mark.parametrize("of", ["scheduled", "waiting", "queued"])
async def test_a_removed_run_is_never_served(store: Store, clock: FakeClock, of: str) -> None:
    await put(store, {"scheduled": new_run(delay=5), "waiting": new_run(wake=Wake(delay=5))}.get(of, new_run()))
    await store.remove(["r"])
    await later(store, clock, 10)
    assert await claimed(store) == []
