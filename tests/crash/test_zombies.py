"""Workers that stand still beyond their leases: others get their runs, and what they write when they wake is refused.

STOPS says how many. CRASH_SEED repeats the choices of a failure.
"""

import os
import time
from itertools import cycle
from pathlib import Path

import pytest

from tests.crash.conftest import Tell
from tests.crash.harness import Harness, report

pytestmark = pytest.mark.crash

STOPS = int(os.environ.get("STOPS") or max(6, int(os.environ.get("KILLS", "20")) // 4))
RUNS = 60 * STOPS
POINTS = ("before_settle", "after_effect", "at random", "in_heartbeat", "after_claim")


def test_what_a_stopped_worker_writes_late_is_refused(tmp_path: Path, seed: int, tell: Tell) -> None:
    """X-04, B-076, B-077."""
    began = time.monotonic()
    portion = RUNS // STOPS
    points = cycle(POINTS)
    with Harness(tmp_path, seed) as harness:
        for _ in range(STOPS):
            harness.keep_up(2 * portion)
            harness.feed(portion)
            harness.stop_worker(next(points))
            harness.fed()
        harness.drain()
        found = harness.finish()
        tell(report("Zombies", harness, found, time.monotonic() - began))
        assert found.wrong == [], f"seed {seed}\n{harness.fleet.troubles()}"
        assert harness.landed["stopped until others had claimed"] >= STOPS // 3, f"seed {seed}: {harness.landed}"
        assert found.counts["late settles tried"] >= STOPS // 3, f"seed {seed}: hardly a zombie tried: {found.counts}"
        assert found.counts["settles answered lost"] >= found.counts["late settles tried"]
