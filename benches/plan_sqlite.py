"""What is measured on SQLite, how much of it, and what is printed of it: data only."""

from typing import Final

from benches.rows import OURS, Measure, Plan, Row

_BARE: Final = "sqlite3"  # the same writes by the standard library alone: what the machine gives today

_MEASURES: Final = (
    Measure(
        "enqueue_one",
        {OURS: (20_000, 4_000), "huey": (10_000, 1_000), "dbos": (2_000, 150), _BARE: (10_000, 2_000)},
        "one caller, each call awaited before the next",
    ),
    Measure(
        "enqueue_100",
        {OURS: (60_000, 10_000), "huey": (10_000, 1_000), "dbos": (2_000, 200)},
        "100 callers at once in one process, each awaiting its own calls; huey: 100 threads",
    ),
    Measure(
        "enqueue_many",
        {OURS: (200_000, 30_000), _BARE: (200_000, 50_000)},
        "enqueue_many, 1,000 runs a transaction; bare: rows of the same size, 1,000 a transaction",
    ),
    Measure(
        "drain_1",
        {OURS: (50_000, 10_000), "huey": (2_000, 400), "dbos": (600, 100)},
        "from the first call to the last stored result, one worker process",
    ),
    Measure(
        "drain_2",
        {OURS: (50_000, 10_000), "huey": (2_000, 400), "dbos": (600, 100)},
        "the same, two worker processes",
    ),
    Measure(
        "pickup_same",
        {OURS: (200, 25), "huey": (60, 12), "dbos": (60, 12), _BARE: (100, 25)},
        "from before the call of enqueue to the first line of the handler, in the caller's process; bare: two commits",
    ),
    Measure(
        "pickup_other", {OURS: (200, 25), "huey": (60, 12), "dbos": (60, 12)}, "the same, worker in another process"
    ),
    Measure(
        "round_trip_same",
        {OURS: (200, 25), "huey": (60, 12), "dbos": (60, 12), _BARE: (100, 25)},
        "from before the call of enqueue to the result in the caller, in the worker's process; bare: three commits",
    ),
    Measure(
        "round_trip_other", {OURS: (200, 25), "huey": (60, 12), "dbos": (60, 12)}, "the same, worker in another process"
    ),
    Measure("idle", {OURS: (12, 5)}, "seconds watched; calls of any operation of the store, counted by a wrapper"),
    Measure("depth", {OURS: (1_000_000, 30_000)}, "delayed runs that stand beside"),
    Measure(
        "flow",
        {OURS: (1_000, 100)},
        "children of one parent, then a fifth as many parents of ten; seconds from the call that stores them until all "
        "parents' results are in the caller, worker in another process",
    ),
    Measure(
        "steps",
        {OURS: (1_000, 100), "dbos": (1_000, 50)},
        "workflows of 5 steps, all at once in one process, from before they are stored to their last result",
    ),
    Measure(
        "replay",
        {OURS: (10_000, 1_000)},
        "steps of a run when it wakes, beside one with a tenth of them; the median of 3 in turns",
    ),
    Measure(
        "chatty",
        {OURS: (100_000, 5_000)},
        "lines of one run's log, beside 10 runs of 20 ms at once in the same worker; the median of 5 interleaved pairs",
    ),
    Measure(
        "limited",
        {OURS: (2_000, 400)},
        "runs of 50 ms, 5 keys with 4 slots each, and the same without a limit on 20 places; the median of 3 pairs",
    ),
    Measure(
        "graph",
        {OURS: (10_000, 400)},
        "nodes, no-ops all, from before they are stored to the result, in one process: 1 -> so many -> 1, a square "
        "grid of so many, a chain of a tenth as many",
    ),
    Measure(
        "graph_growth",
        {OURS: (10_000, 400)},
        "nodes, no-ops all, against a tenth of them, in turns, until the result is in the caller; two worker processes",
    ),
    Measure(
        "full_key",
        {OURS: (1_000, 100)},
        "runs of a key with room, one after the other, beside a key behind which 1,000 wait, and alone; in turns of 50",
    ),
)

_ROWS: Final = (
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
    Row("flow, 1 + 1,000 children", "flow", "wide_s", "s"),
    Row("flows, 200 x (1 + 10)", "flow", "many_s", "s"),
    Row("durable workflow steps", "steps", "rate", "steps/s", 8_000, 25_000, more_is_better=True),
    Row("a wake after 10,000 steps, of one after 1,000", "replay", "ratio", "x", 12, 10),
    Row("a wake after 10,000 steps", "replay", "wake_ms", "ms"),
    Row("idle worker, store calls", "idle", "calls_per_s", "1/s", 2, 1),
    Row("enqueue beside delayed runs", "depth", "enqueue_ratio", "of empty", 0.90, 0.97, more_is_better=True),
    Row("drain beside delayed runs", "depth", "drain_ratio", "of empty", 0.95, 0.99, more_is_better=True),
    Row("graph, chain of 1,000", "graph", "chain", "nodes/s", more_is_better=True),
    Row("graph, 1 -> 10,000 -> 1", "graph", "fan", "nodes/s", more_is_better=True),
    Row("graph, grid of 100 x 100", "graph", "grid", "nodes/s", more_is_better=True),
    Row("graph of 10,000 as a fan, 2 workers", "graph_growth", "fan_times", "of 1,000", 12),
    Row("graph of 10,000 as a grid, 2 workers", "graph_growth", "grid_times", "of 1,000", 12),
    Row("rate beside a run of 100,000 lines", "chatty", "ratio", "of alone", 0.90, 0.97, more_is_better=True),
    Row("lines of that run", "chatty", "lines_per_s", "lines/s", more_is_better=True),
    Row("limited runs, share of the slots used", "limited", "ideal", "of ideal", 0.80, 0.95, more_is_better=True),
    Row("the same places without a limit", "limited", "free", "of ideal", more_is_better=True),
    Row("pick-up of a free key beside a full one, p99", "full_key", "p99_ratio", "of alone", 1.5, 1.1),
)

SQLITE: Final = Plan(
    name="sqlite",
    title="SQLite, durable commits",
    peers=("huey", "dbos"),
    bare=_BARE,
    programs={
        OURS: "benches.contenders.ours",
        "huey": "benches.contenders.huey_peer",
        "dbos": "benches.contenders.dbos_peer",
        _BARE: "benches.contenders.bare",
    },
    measures=_MEASURES,
    rows=_ROWS,
)
