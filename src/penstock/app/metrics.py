"""What the last minutes saw, made of the roll-ups that workers flush: counts by minute and task, waits and run times.

Histograms have fixed buckets, so those of any workers and minutes can be added. Knows no store: rows to records.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from penstock.core.views import Rollup

LONGEST: Final = 7 * 1440  # minutes that one question spans
SHARES: Final = (0.5, 0.9, 0.99)


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How long something took, in seconds: bounds of buckets, each twice the one below; so at most twice too large."""

    n: int = 0
    p50: float | None = None  # None: nothing was measured
    p90: float | None = None
    p99: float | None = None
    most: float | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts that have been settled. A run that is retried twice and then succeeds counts 2 and 1."""

    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0  # while they ran
    retried: int = 0


class Minute(Seen, frozen=True, kw_only=True):
    """One minute, from `at` on."""

    at: float


class TaskMetrics(Seen, frozen=True, kw_only=True):
    """One task in one queue. `wait`: from ready to claimed, of first claims; `time`: from claimed to settled."""

    task: str
    queue: str
    wait: Spread
    time: Spread


class Metrics(Seen, frozen=True, kw_only=True):
    """What a span of time saw: in all, minute by minute (also those with nothing), and by task."""

    since: float
    until: float
    wait: Spread
    time: Spread
    minutes: tuple[Minute, ...]
    tasks: tuple[TaskMetrics, ...]


def metrics_of(rollups: Sequence[Rollup], first: int, last: int) -> Metrics:
    """These rows, all of minutes from `first` to before `last`."""
    by_minute: dict[int, list[Rollup]] = defaultdict(list)
    by_task: dict[tuple[str, str], list[Rollup]] = defaultdict(list)
    for row in rollups:
        by_minute[row.minute].append(row)
        by_task[row.task, row.queue].append(row)
    return Metrics(
        since=first * 60.0,
        until=last * 60.0,
        wait=_spread(row.waits for row in rollups),
        time=_spread(row.times for row in rollups),
        minutes=tuple(Minute(at=minute * 60.0, **_sums(by_minute[minute])) for minute in range(first, last)),
        tasks=tuple(
            TaskMetrics(
                task=task,
                queue=queue,
                wait=_spread(row.waits for row in rows),
                time=_spread(row.times for row in rows),
                **_sums(rows),
            )
            for (task, queue), rows in sorted(by_task.items())
        ),
        **_sums(rollups),
    )


def _sums(rows: Sequence[Rollup]) -> dict[str, int]:
    return {name: sum(getattr(row, name) for row in rows) for name in Seen.__struct_fields__}


def _spread(histograms: Iterable[Sequence[int]]) -> Spread:
    """The histograms added, and what the sum says."""
    counts: list[int] = []
    for one in histograms:
        counts += [0] * (len(one) - len(counts))
        for i, count in enumerate(one):
            counts[i] += count
    n = sum(counts)
    if not n:
        return Spread()
    p50, p90, p99, most = (_bound(counts, share * n) for share in (*SHARES, 1.0))
    return Spread(n=n, p50=p50, p90=p90, p99=p99, most=most)


def _bound(counts: Sequence[int], rank: float) -> float:
    """The bound in seconds of the bucket in which so many, the shortest first, end."""
    below = 0
    for i, count in enumerate(counts):
        below += count
        if below >= rank - 1e-9:
            return 2.0**i / 1000
    raise AssertionError(counts)
