"""Rolling restarts by SIGTERM under load: what was interrupted is handed back free, and every process goes in time."""

import os
import time
from pathlib import Path

import pytest

from tests.crash.conftest import Tell
from tests.crash.harness import Harness, report

pytestmark = pytest.mark.crash

RESTARTS = int(os.environ.get("RESTARTS") or max(6, int(os.environ.get("KILLS", "20")) // 4))
PORTION = 60


def test_a_rolling_restart_burns_no_attempt_and_leaves_no_crash(tmp_path: Path, seed: int, tell: Tell) -> None:
    """B-062."""
    began = time.monotonic()
    slowest = 0.0
    with Harness(tmp_path, seed, grace=0.2) as harness:
        for _ in range(RESTARTS):
            harness.keep_up(2 * PORTION)
            harness.feed(PORTION)
            slowest = max(slowest, harness.restart_worker())
            harness.fed()
        harness.drain()
        found = harness.finish()
        tell(report("Deploys", harness, found, time.monotonic() - began) + f"\n  {slowest:7.1f}  s at most to go")
        assert found.wrong == [], f"seed {seed}\n{harness.fleet.troubles()}"
        assert found.counts["crashes"] == 0, f"seed {seed}: a gentle stop cost {found.counts['crashes']} leases"
        assert found.counts["handed back"] >= RESTARTS // 2, f"seed {seed}: hardly anything was interrupted"
        assert slowest < 10.0
