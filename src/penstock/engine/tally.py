"""What the worker has seen, per minute, queue and task: counts, and histograms of wait and run time.

Minutes are the store's: a claim says when it began. Nothing is counted that was not settled.
"""

from typing import Final

from penstock.core.leases import Complete, Fail, Outcome, Release, Retry
from penstock.core.state import State
from penstock.core.views import Rollup
from penstock.engine.held import Held

BUCKETS: Final = 28  # bucket i: up to 2 ** i milliseconds; the last, three days and more


class _Row:
    __slots__ = ("cancelled", "failed", "retried", "succeeded", "times", "waits")

    def __init__(self) -> None:
        self.succeeded = self.failed = self.cancelled = self.retried = 0
        self.waits = [0] * BUCKETS
        self.times = [0] * BUCKETS


class Tally:
    """Counts until somebody takes the rows away."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str, str], _Row] = {}
        self._number = 0
        self._taken: list[Rollup] | None = None

    def settled(self, held: Held, outcome: Outcome, seconds: float) -> None:
        """Count an attempt that was settled after so many seconds."""
        claim = held.attempt.claim
        key = (int((claim.started_at + seconds) // 60), claim.queue, claim.task)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = _Row()
        match outcome:
            case Complete():
                row.succeeded += 1
            case Fail():
                row.failed += 1
            case Retry(error=bytes()):
                row.retried += 1
            case Release() if claim.ending is State.CANCELLED or held.attempt.stop.reason == "cancel":
                row.cancelled += 1
            case _:
                return
        row.times[bucket(seconds)] += 1
        if claim.claims == 1:  # of a later claim nobody knows since when the run was ready
            row.waits[bucket(claim.started_at - claim.enqueued_at)] += 1

    def take(self) -> tuple[int, list[Rollup]] | None:
        """What is to be stored, and its number: the last rows as they were, until they are stored; then newer ones."""
        if self._taken is None and self._rows:
            self._number += 1
            self._taken = [_rollup(key, row) for key, row in self._rows.items()]
            self._rows = {}
        return None if self._taken is None else (self._number, self._taken)

    def stored(self, number: int) -> None:
        """The rows of this number need not be taken again."""
        if number == self._number:
            self._taken = None


def bucket(seconds: float) -> int:
    """The first bucket whose bound is not below so many seconds."""
    if seconds <= 0.001:
        return 0
    return min(BUCKETS - 1, (int(seconds * 1000 - 1e-9)).bit_length())


def _rollup(key: tuple[int, str, str], row: _Row) -> Rollup:
    minute, queue, task = key
    return Rollup(
        minute=minute,
        queue=queue,
        task=task,
        succeeded=row.succeeded,
        failed=row.failed,
        cancelled=row.cancelled,
        retried=row.retried,
        waits=_shortened(row.waits),
        times=_shortened(row.times),
    )


def _shortened(buckets: list[int]) -> tuple[int, ...]:
    last = max((index for index, count in enumerate(buckets) if count), default=-1)
    return tuple(buckets[: last + 1])
