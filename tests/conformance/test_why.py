"""Why: each reason for which an unfinished run stands where it stands, and what ends it."""

import pytest

from penstock.core.leases import Release
from penstock.core.policy import IfFails
from penstock.core.requests import Pause
from penstock.core.state import State
from penstock.core.views import Why
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import able, call, dependency, group, limit, new_run, refs
from tests.clock import FakeClock
from tests.conformance.acts import (
    alive,
    claim,
    claimed,
    fail,
    hold,
    later,
    look,
    put,
    reason,
    settled,
    spawn,
    succeed,
    suspend,
)
from tests.conformance.scenes import LONG, bring_to, with_rollbacks


async def why(store: Store, run_id: str = "r") -> Why:
    found = await store.why(run_id)
    assert found is not None
    assert found.run == await look(store, run_id)
    return found


async def test_a_scheduled_run_is_not_due(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(delay=60))
    found = await why(store)
    assert (found.reason, found.until_at, found.since_at) == ("due", clock() + 60, clock())


async def test_a_queued_run_with_a_live_worker_is_ready(store: Store) -> None:
    await put(store, new_run())
    await alive(store)
    assert await reason(store) == "ready"


async def test_a_queued_run_without_a_worker_says_so(store: Store, clock: FakeClock) -> None:
    """Its queue or its task is nobody's; workers that are gone do not count."""
    await put(store, new_run())
    assert await reason(store) == "no_worker"
    await alive(store, queues=("other",))
    assert await reason(store) == "no_worker"
    await alive(store, "w2", abilities=able("u"))
    assert await reason(store) == "no_worker"
    await alive(store, "w3", seconds=30)
    assert await reason(store) == "ready"
    await later(store, clock, 31)
    assert await reason(store) == "no_worker"


async def test_a_version_without_a_worker_says_so(store: Store) -> None:
    await put(store, new_run(version="2"))
    await alive(store, abilities=able("t", version="1"))
    await claim(store, abilities=able("t", version="1"))
    assert await reason(store) == "no_worker"
    await alive(store, "w2", abilities=able("t", version="2"))
    assert await reason(store) == "ready"


async def test_a_run_that_its_code_no_longer_fits_says_so(store: Store) -> None:
    await put(store, new_run())
    await alive(store, abilities=able("t", fingerprint="old"))
    [got] = await claim(store, abilities=able("t", fingerprint="old"))
    await settled(store, Release(lease=got.lease, refused="old"))
    assert await reason(store) == "mismatch"
    await alive(store, "w2", abilities=able("t", fingerprint="new"))
    assert await reason(store) == "ready"


@pytest.mark.parametrize("kind", ["queue", "task"])
async def test_a_paused_run_says_by_what(store: Store, kind: str) -> None:
    await put(store, new_run())
    await alive(store)
    name = "default" if kind == "queue" else "t"
    await store.pause(Pause(kind=kind, name=name, paused=True))
    found = await why(store)
    assert found.reason == "pause"
    assert name in " ".join(found.detail)


async def test_a_parked_run_names_its_limit(store: Store) -> None:
    await store.put_limit(limit("tenants"))
    await put(store, new_run("a", limits=refs("tenants:x")), new_run("b", limits=refs("tenants:x")))
    await claim(store)
    found = await why(store, "b")
    assert found.reason == "limit"
    assert "tenants" in " ".join(found.detail)


async def test_a_rated_run_says_until_when(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit(n=1, period=10.0))
    await put(store, new_run("a", limits=refs("l")), new_run("b", limits=refs("l")))
    await claim(store)
    found = await why(store, "b")
    assert (found.reason, found.until_at) == ("rate", clock() + 10)


async def test_a_parent_names_the_children_that_it_waits_for(store: Store) -> None:
    await put(store, new_run("p", wake=Wake(idle=True)), dependency("c", "p"), dependency("d", "p"))
    await succeed(store, "c")
    found = await why(store, "p")
    assert found.reason == "children"
    assert "d" in found.detail
    assert "c" not in found.detail


async def test_a_run_that_awaits_a_call_names_it(store: Store) -> None:
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, call("c", "p"))
    await settled(store, Release(lease=got.lease))
    await suspend(store, "p", of=((("c",), 1),))
    found = await why(store, "p")
    assert found.reason == "children"
    assert "c" in found.detail


async def test_a_blocked_parent_names_the_child(store: Store) -> None:
    """S3-09, B-003."""
    await put(store, new_run("p", wake=Wake(idle=True)), dependency("c", "p", if_fails=IfFails.BLOCK))
    await fail(store, "c")
    found = await why(store, "p")
    assert (found.reason, found.detail) == ("blocked", ("c",))


async def test_a_waiting_run_names_its_signals(store: Store) -> None:
    """S0-70."""
    await put(store, new_run())
    await suspend(store, signals={"approve": 1, "reject": 1})
    found = await why(store)
    assert found.reason == "signal"
    assert set(found.detail) == {"approve", "reject"}


async def test_a_sleeping_run_says_until_when(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    await suspend(store, delay=60)
    found = await why(store)
    assert (found.reason, found.until_at) == ("moment", clock() + 60)


async def test_a_running_run_says_by_whom(store: Store) -> None:
    await put(store, new_run())
    await hold(store, worker="w7")
    found = await why(store)
    assert found.reason == "running"
    assert "w7" in found.detail


async def test_a_run_that_is_asked_to_end_says_so(store: Store) -> None:
    await put(store, new_run())
    await hold(store)
    await store.cancel(["r"])
    assert await reason(store) == "ending"


async def test_a_run_of_an_open_flow_says_so(store: Store) -> None:
    await store.enqueue([group(new_run("p", wake=Wake(idle=True)), dependency("c", "p"), flow="p", opens=True)])
    assert [await reason(store, name) for name in ("p", "c")] == ["open", "open"]


@pytest.mark.parametrize("where", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
async def test_a_finished_run_has_no_reason(store: Store, where: State) -> None:
    await bring_to(store, where)
    assert await store.why("r") is None


async def test_rollbacks_that_wait_for_a_worker_have_a_reason(store: Store) -> None:
    await with_rollbacks(store, State.WAITING)
    await store.cancel(["r"])
    assert await reason(store) in {"ending", "no_worker"}
    assert await claimed(store) == ["r"]
