"""Workflows whose workers are killed, or stopped for longer than a lease: no recorded step is carried out again."""

import asyncio
import os
import random
import signal
import time
from collections import defaultdict
from pathlib import Path

import pytest

from penstock import State
from tests.crash.conftest import Tell
from tests.crash.fleet import Fleet, Member, wait_until
from tests.crash.oracle import Event, events
from tests.crash.stepping_worker import STEPS, Stepping

pytestmark = pytest.mark.crash

RUNS = int(os.environ.get("STEPPING_RUNS", "40"))
FAULTS = int(os.environ.get("STEPPING_FAULTS", "12"))
BETWEEN = 0.4  # seconds
WORKERS = 3
RESULT = sum(range(STEPS)) + sum(number for number in range(STEPS) if number % 4 == 3)


async def enqueue(folder: Path) -> None:
    flows = Stepping(folder)
    async with flows.app:
        await flows.app.enqueue_many([flows.flow.opts(id=f"run-{number}").call(number) for number in range(RUNS)])


async def states(folder: Path) -> list[State]:
    flows = Stepping(folder)
    async with flows.app:
        return [(await flows.app.run(f"run-{number}").status()).state for number in range(RUNS)]


async def audit(folder: Path) -> tuple[list[int], list[str]]:
    flows = Stepping(folder)
    async with flows.app:
        results = [await flows.app.run(f"run-{number}").result(timeout=0) for number in range(RUNS)]
        return results, await flows.app.check()


def all_over(folder: Path) -> bool:
    return all(state.finished for state in asyncio.run(states(folder)))


def begin(fleet: Fleet, name: str) -> Member:
    return fleet.start("stepping_worker", name, name)


def again(told: list[Event], strange: set[int]) -> list[Event]:
    """Steps that began although a later one of their run had: that one begins when this one is recorded.

    `strange`: processes that were stopped. What such a one does when it goes on, it does too late.
    """
    furthest: dict[str, int] = defaultdict(lambda: -1)
    found: list[Event] = []
    for event in sorted(told, key=lambda one: one.at):
        if event.kind == "began":
            if event.number < furthest[event.run] and event.pid not in strange:
                found.append(event)
            furthest[event.run] = max(furthest[event.run], event.number)
    return found


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=lambda fault: fault.name)
def test_recorded_steps_are_never_carried_out_again(
    tmp_path: Path, seed: int, tell: Tell, fault: signal.Signals
) -> None:
    """S4-20, S4-21, S4-56, X-01: each run ends, with the same result, whoever dies or stands still in between."""
    dice = random.Random(seed)
    asyncio.run(enqueue(tmp_path))
    strange: set[int] = set()
    with Fleet(tmp_path) as fleet:
        workers = [begin(fleet, f"worker{place}") for place in range(WORKERS)]
        fleet.wait_for("began", 60)
        for number in range(FAULTS):
            struck = time.monotonic()
            place = dice.randrange(WORKERS)
            workers[place].send(fault)
            if fault is signal.SIGKILL:
                workers[place].wait(30)
            else:
                strange.add(workers[place].pid)
            zombie, workers[place] = workers[place], begin(fleet, f"worker{place}-{number}")
            pause = BETWEEN if fault is signal.SIGKILL else BETWEEN * 6  # longer than a lease
            wait_until(lambda: time.monotonic() > struck + pause, "the next fault", 30)  # noqa: B023
            if fault is signal.SIGSTOP:
                zombie.send(signal.SIGCONT)
        wait_until(lambda: all_over(tmp_path), "the last runs", 240)
    told = events(tmp_path)
    begun = sum(event.kind == "began" for event in told)
    tell(f"\n{RUNS} workflows of {STEPS} steps, {begun} steps begun, {FAULTS} x {fault.name}, seed {seed}")
    assert again(told, strange) == []
    results, problems = asyncio.run(audit(tmp_path))
    assert problems == []
    assert results == [number + RESULT for number in range(RUNS)]
