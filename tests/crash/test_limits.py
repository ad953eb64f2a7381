"""A limit among processes that die: never more than n of a key under way, and the slots that there are, are used."""

import asyncio
import os
import random
import signal
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from penstock import State
from tests.crash.conftest import Tell
from tests.crash.fleet import Fleet, Member, wait_until
from tests.crash.limited_worker import SLOTS, TENANTS, WORK, Limited
from tests.crash.oracle import Event, events

pytestmark = pytest.mark.crash

WORKERS = 4
RUNS = 24  # of each tenant
BETWEEN = 1.0  # seconds between two kills
SECONDS = float(os.environ.get("LIMITED") or 20)
STRICT = bool(os.environ.get("STRICT"))  # the machine is quiet: hold us to the share of the ideal
SHARE = 0.8


async def enqueue(folder: Path, number: int) -> list[str]:
    limited = Limited(folder)
    async with limited.app as app:
        calls = [limited.work.call(tenant) for _ in range(number) for tenant in range(TENANTS)]
        return [run.id for run in await app.enqueue_many(calls)]


async def audit(folder: Path) -> tuple[Counter[State], list[str], int]:
    """Runs by state, what is wrong with the store, and how many slots are held."""
    async with Limited(folder).app as app:
        states = Counter[State]()
        for count in await app.counts():
            states[count.state] += count.n
        return states, await app.check(), sum(one.used for one in await app.limits.all())


def most_at_once(told: list[Event], died: dict[int, float]) -> Counter[int]:
    """By tenant, how many were under way at once: from `began` to `ended`, or to the death of the process."""
    ended = {(event.run, event.fence): event.at for event in told if event.kind == "ended"}
    changes = defaultdict[int, list[tuple[float, int]]](list)
    for event in told:
        if event.kind == "began":
            over = ended.get((event.run, event.fence), died.get(event.pid, float("inf")))
            changes[event.number] += [(event.at, 1), (over, -1)]
    most = Counter[int]()
    for tenant, moments in changes.items():
        now = 0
        for _, change in sorted(moments):
            now += change
            most[tenant] = max(most[tenant], now)
    return most


def all_over(folder: Path) -> bool:
    states, _, _ = asyncio.run(audit(folder))
    return all(state.finished for state in states)


def begin(fleet: Fleet, name: str) -> Member:
    return fleet.start("limited_worker", name, name)


def test_the_slots_that_there_are_are_used(tmp_path: Path, tell: Tell) -> None:
    """All slots at once, never more, and with STRICT=1 at least 80 % of what they could carry."""
    asyncio.run(enqueue(tmp_path, RUNS))
    with Fleet(tmp_path) as fleet:
        for place in range(WORKERS):
            begin(fleet, f"worker{place}")
        wait_until(lambda: fleet.look() and fleet.seen["ended"] >= RUNS * TENANTS, "all runs", 240)
        wait_until(lambda: all_over(tmp_path), "the last results", 30)  # a handler's end is before its settle
    told = events(tmp_path)
    took = max(event.at for event in told) - min(event.at for event in told)
    ideal = RUNS * WORK / SLOTS
    tell(f"\n{RUNS * TENANTS} runs of {TENANTS} tenants in {took:.2f} s; ideal {ideal:.2f} s: {ideal / took:.0%}")
    assert most_at_once(told, {}) == dict.fromkeys(range(TENANTS), SLOTS)
    assert not STRICT or took <= ideal / SHARE
    states, problems, held = asyncio.run(audit(tmp_path))
    assert (problems, held) == ([], 0)
    assert states == {State.SUCCEEDED: RUNS * TENANTS}


def test_never_more_than_n_are_under_way_whoever_dies(tmp_path: Path, seed: int, tell: Tell) -> None:
    """S4-37, B-132: a slot belongs to a lease, so a dead worker's comes back when that is over, and not before."""
    dice = random.Random(seed)
    number = int(SECONDS * SLOTS / WORK * 0.7)  # of what could be done without deaths
    asyncio.run(enqueue(tmp_path, number))
    died: dict[int, float] = {}
    with Fleet(tmp_path) as fleet:
        workers = [begin(fleet, f"worker{place}") for place in range(WORKERS)]
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            struck = time.monotonic()
            place = dice.randrange(WORKERS)
            workers[place].send(signal.SIGKILL)
            workers[place].wait(30)
            died[workers[place].pid] = time.monotonic()
            workers[place] = begin(fleet, f"worker{place}-{len(died)}")
            wait_until(lambda: time.monotonic() > struck + BETWEEN, "the next kill", BETWEEN + 30)  # noqa: B023
        wait_until(lambda: all_over(tmp_path), "the last runs", 240)
    told = events(tmp_path)
    begun = sum(event.kind == "began" for event in told)
    tell(f"\n{number * TENANTS} runs, {begun} attempts, {len(died)} kills, seed {seed}")
    assert all(most <= SLOTS for most in most_at_once(told, died).values()), most_at_once(told, died)
    states, problems, held = asyncio.run(audit(tmp_path))
    assert (problems, held) == ([], 0)
    assert states == {State.SUCCEEDED: number * TENANTS}
