"""What limits cost, counted: runs that wait at one cost nothing, and runs without one not a call more than before."""

import asyncio
from collections import Counter

import pytest

from penstock.core.limits import LimitRef
from penstock.engine import listening
from penstock.engine.handler import Attempt
from tests.builders import limit
from tests.engine.support import TestHandler, enqueue, new_store, worker_of
from tests.engine.tapped import tapped
from tests.engine.virtual import passes, virtual

KEYS = 1_000
PARKED = 10  # of each key
MINUTE = 60.0


async def calls_of_a_minute(parked: int) -> tuple[Counter[str], int]:
    """Calls of a worker whose runs hold all slots, while so many of each key wait; and how many waited."""
    store = new_store()
    tap, tapping = tapped(store)
    await store.put_limit(limit(n=1))
    begun, go = 0, asyncio.Event()

    async def hold(_: Attempt) -> bytes:
        nonlocal begun
        begun += 1
        await go.wait()
        return b"null"

    for n in range(KEYS):
        await enqueue(store, 1 + parked, limits=(LimitRef(name="l", key=str(n)),))
    async with worker_of(tapping, TestHandler(hold, limited=True), concurrency=2 * KEYS):
        while begun < KEYS:
            await passes(0.1)
        waiting = sum(one.parked for one in await store.limits())
        before = Counter(tap.calls)
        await passes(MINUTE)
        spent = tap.calls - before
        await store.drop_limit("l")
        go.set()
    return spent, waiting


@virtual
async def test_ten_thousand_runs_in_line_cost_nothing_while_they_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """S4-39: no store call more in a minute than with nobody in line."""
    monkeypatch.setattr(listening, "POLL", (1.5, 1.5))  # looks are jittered, and shall be as many in both minutes
    monkeypatch.setattr(listening, "IDLE_POLL", (2.25, 2.25))
    alone, _ = await calls_of_a_minute(0)
    beside, waiting = await calls_of_a_minute(PARKED)
    assert waiting == KEYS * PARKED
    assert beside["claim"] + beside["turn"] <= alone["claim"] + alone["turn"]
    assert sum(beside.values()) <= sum(alone.values()) * 1.1, (alone, beside)


async def calls_of_plain_runs(*, limits: bool) -> Counter[str]:
    store = new_store()
    tap, tapping = tapped(store)
    if limits:
        for n in range(20):
            await store.put_limit(limit(f"l{n}", n=0))
            await enqueue(store, 5, task="other", limits=(LimitRef(name=f"l{n}"),))
    ids = await enqueue(store, 200)
    async with worker_of(tapping, TestHandler(), concurrency=5, prefetch=False, upkeep=False):
        while not all(run and run.state.finished for run in await store.get(ids)):
            await passes(0.01)
    return tap.calls


@virtual
async def test_runs_without_a_limit_cost_not_a_call_more() -> None:
    assert await calls_of_plain_runs(limits=True) == await calls_of_plain_runs(limits=False)
