"""One key of a limit paused by hand: nothing of it starts, nothing of it is dropped, all others go on."""

from typing import Any

import pytest

from penstock.core.leases import Complete
from penstock.core.requests import Pause
from penstock.core.run import NewRun
from penstock.core.state import State
from penstock.ports.store import Store
from tests.builders import limit, new_run, refs
from tests.clock import FakeClock
from tests.conformance.acts import claimed, hold, later, put, settled, standing, state, states, succeed, tend


async def pause(store: Store, key: str = "x", *, on: bool = True, name: str = "l") -> None:
    await store.pause(Pause(kind="limit", name=f"{name}:{key}", paused=on))


async def told(store: Store, run_id: str) -> tuple[str, tuple[str, ...]]:
    """Why the run stands where it stands, and what that names."""
    why = await store.why(run_id)
    assert why is not None
    return why.reason, why.detail


def of(key: str, run_id: str, **fields: Any) -> NewRun:
    return new_run(run_id, limits=refs(f"l:{key}"), **fields)


async def test_runs_of_a_paused_key_stay_and_others_go(store: Store) -> None:
    await store.put_limit(limit(n=5))
    await put(store, of("x", "a"), of("y", "b"), of("x", "c"))
    await pause(store)
    assert await claimed(store, limit=5) == ["b"]
    await put(store, of("x", "d"))
    assert await claimed(store, limit=5) == []
    assert await states(store, "a", "c", "d") == [State.QUEUED] * 3
    assert await standing(store, key="x") == (0, 0, 3)
    assert await told(store, "d") == ("pause", ("limit", "l", "x"))
    assert await store.paused() == [Pause(kind="limit", name="l:x", paused=True)]
    [view] = [one for one in await store.limits() if one.key == "x"]
    assert view.paused
    assert await store.check() == []
    await pause(store, on=False)
    assert await claimed(store, limit=5) == ["a", "c", "d"]
    assert await store.paused() == []
    assert await store.check() == []


async def test_a_run_of_a_paused_key_that_has_not_been_looked_at_says_so(store: Store) -> None:
    await store.put_limit(limit(n=5))
    await put(store, of("x", "a"))
    await pause(store)
    assert await told(store, "a") == ("pause", ("limit", "l", "x"))


async def test_running_runs_of_a_paused_key_go_on(store: Store) -> None:
    await store.put_limit(limit(n=1))
    await put(store, of("x", "a"), of("x", "b"))
    lease = (await hold(store, "a")).lease
    await pause(store)
    await settled(store, Complete(lease=lease, result=b""))
    assert await state(store, "a") is State.SUCCEEDED
    assert await claimed(store) == []
    await pause(store, on=False)
    assert await claimed(store) == ["b"]


async def test_a_key_nobody_has_used_may_be_paused(store: Store) -> None:
    await store.put_limit(limit(n=1))
    await pause(store)
    await pause(store)
    await put(store, of("x", "a"))
    assert await claimed(store) == []
    await pause(store, on=False)
    await succeed(store, "a")


async def test_what_is_paused_drops_nothing(store: Store) -> None:
    await store.put_limit(limit(n=1, full="drop"))
    await put(store, of("x", "a"))
    await pause(store)
    await put(store, of("x", "b"))
    assert await claimed(store, limit=5) == []
    assert await states(store, "a", "b") == [State.QUEUED] * 2
    await pause(store, on=False)
    assert await claimed(store) == ["a"]
    assert await store.check() == []


async def test_what_is_paused_replaces_nobody(store: Store) -> None:
    await store.put_limit(limit(n=1, full="replace"))
    await put(store, of("x", "a"))
    held = await hold(store, "a")
    await pause(store)
    await put(store, of("x", "b"))
    assert (await store.extend([held.lease], 30.0))[0] == "ok"
    await settled(store, Complete(lease=held.lease, result=b""))
    assert await claimed(store) == []
    await pause(store, on=False)
    assert await claimed(store) == ["b"]


async def test_a_paused_rate_starts_nothing_whatever_the_time(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit(n=1, period=10.0))
    await put(store, of("x", "a"), of("x", "b"))
    await succeed(store, "a")
    await pause(store)
    await later(store, clock, 60)
    assert await claimed(store) == []
    assert (await tend(store)).next_in != 0
    await pause(store, on=False)
    assert await claimed(store) == ["b"]


@pytest.mark.parametrize("way", ["dropped", "never there"])
async def test_a_limit_that_is_no_more_has_no_paused_keys(store: Store, way: str) -> None:
    if way == "dropped":
        await store.put_limit(limit())
    await pause(store)
    if way == "dropped":
        await put(store, of("x", "a"))
        await store.drop_limit("l")
    else:
        await put(store, of("x", "a"))
    assert await store.paused() == []
    await store.put_limit(limit())
    assert await claimed(store) == ["a"]
