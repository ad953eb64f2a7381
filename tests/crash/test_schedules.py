"""Ten processes fire one schedule, one is killed every three seconds: every tick makes one run, none is left out."""

import asyncio
import os
import random
import signal
import time
from collections import defaultdict
from pathlib import Path

import pytest

from penstock import ScheduleStatus, State
from penstock.core.views import Filter
from tests.crash.conftest import Tell
from tests.crash.fleet import Fleet, wait_until
from tests.crash.oracle import events
from tests.crash.ticking_worker import ticking

pytestmark = pytest.mark.crash

SCHEDULERS = 10
BETWEEN = 3.0  # seconds between two kills
TICKS = int(os.environ.get("TICKING") or 45)  # one a second
LONGEST = 5 * TICKS + 60.0  # seconds in which they come on a busy machine: ten processes begin at once


async def stands(folder: Path) -> tuple[ScheduleStatus, dict[int, list[str]], list[str]]:
    """The schedule, the runs in the store by tick, and what is wrong with the store."""
    async with ticking(folder) as app:
        found, after = defaultdict[int, list[str]](list), None
        while True:
            page = await (await app._client.store()).find(Filter(schedule="tick"), after=after, limit=1000)
            for run in page.items:
                assert run.state is State.SUCCEEDED, run
                assert run.nominal_at is not None
                found[round(run.nominal_at)].append(run.id)
            after = page.after
            if after is None:
                return await app.schedules.get("tick"), found, await app.check()


async def begin(folder: Path) -> None:
    async with ticking(folder) as app:
        await app.schedules.synchronise()


async def end(folder: Path) -> None:
    async with ticking(folder) as app:
        await app.schedules.pause("tick")


def left(folder: Path) -> bool:
    async def count() -> int:
        async with ticking(folder) as app:
            return sum(one.n for one in await app.counts() if not one.state.finished)

    return asyncio.run(count()) > 0


def test_every_tick_fires_once_whoever_dies(tmp_path: Path, seed: int, tell: Tell) -> None:
    """S4-46, S4-42, C1."""
    dice = random.Random(seed)
    asyncio.run(begin(tmp_path))
    deaths = 0
    with Fleet(tmp_path) as fleet:
        workers = [fleet.start("ticking_worker", f"worker{place}", f"worker{place}") for place in range(SCHEDULERS)]
        until = time.monotonic() + LONGEST
        while len({event.number for event in fleet.events if event.kind == "ticked"}) < TICKS:
            assert time.monotonic() < until, f"seed {seed}: the ticks stopped\n{fleet.troubles()}"
            struck = time.monotonic()
            place = dice.randrange(SCHEDULERS)
            workers[place].send(signal.SIGKILL)
            deaths += 1
            workers[place] = fleet.start("ticking_worker", f"worker{place}", f"worker{place}-{deaths}")
            wait_until(lambda: time.monotonic() > struck + BETWEEN, "the next kill", BETWEEN + 30)  # noqa: B023
            fleet.look()
        asyncio.run(end(tmp_path))
        wait_until(lambda: not left(tmp_path), "the last runs", 240)
    schedule, runs, problems = asyncio.run(stands(tmp_path))
    seen = defaultdict[int, set[str]](set)
    for event in events(tmp_path):
        if event.kind == "ticked":
            seen[event.number].add(event.run)
    ticks = sorted(runs)
    tell(f"\n{len(ticks)} ticks of {SCHEDULERS} schedulers, {deaths} kills, seed {seed}")
    assert problems == []
    assert ticks == list(range(ticks[0], ticks[-1] + 1)), "a tick was left out"
    assert {tick: len(ids) for tick, ids in runs.items() if len(ids) > 1} == {}
    assert {tick: ids for tick, ids in seen.items() if ids != set(runs[tick])} == {}, "the oracle saw another run"
    assert sorted(seen) == ticks
    assert (schedule.fired, schedule.skipped) == (len(ticks), 0)
    assert len(ticks) >= TICKS
