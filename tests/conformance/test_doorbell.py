"""The doorbell: who made a run ready rings, after the commit; who listened first hears it."""

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest

from penstock.core.leases import Complete, Release, Retry
from penstock.core.requests import Pause
from penstock.core.run import NewRun
from penstock.core.wake import Wake
from penstock.ports.doorbell import UPKEEP, Listener, queue_topic, run_topic, worker_topic
from penstock.ports.store import Store
from tests.builders import able, dependency, fire, limit, new_run, refs, schedule, send
from tests.clock import FakeClock
from tests.conformance.acts import alive, claim, hold, later, put, settled, spawn, succeed, suspend

SOON = 5.0  # real seconds: far more than a ring takes, and only a failing test waits so long


async def heard(listener: Listener, *topics: str) -> None:
    """All of these rang, since last asked."""
    missing = set(topics)
    while missing:
        rung = await listener.wait(SOON)
        assert rung, f"never heard {missing}"
        missing -= rung


async def silence(listener: Listener) -> Collection[str]:
    """What has rung already."""
    return await listener.wait(0.0)


@pytest.fixture
async def ear(store: Store) -> AsyncIterator[Listener]:
    """Listens to the default queue."""
    listener = store.doorbell.listen([queue_topic("default")])
    yield listener
    listener.close()


async def test_enqueue_rings_its_queue(store: Store, ear: Listener) -> None:
    await put(store, new_run("x", queue="other"))
    assert not await silence(ear)
    await put(store, new_run())
    await heard(ear, queue_topic("default"))


async def test_a_listener_hears_each_ring_once(store: Store, ear: Listener) -> None:
    await put(store, new_run("a"))
    await heard(ear, queue_topic("default"))
    assert not await silence(ear)


async def test_rings_before_listening_are_gone(store: Store) -> None:
    await put(store, new_run("a"))
    late = store.doorbell.listen([queue_topic("default")])
    assert not await silence(late)
    late.close()


async def test_a_waiting_listener_is_woken(store: Store, ear: Listener) -> None:
    waiting = asyncio.create_task(ear.wait(SOON))
    await asyncio.sleep(0)
    await put(store, new_run())
    assert queue_topic("default") in await waiting


async def test_a_closed_listener_returns(store: Store, ear: Listener) -> None:
    waiting = asyncio.create_task(ear.wait(SOON))
    await asyncio.sleep(0)
    ear.close()
    assert not await waiting


async def test_what_is_not_ready_rings_no_queue(store: Store, ear: Listener) -> None:
    await put(store, new_run("a", delay=60), new_run("b", wake=Wake(signals={"go": 1})))
    assert not await silence(ear)


@pytest.mark.parametrize(
    "way", ["release", "retry", "rescue", "promote", "signal", "moment", "count", "redrive", "fire"]
)
async def test_whatever_makes_a_run_ready_rings(store: Store, clock: FakeClock, ear: Listener, way: str) -> None:
    """B-066, B-109."""
    wake = {"signal": Wake(signals={"go": 1}), "moment": Wake(delay=5), "count": Wake(idle=True)}.get(way)
    if way != "fire":
        await put(store, new_run(delay=5.0 if way == "promote" else None, wake=wake), *children(way))
    held = await hold(store) if way in {"release", "retry", "rescue"} else None
    if way == "redrive":
        await succeed(store)
    await silence(ear)
    match way:
        case "release" if held:
            await settled(store, Release(lease=held.lease))
        case "retry" if held:
            await settled(store, Retry(lease=held.lease, delay=0))
        case "rescue":
            await later(store, clock, 31)
        case "promote" | "moment":
            await later(store, clock, 5)
        case "signal":
            await store.signal(send())
        case "count":
            await succeed(store, "c")
        case "redrive":
            await store.redrive(["r"])
        case _:
            due = await store.put_schedule(schedule(next_at=clock()))
            await store.fire(fire(due, new_run(), next_at=None))
    await heard(ear, queue_topic("default"))


def children(way: str) -> list[NewRun]:
    return [dependency("c", "r")] if way == "count" else []


