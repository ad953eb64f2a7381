"""The process that has the turn to write, or folds the log into the file, is killed or stands still: others go on."""

import signal
import time
from pathlib import Path

import pytest

from tests.crash.conftest import Tell
from tests.crash.fleet import wait_until
from tests.crash.harness import Harness, report
from tests.crash.place import BACKEND

pytestmark = [pytest.mark.crash, pytest.mark.skipif(BACKEND != "sqlite", reason="a file has a lock")]

ROUNDS = 5
FOLDED = 3  # deaths in a checkpoint that are wanted ...
TRIES = 12  # ... of so many: the watch of the file's time may miss a short one, and another process may fold the log
PORTION = 40
MORE = 4  # runs for somebody to write, when all that was fed is through
AT_ONCE = 10.0  # seconds in which another process writes again on a busy machine: kernels free the locks of the dead


def next_write(harness: Harness, after: float) -> float:
    """When another process next wrote something: an enqueue acknowledged, runs claimed or settled."""
    found: list[float] = []

    def written() -> bool:
        harness.feed_if_fed(MORE)
        found.extend(
            event.at
            for event in harness.fleet.events
            if event.kind in {"told", "claimed", "settled"} and event.at > after
        )
        return bool(found)

    wait_until(written, "somebody to write", 60.0)
    return min(found)


def test_the_death_of_who_holds_the_lock_holds_up_nobody(tmp_path: Path, seed: int, tell: Tell) -> None:
    began = time.monotonic()
    slowest = 0.0
    with Harness(tmp_path, seed) as harness:
        for _ in range(ROUNDS):
            harness.feed(PORTION)
            dead = harness.kill_worker("holding_lock")
            struck = harness.fleet.wait_for("fault", 5.0, pid=dead)
            slowest = max(slowest, next_write(harness, struck.at) - struck.at)
            harness.fed()
        harness.drain()
        found = harness.finish()
        tell(report("Lock", harness, found, time.monotonic() - began) + f"\n  {slowest:7.2f}  s at most until a write")
        assert found.wrong == [], f"seed {seed}\n{harness.fleet.troubles()}"
        assert harness.landed["SIGKILL holding_lock"] == ROUNDS
        assert slowest < AT_ONCE, f"seed {seed}"


def test_who_stands_still_with_the_lock_holds_up_everybody_and_loses_nothing(tmp_path: Path, seed: int) -> None:
    with Harness(tmp_path, seed) as harness:
        harness.feed(PORTION)
        holder = harness.workers[0]
        holder.arm("holding_lock", 2, signal.SIGSTOP)
        harness.work_until(lambda: holder.stopped, "the holder to stop")
        harness.stopped |= {worker.pid for worker in harness.workers}  # nobody can extend a lease meanwhile
        harness.feed(PORTION)
        harness.fleet.wait_for("trying", 60.0)
        stood_still = time.monotonic()
        wait_until(lambda: time.monotonic() - stood_still > 2.5, "leases to expire", 60.0)
        holder.send(signal.SIGCONT)
        harness.fed()
        harness.drain()
        found = harness.finish()
        assert found.wrong == [], f"seed {seed}\n{harness.fleet.troubles()}"


def test_the_death_of_who_folds_the_log_into_the_file_loses_nothing(tmp_path: Path, seed: int) -> None:
    with Harness(tmp_path, seed) as harness:
        for _ in range(TRIES):
            harness.keep_up(10 * PORTION)
            harness.feed(10 * PORTION)  # the log is folded once it is long enough
            harness.kill_worker("in_checkpoint")
            if harness.landed["SIGKILL in_checkpoint"] == FOLDED:
                break
        harness.drain()
        found = harness.finish()
        assert found.wrong == [], f"seed {seed}\n{harness.fleet.troubles()}"
        assert harness.landed["SIGKILL in_checkpoint"] == FOLDED
