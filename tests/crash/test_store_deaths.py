"""The store itself is killed under load and started again, as `kill -9` leaves it: nothing is lost or done twice.

DEATHS says how often. CRASH_SEED repeats the choices of a failure.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.crash.conftest import Tell
from tests.crash.harness import Harness, report
from tests.crash.place import BACKEND
from tests.redis.servers import Server

pytestmark = [pytest.mark.crash, pytest.mark.skipif(BACKEND == "sqlite", reason="a file has no server")]

DEATHS = int(os.environ.get("DEATHS") or max(4, int(os.environ.get("KILLS", "20")) // 5))
PORTION = 60


def test_the_death_of_the_store_costs_time_only(tmp_path: Path, servers: list[Server], seed: int, tell: Tell) -> None:
    """B-073: with every command on the disk before it is answered."""
    began = time.monotonic()
    with Harness(tmp_path, seed) as harness:
        for death in range(DEATHS):
            harness.feed(PORTION)
            server = servers[death % len(servers)]
            harness.fleet.wait_for("claimed", 60.0)
            server.end(signal.SIGKILL)
            server.start()
            harness.landed["store killed"] += 1
            harness.stopped |= {worker.pid for worker in harness.workers}  # leases may expire while it is away
            harness.fed()
        seconds = harness.drain()
        found = harness.finish()
        tell(report("Store deaths", harness, found, time.monotonic() - began) + f"\n  {seconds:7.1f}  s to drain")
        assert found.wrong == [], f"seed {seed}\n{harness.fleet.troubles()}"
        assert harness.landed["store killed"] == DEATHS
