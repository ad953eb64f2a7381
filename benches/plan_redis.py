"""What is measured on Redis, how much of it, and what is printed of it: data only."""

from typing import Final

from benches.rows import OURS, Measure, Plan, Row

_NODE: Final = "bullmq node"
_PYTHON: Final = "bullmq py"
_BARE: Final = "redis"  # scripts of five commands, one by one and a hundred in a write: what the machine gives today
_SLOW: Final = (_PYTHON, "dramatiq", "saq", "taskiq", "huey")


def _counts(
    ours: tuple[int, int], node: tuple[int, int] | None = None, slow: tuple[int, int] | None = None
) -> dict[str, tuple[int, int]]:
    return {OURS: ours} | ({_NODE: node} if node else {}) | (dict.fromkeys(_SLOW, slow) if slow else {})


_MEASURES: Final = (
    Measure(
        "enqueue_one",
        _counts((20_000, 3_000), (20_000, 3_000), (10_000, 1_500)) | {_BARE: (40_000, 8_000)},
        "one caller, each call awaited before the next; bare: EVALSHA of five commands",
    ),
    Measure(
        "enqueue_100",
        _counts((60_000, 10_000), (30_000, 5_000), (10_000, 2_000)),
        "100 callers at once in one process, each awaiting its own calls; huey and dramatiq: 100 threads",
    ),
    Measure(
        "enqueue_many",
        _counts((200_000, 30_000), (60_000, 10_000)) | {_PYTHON: (20_000, 3_000), _BARE: (200_000, 50_000)},
        "1,000 runs a call; bare: EVALSHA of five commands, 100 in a write",
    ),
    Measure(
        "drain_1",
        _counts((60_000, 15_000), (40_000, 10_000), (8_000, 1_500)),
        "from the first call to the last stored result, one worker process",
    ),
    Measure("drain_2", _counts((80_000, 15_000), (40_000, 10_000), (10_000, 2_000)), "the same, two worker processes"),
    Measure(
        "pickup",
        _counts((120, 20), (120, 20), (60, 12)),
        "from before the call of enqueue to the first line of the handler, in another process",
    ),
    Measure(
        "round_trip",
        _counts((120, 20), (120, 20), (60, 12)),
        "from before the call of enqueue to the result in the caller, worker in another process",
    ),
    Measure(
        "flow",
        _counts((1_000, 100), (1_000, 100)) | {_PYTHON: (1_000, 100)},
        "children of one parent, then a fifth as many parents of ten; seconds from the call that stores them until all "
        "parents' results are in the caller, worker in another process",
    ),
    Measure(
        "steps",
        {OURS: (1_000, 100)},
        "workflows of 5 steps, all at once in one process, from before they are stored to their last result",
    ),
    Measure(
        "replay",
        {OURS: (10_000, 1_000)},
        "steps of a run when it wakes, beside one with a tenth of them; the median of 3 in turns",
    ),
    Measure(
        "waiting",
        _counts((50_000, 20_000), (50_000, 20_000), (20_000, 4_000)),
        "bytes that the server uses more than before, by the number of runs that wait",
    ),
    Measure(
        "idle",
        _counts((12, 4), (12, 4)),
        "seconds watched by MONITOR; a store call is a script; all commands: with waiting, and PING on each connection",
    ),
    Measure(
        "depth",
        _counts((1_000_000, 30_000), (1_000_000, 10_000)),
        "delayed runs that stand beside; the empty store is another server",
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
    Row("enqueue, one by one", "enqueue_one", "rate", "runs/s", 9_000, 12_000, more_is_better=True),
    Row("enqueue, 100 callers", "enqueue_100", "rate", "runs/s", 30_000, 60_000, more_is_better=True),
    Row("enqueue, in bulk", "enqueue_many", "rate", "runs/s", 80_000, 200_000, more_is_better=True),
    Row("drain, 1 worker", "drain_1", "rate", "runs/s", 20_000, 45_000, more_is_better=True),
    Row("drain, 2 workers", "drain_2", "rate", "runs/s", 28_000, 60_000, more_is_better=True),
    Row("processor time per run, worker", "drain_1", "cpu_us", "µs", 45, 18),
    Row("processor time per run, server", "drain_1", "server_us", "µs", 25, 12),
    Row("pick-up, p50", "pickup", "p50_ms", "ms", 0.9, 0.45),
    Row("pick-up, p99", "pickup", "p99_ms", "ms", 2.5, 0.9),
    Row("round trip, p50", "round_trip", "p50_ms", "ms", 1.5, 0.9),
    Row("round trip, p99", "round_trip", "p99_ms", "ms", 3, 1.8),
    Row("flow, 1 + 1,000 children", "flow", "wide_s", "s", 0.25, 0.08),
    Row("flows, 200 x (1 + 10)", "flow", "many_s", "s", 0.40, 0.15),
    Row("durable workflow steps", "steps", "rate", "steps/s", 10_000, 30_000, more_is_better=True),
    Row("a wake after 10,000 steps, of one after 1,000", "replay", "ratio", "x", 12, 10),
    Row("a wake after 10,000 steps", "replay", "wake_ms", "ms"),
    Row("memory per waiting run", "waiting", "bytes", "bytes", 450, 250),
    Row("idle worker, store calls", "idle", "calls_per_s", "1/s", 2, 1),
    Row("idle worker, all commands", "idle", "commands_per_s", "1/s"),
    Row("enqueue beside delayed runs", "depth", "enqueue_ratio", "of empty", 0.90, 0.97, more_is_better=True),
    Row("drain beside delayed runs", "depth", "drain_ratio", "of empty", 0.95, 0.99, more_is_better=True),
    Row("graph, chain of 1,000", "graph", "chain", "nodes/s", 400, 1_000, more_is_better=True),
    Row("graph, 1 -> 10,000 -> 1", "graph", "fan", "nodes/s", 5_000, 15_000, more_is_better=True),
    Row("graph, grid of 100 x 100", "graph", "grid", "nodes/s", 5_000, 15_000, more_is_better=True),
    Row("graph of 10,000 as a fan, 2 workers", "graph_growth", "fan_times", "of 1,000", 12),
    Row("graph of 10,000 as a grid, 2 workers", "graph_growth", "grid_times", "of 1,000", 12),
    Row("rate beside a run of 100,000 lines", "chatty", "ratio", "of alone", 0.90, 0.97, more_is_better=True),
    Row("lines of that run", "chatty", "lines_per_s", "lines/s", more_is_better=True),
    Row("limited runs, share of the slots used", "limited", "ideal", "of ideal", 0.80, 0.95, more_is_better=True),
    Row("the same places without a limit", "limited", "free", "of ideal", more_is_better=True),
    Row("pick-up of a free key beside a full one, p99", "full_key", "p99_ratio", "of alone", 1.5, 1.1),
)

REDIS: Final = Plan(
    name="redis",
    title="Redis",
    peers=(_NODE, *_SLOW),
    bare=_BARE,
    programs={
        OURS: "benches.contenders.ours_redis",
        _NODE: "benches/contenders/bullmq.cjs",
        _PYTHON: "benches.contenders.bullmq_python",
        "dramatiq": "benches.contenders.dramatiq_peer",
        "saq": "benches.contenders.saq_peer",
        "taskiq": "benches.contenders.taskiq_peer",
        "huey": "benches.contenders.huey_redis",
        _BARE: "benches.contenders.bare_redis",
    },
    measures=_MEASURES,
    rows=_ROWS,
)
