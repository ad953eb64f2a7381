"""What is measured, how much of it, and what is printed of it: data only."""

from dataclasses import dataclass, field
from typing import Final

OURS: Final = "penstock"
BARE: Final = "sqlite3"  # the same writes by the standard library alone: what the machine gives today
PEERS: Final = ("huey", "dbos")
CONTENDERS: Final = (OURS, *PEERS, BARE)
MODULES: Final = {
    OURS: "benches.contenders.ours",
    "huey": "benches.contenders.huey_peer",
    "dbos": "benches.contenders.dbos_peer",
    BARE: "benches.contenders.bare",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing done by every contender that can do it; the counts are how much of it, whole and in a quick run."""

    name: str
    counts: dict[str, tuple[int, int]]
    what: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a figure of a measure, and what we want of it; None: nothing is said for this backend."""

    title: str
    measure: str
    figure: str
    unit: str
    first: float | None = None
    moonshot: float | None = None
    more_is_better: bool = field(default=False, kw_only=True)


MEASURES: Final = (
    Measure(
        "enqueue_one",
        {OURS: (20_000, 4_000), "huey": (5_000, 1_500), "dbos": (1_000, 250), BARE: (10_000, 2_000)},
        "one caller, each call awaited before the next",
    ),
    Measure(
        "enqueue_100",
        {OURS: (60_000, 10_000), "huey": (5_000, 1_500), "dbos": (1_000, 300)},
        "100 callers at once in one process, each awaiting its own calls; huey: 100 threads",
    ),
    Measure(
        "enqueue_many",
        {OURS: (200_000, 30_000), BARE: (200_000, 50_000)},
        "enqueue_many, 1,000 runs a transaction; bare: rows of the same size, 1,000 a transaction",
    ),
    Measure(
        "drain_1",
        {OURS: (50_000, 10_000), "huey": (5_000, 1_500), "dbos": (1_000, 300)},
        "from the first call to the last stored result, one worker process",
    ),
    Measure(
        "drain_2",
        {OURS: (50_000, 10_000), "huey": (5_000, 1_500), "dbos": (1_000, 300)},
        "the same, two worker processes",
    ),
    Measure(
        "pickup_same",
        {OURS: (200, 40), "huey": (60, 20), "dbos": (60, 20), BARE: (100, 40)},
        "from before the call of enqueue to the first line of the handler, in the caller's process; bare: two commits",
    ),
    Measure(
        "pickup_other", {OURS: (200, 40), "huey": (60, 20), "dbos": (60, 20)}, "the same, worker in another process"
    ),
    Measure(
        "round_trip_same",
        {OURS: (200, 40), "huey": (60, 20), "dbos": (60, 20), BARE: (100, 40)},
        "from before the call of enqueue to the result in the caller, in the worker's process; bare: three commits",
    ),
    Measure(
        "round_trip_other", {OURS: (200, 40), "huey": (60, 20), "dbos": (60, 20)}, "the same, worker in another process"
    ),
    Measure("idle", {OURS: (12, 5)}, "seconds watched; calls of any operation of the store, counted by a wrapper"),
    Measure("depth", {OURS: (1_000_000, 60_000)}, "delayed runs that stand beside"),
)

ROWS: Final = (
    Row("enqueue, one by one", "enqueue_one", "rate", "runs/s", 5_000, 8_000, more_is_better=True),
    Row("enqueue, 100 callers", "enqueue_100", "rate", "runs/s", 20_000, 60_000, more_is_better=True),
    Row("enqueue, in bulk", "enqueue_many", "rate", "runs/s", 80_000, 200_000, more_is_better=True),
    Row("drain, 1 worker", "drain_1", "rate", "runs/s", 12_000, 30_000, more_is_better=True),
    Row("drain, 2 workers", "drain_2", "rate", "runs/s", more_is_better=True),
    Row("processor time per run", "drain_1", "cpu_us", "µs"),
    Row("pick-up, same process, p50", "pickup_same", "p50_ms", "ms", 0.5, 0.2),
    Row("pick-up, same process, p99", "pickup_same", "p99_ms", "ms"),
    Row("pick-up, other process, p50", "pickup_other", "p50_ms", "ms", 10, 3),
    Row("pick-up, other process, p99", "pickup_other", "p99_ms", "ms"),
    Row("round trip, same process, p50", "round_trip_same", "p50_ms", "ms"),
    Row("round trip, same process, p99", "round_trip_same", "p99_ms", "ms"),
    Row("round trip, other process, p50", "round_trip_other", "p50_ms", "ms"),
    Row("round trip, other process, p99", "round_trip_other", "p99_ms", "ms"),
    Row("idle worker, store calls", "idle", "calls_per_s", "1/s", 2, 1),
    Row("enqueue beside delayed runs", "depth", "enqueue_ratio", "of empty", 0.90, 0.97, more_is_better=True),
    Row("drain beside delayed runs", "depth", "drain_ratio", "of empty", 0.95, 0.99, more_is_better=True),
)
