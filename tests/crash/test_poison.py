"""Runs that kill every worker they meet: they fail after three crashes, and all others end well."""

import asyncio
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from penstock import App, Call, State, Status
from tests.crash.conftest import Tell
from tests.crash.fleet import Fleet, wait_until
from tests.crash.oracle import events
from tests.crash.place import url_in
from tests.crash.poison_worker import Poisoned

pytestmark = pytest.mark.crash

HARMLESS = 95
POISONS = 5
CRASHES = 3


async def enqueue_shuffled(folder: Path, seed: int) -> dict[str, bool]:
    """Enqueue both kinds in a random order: ids, and whether they are poison."""
    poisoned = Poisoned(folder)
    calls: list[tuple[Call[Any], bool]] = [(poisoned.harmless.call(number), False) for number in range(HARMLESS)]
    calls += [(poisoned.poison.call(), True) for _ in range(POISONS)]
    random.Random(seed).shuffle(calls)
    async with poisoned.app:
        runs = await poisoned.app.enqueue_many([call for call, _ in calls])
    return {run.id: poison for run, (_, poison) in zip(runs, calls, strict=True)}


async def statuses(folder: Path, run_ids: list[str]) -> list[Status]:
    async with App(url_in(folder), mode="enqueue") as app:
        return [await app.run(run_id).status() for run_id in run_ids]


@pytest.fixture
def ended(tmp_path: Path, seed: int, tell: Tell) -> tuple[list[Status], list[Status]]:
    """How the poisoned and the harmless runs have ended; two workers, replaced as they die."""
    began = time.monotonic()
    kinds = asyncio.run(enqueue_shuffled(tmp_path, seed))
    deaths = 0
    with Fleet(tmp_path) as fleet:
        workers = [fleet.start("poison_worker", f"worker{place}", f"worker{place}") for place in range(2)]

        def over() -> bool:
            nonlocal deaths
            for place, worker in enumerate(workers):
                if worker.code is not None:
                    deaths += 1
                    workers[place] = fleet.start("poison_worker", f"worker{place}", f"worker{place}")
            return all(run.state.finished for run in asyncio.run(statuses(tmp_path, list(kinds))))

        wait_until(over, "every run to end", 240.0)
        for worker in workers:
            fleet.wait_for("working", 30.0, pid=worker.pid)
            worker.send(signal.SIGTERM)
        codes = [worker.wait(60.0) for worker in workers]
    found = asyncio.run(statuses(tmp_path, list(kinds)))
    poisoned = [run for run in found if kinds[run.id]]
    harmless = [run for run in found if not kinds[run.id]]
    crashes = dict(sorted(Counter(run.crashes for run in harmless).items()))
    tell(
        f"\nPoison: {time.monotonic() - began:.0f} s, seed {seed}, {deaths} deaths, harmless runs by crashes: {crashes}"
    )
    assert codes == [0, 0]
    return poisoned, harmless


def test_poison_fails_after_three_crashes_and_work_goes_on(
    ended: tuple[list[Status], list[Status]], tmp_path: Path
) -> None:
    poisoned, _ = ended
    assert {(run.state, run.cause, run.crashes) for run in poisoned} == {(State.FAILED, "crashed", CRASHES)}
    called = Counter(event.run for event in events(tmp_path) if event.kind == "poisoned")
    assert max(called.values()) == CRASHES


def test_poison_spoils_no_other_run(ended: tuple[list[Status], list[Status]]) -> None:
    """Also not those that were with it in the same workers each time."""
    _, harmless = ended
    assert [
        f"{run.id}: {run.state}, {run.crashes} crashes" for run in harmless if run.state is not State.SUCCEEDED
    ] == []
