"""What a blueprint is made of: nodes, edges and their settings, as plain data. Knows nothing of whether they fit."""

import re
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

Join: TypeAlias = Literal["all", "any"]
NodePolicy: TypeAlias = Literal["fail", "block", "continue", "ignore", "remove"]

LIFE: Final = 7 * 86_400.0  # seconds that the URL of a webhook lives, if nothing is said
LONGEST: Final = 90 * 86_400.0
ID: Final = re.compile(r"[A-Za-z0-9_\-]{1,100}")  # no dots, which part the steps of a path
USES: Final = re.compile(r"(?P<name>[A-Za-z0-9_.\-]{1,100})(?:@(?P<version>[A-Za-z0-9_.\-]{1,100}))?")
KINDS: Final = ("batch", "loop", "subgraph", "wait", "sleep", "webhook")
NAMESPACES: Final = ("outputs", "inputs", "context", "input")  # with which a path may begin; no ids of nodes

Identifier = Annotated[str, Meta(extra_json_schema={"pattern": f"^{ID.pattern}$"})]
Implementation = Annotated[
    str, Meta(extra_json_schema={"pattern": r"^[A-Za-z0-9_.\-]{1,100}(@[A-Za-z0-9_.\-]{1,100})?$"})
]
Span = Annotated[str | float, Meta(description='Seconds, or text such as "10m", "1h30m", "500ms".')]
Cel = Annotated[str, Meta(description="An expression of the Common Expression Language (subset).")]
Inputs: TypeAlias = str | dict[str, str]


class NodeRetry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How often and how soon a node's failed attempt is repeated, as of `Retry`; what is not said is the task's."""

    attempts: int | None = None  # the first one counts
    delay: Span | None = None
    backoff: Literal["exponential", "fixed"] | None = None
    factor: float | None = None
    cap: Span | None = None
    jitter: float | None = None


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a node is carried out, and what becomes of the graph if it fails. What is not said is the task's."""

    retry: NodeRetry | None = None
    timeout: Span | None = None  # of one attempt
    fallback: Identifier | None = None  # the node that stands in for this one when it has failed for good
    join: Join = "all"  # of several edges into it: wait for all of them, or start with the first that is taken
    queue: str | None = None
    limits: dict[str, str] = {}  # names of limits its runs take a slot of, each with the key there
    if_fails: NodePolicy = "fail"


class Node(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of work: a task, by name, or one of the built-in kinds."""

    id: Identifier
    uses: Implementation  # a task's name, name@version, or batch, loop, subgraph, wait, sleep, webhook
    params: dict[str, Any] = {}  # for the task as they are; for a built-in kind, its settings
    inputs: Inputs | None = None  # a node, a path into its output, a key of the context; or a map of such
    config: NodeConfig = NodeConfig()


class Edge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From one node to the next, when it has the action and the condition holds."""

    source: Identifier
    target: Identifier
    action: str | None = None  # one that the source may return; None: for whatever no other edge names
    when: Cel | None = None  # a condition
    transform: Cel | None = None  # what the target is given; otherwise the source's output


class BatchParams(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`batch`: one run of a task for each item of the list that is its input."""

    each: Implementation  # the task
    chunk: Annotated[int, Meta(ge=1)] | None = None  # items that end before the next ones start; None: all at once
    concurrency: Annotated[int, Meta(ge=1)] | None = None  # items under way at a time
    tolerance: int | str = 0  # how many may fail: a number, or text such as "10%"
    params: dict[str, Any] = {}  # for each run


class LoopParams(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`loop`: takes its `continue` edges while the condition holds, then the others."""

    condition: Cel  # of `turn`, the turns taken so far, and `output`, the value of the last one
    limit: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000  # turns, after which the node fails


class SubgraphParams(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`subgraph`: a graph of its own, of which this graph sees what is mapped."""

    blueprint: Implementation  # id, or id@version
    inputs: dict[str, str] | None = None  # keys of its context, from paths here; None: it has the node's input
    outputs: dict[str, str] | None = None  # keys of this node's output, from paths there; None: its last outputs


class WaitParams(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`wait`: goes on with the data of a signal, along the edges of the signal's action."""

    signal: str | None = None  # None: the node's id
    timeout: Span | None = None  # after which it has the action `timeout`


class SleepParams(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`sleep`: passes its input on after a while."""

    duration: Span


class WebhookParams(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`webhook`: makes a URL; who posts there, once, sends the signal. Output: `{"url": ..., "signal": ...}`."""

    signal: str | None = None  # None: the node's id
    ttl: Span | None = None  # how long the URL lives, up to 90 days; None: 7 days
    waits: bool = False  # for what is posted, which is its output then, as of a `wait`


PARAMS: Final[dict[str, type[msgspec.Struct]]] = {
    "batch": BatchParams,
    "loop": LoopParams,
    "subgraph": SubgraphParams,
    "wait": WaitParams,
    "sleep": SleepParams,
    "webhook": WebhookParams,
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a blueprint, or looks wrong. `code` is stable; `edge` counts from 0."""

    code: str
    message: str
    node: str | None = None
    edge: int | None = None

    def __str__(self) -> str:
        return self.message
