"""Workers and producers that are killed at named points and at random, again and again: nothing is lost or done twice.

KILLS and RUNS say how much (`make crash`: 100 and 10 000). CRASH_SEED repeats the choices of a failure, if not the
scheduling of the processes.
"""

import os
import time
from itertools import cycle
from pathlib import Path

import pytest

from tests.crash.chaos import IN_PRODUCERS, IN_WORKERS
from tests.crash.conftest import Tell
from tests.crash.harness import Harness, report

pytestmark = pytest.mark.crash

KILLS = int(os.environ.get("KILLS", "20"))
RUNS = int(os.environ.get("RUNS", "2000"))
EVERY = 5  # one in so many deaths is a producer's


def test_runs_survive_the_death_of_workers_and_producers(tmp_path: Path, seed: int, tell: Tell) -> None:
    """X-01, B-076, B-118."""
    began = time.monotonic()
    portion = RUNS // (KILLS + 1)
    of_workers, of_producers = cycle(("at random", *IN_WORKERS)), cycle(("at random", *IN_PRODUCERS))
    with Harness(tmp_path, seed) as harness:
        for death in range(KILLS):
            harness.keep_up(2 * portion)
            if death % EVERY == EVERY - 1:
                harness.kill_producer(next(of_producers), portion)
            else:
                harness.feed(portion)
                harness.kill_worker(next(of_workers))
            harness.fed()
        harness.feed(RUNS - KILLS * portion)
        seconds = harness.drain()
        found = harness.finish()
        tell(report("Kills", harness, found, time.monotonic() - began) + f"\n  {seconds:7.1f}  s to drain")
        assert found.wrong == [], f"seed {seed}\n{harness.fleet.troubles()}"
        assert harness.landed.total() == KILLS
        instead = sum(count for what, count in harness.landed.items() if "instead" in what)
        assert instead <= max(2, KILLS // 10), f"seed {seed}: too many faults did not land: {harness.landed}"
