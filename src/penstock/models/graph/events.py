"""What a planner is told, and what it answers: plain records that can be stored and told again."""

from typing import Any, Literal, TypeAlias

import msgspec

from penstock.core.error_record import ErrorRecord


class Write(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of the context. `at`: when the node made it, unix seconds; of two to one key the later one stands."""

    op: Literal["set", "delete"]
    key: str
    value: Any = None
    at: float = 0.0  # 0: when it was told


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="event"):
    """Something that happened to the node that was started under `key`."""

    key: str


class Finished(Event, frozen=True, kw_only=True, omit_defaults=True, tag="finished"):
    """A run ended well. For a subgraph `output` is its `GraphResult` in plain values."""

    output: Any = None
    action: str | None = None
    writes: tuple[Write, ...] = ()


class Failed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="failed"):
    """A run ended badly, and no attempts are left. `fatal`: no fallback stands in, as after `Never` or a cancel."""

    error: ErrorRecord
    fatal: bool = False


class Signalled(Event, frozen=True, kw_only=True, omit_defaults=True, tag="signalled"):
    """The signal that a wait is for has come."""

    data: Any = None
    action: str | None = None


class TimedOut(Event, frozen=True, kw_only=True, omit_defaults=True, tag="timed-out"):
    """The signal that a wait is for has not come in time."""


class Woke(Event, frozen=True, kw_only=True, omit_defaults=True, tag="woke"):
    """A sleep is over."""


Told: TypeAlias = Finished | Failed | Signalled | TimedOut | Woke


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="decision"):
    """Something to do, or to know. `key` is of this graph run, node, turn and item, and of nothing else."""


class Start(Decision, frozen=True, kw_only=True, omit_defaults=True, tag="start"):
    """Start a run of a task: a node's, or that of one item of a batch. Answered by `Finished` or `Failed`."""

    key: str
    node: str
    uses: str
    input: Any
    params: dict[str, Any] = {}
    item: int | None = None
    stands_in_for: str | None = None  # as its fallback; `error` says what became of that one
    error: ErrorRecord | None = None


class StartGraph(Decision, frozen=True, kw_only=True, omit_defaults=True, tag="start-graph"):
    """Start a graph run. Answered by `Finished`, whose output is its `GraphResult`, or `Failed`."""

    key: str
    node: str
    blueprint: str  # id, or id@version
    input: Any
    context: dict[str, Any] = {}


class OpenWebhook(Decision, frozen=True, kw_only=True, omit_defaults=True, tag="webhook"):
    """Make a URL that sends the signal to this run. Answered by `Finished`, whose output says both."""

    key: str
    node: str
    signal: str
    ttl: float  # seconds
    waits: bool = False  # for what is posted: then `Await` follows, under the same key


class Await(Decision, frozen=True, kw_only=True, omit_defaults=True, tag="await"):
    """Wait for a signal. Answered by `Signalled` or `TimedOut`."""

    key: str
    node: str
    signal: str
    timeout: float | None = None  # seconds


class Sleep(Decision, frozen=True, kw_only=True, omit_defaults=True, tag="sleep"):
    """Wait so many seconds. Answered by `Woke`."""

    key: str
    node: str
    seconds: float


class Skip(Decision, frozen=True, kw_only=True, omit_defaults=True, tag="skip"):
    """The node will not run: no way to it was taken, or (`barred`) one that it needs has failed."""

    node: str
    barred: bool = False


class Block(Decision, frozen=True, kw_only=True, omit_defaults=True, tag="block"):
    """The node has failed, and the graph waits until it has been redriven."""

    key: str
    node: str
    error: ErrorRecord


class Cancel(Decision, frozen=True, kw_only=True, omit_defaults=True, tag="cancel"):
    """Cancel what was started under these keys; what becomes of it need not be told."""

    keys: tuple[str, ...]


class NodeOutcome(msgspec.Struct, frozen=True):
    """What a node comes to, if more than its output is to be said: the action chooses among the edges after it."""

    output: Any = None
    action: str | None = None


class NodeResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a node ended."""

    status: str
    action: str | None = None
    turns: int | None = None  # of a loop
    url: str | None = None  # of a webhook that waits: where to post what it waits for
    error: ErrorRecord | None = None


class GraphResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a graph run came to."""

    output: Any  # of the node after which nothing comes; of several, a map by id of those that ran
    outputs: dict[str, Any]
    context: dict[str, Any]
    nodes: dict[str, NodeResult]


Happened: TypeAlias = Literal[
    "graph.started",
    "graph.rerun",
    "graph.rolled_back",
    "graph.succeeded",
    "graph.failed",
    "graph.cancelled",
    "node.started",
    "node.opened",
    "node.finished",
    "node.failed",
    "node.waiting",
    "node.signalled",
    "node.timed_out",
    "node.sleeping",
    "node.woke",
    "node.skipped",
    "node.barred",
    "node.blocked",
    "node.cancelled",
]


class GraphEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that has happened in a graph run, as `GraphRun.events` tells it."""

    seq: int = 0  # from 1, one more with each event
    run_id: str = ""  # of the graph run
    at: float = 0.0  # unix seconds of the store's clock, when the plan was told or decided it
    kind: Happened
    node: str | None = None
    key: str | None = None  # the node's id, with turn and item where there are any: `polish[2]/draft`
    node_run: str | None = None  # the run that was started for the node; its attempts stand in its own log
    data: Any = None  # started, rerun: the input; finished: the output; signalled: what was sent
    action: str | None = None
    error: ErrorRecord | None = None
    until_at: float | None = None  # of a sleep, and of a wait that has a time-out
    changes: tuple[Write, ...] = ()  # of the context: what each key that was written came to


class Succeed(Decision, frozen=True, kw_only=True, omit_defaults=True, tag="succeed"):
    """The graph run has ended well. There will be no other decision."""

    result: GraphResult


class Fail(Decision, frozen=True, kw_only=True, omit_defaults=True, tag="fail"):
    """The graph run has failed, by this node, with this error. There will be no other decision."""

    node: str
    error: ErrorRecord


Began: TypeAlias = Start | StartGraph | OpenWebhook | Await | Sleep  # has a key, and is answered under it
Decided: TypeAlias = Began | Skip | Block | Cancel | Succeed | Fail