async def test_an_offer_of_a_limit_rings(store: Store, ear: Listener) -> None:
    await store.put_limit(limit())
    await put(store, new_run("a", limits=refs("l")), new_run("b", limits=refs("l")))
    held = await hold(store, "a")
    await silence(ear)
    await settled(store, Complete(lease=held.lease, result=b""))
    await heard(ear, queue_topic("default"))


async def test_a_raised_limit_rings(store: Store, ear: Listener) -> None:
    await store.put_limit(limit(n=0))
    await put(store, new_run(limits=refs("l")))
    await silence(ear)
    await store.put_limit(limit(n=1))
    await heard(ear, queue_topic("default"))


@pytest.mark.parametrize(("kind", "name"), [("queue", "default"), ("task", "t")])
async def test_resuming_rings(store: Store, ear: Listener, kind: str, name: str) -> None:
    await put(store, new_run())
    await store.pause(Pause(kind=kind, name=name, paused=True))
    await claim(store)
    await silence(ear)
    await store.pause(Pause(kind=kind, name=name, paused=False))
    await heard(ear, queue_topic("default"))


async def test_registering_rings_for_what_stands_aside(store: Store, ear: Listener) -> None:
    await put(store, new_run(task="new"))
    await claim(store, abilities=able("t"))
    await silence(ear)
    await alive(store, "b", abilities=able("new"))
    await heard(ear, queue_topic("default"))


async def test_a_watched_end_rings(store: Store) -> None:
    """S0-60. What is not watched may ring, too: where that costs nothing."""
    await put(store, new_run("a"))
    ear = store.doorbell.listen([run_topic("a")])
    assert await store.watch(["a"]) == ["queued"]
    await succeed(store, "a")
    await heard(ear, run_topic("a"))
    ear.close()


async def test_a_watched_end_rings_when_all_is_quiet(store: Store) -> None:
    """The ring is the end's, and not one that only says that listening has begun."""
    await put(store, new_run("a"))
    ear = store.doorbell.listen([run_topic("a")])
    await store.watch(["a"])
    while await ear.wait(0.05):
        pass
    await succeed(store, "a")
    await heard(ear, run_topic("a"))
    ear.close()


async def test_watching_tells_how_the_runs_stand(store: Store) -> None:
    await put(store, new_run("a"), new_run("b", queue="b"))
    await succeed(store, "b")
    assert await store.watch(["a", "b", "no"]) == ["queued", "succeeded", None]


async def test_ten_thousand_are_watched_in_one_call(store: Store) -> None:
    await put(store, new_run("a"))
    assert await store.watch([*(f"no-{number}" for number in range(9_999)), "a"]) == [None] * 9_999 + ["queued"]


async def test_a_cancel_rings_the_worker_that_holds_the_run(store: Store) -> None:
    """S2-34: it is told at once, not at its next heartbeat."""
    await put(store, new_run())
    await hold(store, worker="w7")
    ear = store.doorbell.listen([worker_topic("w7")])
    await store.cancel(["r"])
    await heard(ear, worker_topic("w7"))
    ear.close()


async def test_a_doomed_run_rings_its_worker(store: Store) -> None:
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", worker="w7")
    await spawn(store, got.lease, dependency("c", "p"))
    ear = store.doorbell.listen([worker_topic("w7")])
    await store.cancel(["c"])
    await heard(ear, worker_topic("w7"))
    ear.close()


async def test_what_is_due_sooner_rings_upkeep(store: Store) -> None:
    """B-109: whoever sleeps until the next due moment looks again."""
    ear = store.doorbell.listen([UPKEEP])
    await put(store, new_run("a", delay=60))
    await heard(ear, UPKEEP)
    await put(store, new_run("b", delay=1))
    await heard(ear, UPKEEP)
    await suspend_one(store)
    await heard(ear, UPKEEP)
    ear.close()


async def suspend_one(store: Store) -> None:
    await put(store, new_run("c", queue="c"))
    await suspend(store, "c", delay=0.5)
