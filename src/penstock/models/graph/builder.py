"""Blueprints said in Python: `Graph("moderate")`, then node after node. Makes data, and checks it at the end."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypedDict, Unpack

import msgspec

from penstock.core.duration import Duration, seconds
from penstock.core.errors import Invalid
from penstock.core.retry import Retry
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.parts import Edge, Inputs, Join, Node, NodeConfig, NodePolicy, NodeRetry


class Named(Protocol):
    """Something with a name, such as a task."""

    @property
    def name(self) -> str:
        """The task's name."""
        ...


class Placed(msgspec.Struct, frozen=True):
    """A node of a graph that is being built: what others come `after`."""

    id: str


Place: TypeAlias = Placed | str
Uses: TypeAlias = Named | type[Any] | str
TASK: Final = "__penstock_task__"  # where a class that is a node's task keeps its name


class Placing(TypedDict, total=False):
    """Where a node stands."""

    after: Place | Sequence[Place]  # with an edge from each of them; left out: it is a start
    action: str  # of those edges: taken if the node before returns this action
    when: str  # of those edges: taken if this holds
    transform: str  # of those edges: what the node is given
    join: Join  # of several: wait for "all" of them, or start with "any"


class Working(Placing, total=False):
    """How a node is carried out. What is left out is as the task has it."""

    inputs: Inputs  # a node, a path into its output, a key of the context; or a map of such
    params: Mapping[str, Any]
    retry: Retry | int  # a number: of attempts
    timeout: Duration
    fallback: Place  # a node that stands in for this one when it has failed for good
    queue: str
    limits: Mapping[str, str]  # names of limits, each with the key there
    if_fails: NodePolicy


class Graph:
    """A graph in the making. Each method adds a node and returns it, to be named in the `after` of others.

    `blueprint()` ends it. Raises nothing before that but `Invalid` for what no blueprint could hold.
    """

    def __init__(
        self,
        id: str,  # noqa: A002
        *,
        version: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.id = id
        self.version = version
        self.metadata = dict(metadata or {})
        self._nodes: list[Node] = []
        self._edges: list[Edge] = []

    def node(self, uses: Uses, id: str | None = None, **options: Unpack[Working]) -> Placed:  # noqa: A002
        """A task, itself or by its name. Its id is the task's name; a second one of a task needs its own."""
        name = _name(uses)
        return self._place(
            id or _id(name),
            name,
            dict(options.get("params", {})),
            options,
            config=_config(options),
            inputs=options.get("inputs"),
        )

    def batch(
        self,
        each: Uses,
        id: str | None = None,  # noqa: A002
        *,
        concurrency: int | None = None,
        chunk: int | None = None,
        tolerance: int | str = 0,
        **options: Unpack[Working],
    ) -> Placed:
        """A run of the task for each item of the list that is the node's input; the output has a result for each.

        `concurrency`: items under way at a time. `chunk`: items that have ended before the next ones start.
        `tolerance`: how many may fail, a number or `"10%"`. `params`: for each run.
        """
        name = _name(each)
        said = {"each": name, "concurrency": concurrency, "chunk": chunk, "params": dict(options.get("params", {}))}
        settings = {key: value for key, value in said.items() if value not in (None, {})}
        if tolerance != 0:
            settings["tolerance"] = tolerance
        return self._place(
            id or _id(name), "batch", settings, options, config=_config(options), inputs=options.get("inputs")
        )

    def loop(
        self,
        id: str,  # noqa: A002
        *,
        first: Place,
        last: Place | Sequence[Place],
        condition: str,
        limit: int | None = None,
        **options: Unpack[Placing],
    ) -> Placed:
        """Turns from `first` to `last`, nodes that are there already, as long as the condition holds.

        The condition is asked before each turn: `turn` is the number of those taken, `output` the value of the last
        one. At `limit` turns, 1,000 unless said, the node fails. What comes after the loop is given the last value.
        """
        settings: dict[str, Any] = {"condition": condition}
        if limit is not None:
            settings["limit"] = limit
        placed = self._place(id, "loop", settings, options)
        self.edge(placed, first, action="continue")
        for one in _places(last):
            self.edge(one, placed)
        return placed

    def subgraph(
        self,
        blueprint: Blueprint | str,
        id: str | None = None,  # noqa: A002
        *,
        inputs: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        **options: Unpack[Placing],
    ) -> Placed:
        """A graph of its own. `inputs`: keys of its context, from paths here; left out, it has the node's input.

        `outputs`: keys of the node's output, from paths there; left out, it is what that graph ended with.
        """
        name = blueprint if isinstance(blueprint, str) else _versioned(blueprint)
        said = {"blueprint": name, "inputs": _maybe(inputs), "outputs": _maybe(outputs)}
        settings = {key: value for key, value in said.items() if value is not None}
        return self._place(id or _id(name), "subgraph", settings, options)

    def wait(
        self,
        id: str,  # noqa: A002
        *,
        signal: str | None = None,
        timeout: Duration | None = None,
        **options: Unpack[Placing],
    ) -> Placed:
        """Until a signal comes, called as the node unless said; its action says which edges are taken.

        After `timeout` the node has the action `timeout`, with an edge for it; without one it fails.
        """
        said = {"signal": signal, "timeout": None if timeout is None else _span(timeout, "timeout")}
        settings = {key: value for key, value in said.items() if value is not None}
        return self._place(id, "wait", settings, options)

    def sleep(self, duration: Duration, id: str = "sleep", **options: Unpack[Placing]) -> Placed:  # noqa: A002
        """For so long; the input is passed on."""
        return self._place(id, "sleep", {"duration": _span(duration, "duration")}, options)

    def webhook(
        self,
        id: str,  # noqa: A002
        *,
        signal: str | None = None,
        ttl: Duration | None = None,
        waits: bool = False,
        **options: Unpack[Placing],
    ) -> Placed:
        """Makes a URL, which lives for `ttl` (7 days): who posts JSON there, once, sends the signal.

        Output: `{"url": ..., "signal": ...}`, for a later node to tell, and a `wait` to wait for. With `waits` it waits
        itself, as a `wait` does, and its output is what was posted; `run.nodes()` has its `url`.
        """
        said = {"signal": signal, "ttl": None if ttl is None else _span(ttl, "ttl"), "waits": waits or None}
        settings = {key: value for key, value in said.items() if value is not None}
        return self._place(id, "webhook", settings, options)

    def edge(
        self,
        source: Place,
        target: Place,
        *,
        action: str | None = None,
        when: str | None = None,
        transform: str | None = None,
    ) -> None:
        """From one node to another, if `after` can't say it: back to a loop, or between nodes that are there."""
        ends = {"source": _place_id(source), "target": _place_id(target)}
        self._edges.append(Edge(**ends, action=action, when=when, transform=transform))

    def blueprint(self, *, check: bool = True) -> Blueprint:
        """The graph as data. Raises `InvalidBlueprint` with all that is wrong, unless `check` is False."""
        found = Blueprint(
            id=self.id,
            version=self.version,
            nodes=tuple(self._nodes),
            edges=tuple(self._edges),
            metadata=dict(self.metadata),
        )
        return found.check() if check else found

    def _place(
        self,
        id: str,  # noqa: A002
        uses: str,
        params: dict[str, Any],
        options: Placing | Working,
        *,
        config: NodeConfig | None = None,
        inputs: Inputs | None = None,
    ) -> Placed:
        settled = NodeConfig(join=options.get("join", "all")) if config is None else config
        self._nodes.append(Node(id=id, uses=uses, params=params, inputs=inputs, config=settled))
        placed = Placed(id)
        for source in _places(options.get("after", ())):
            self.edge(
                source,
                placed,
                action=options.get("action"),
                when=options.get("when"),
                transform=options.get("transform"),
            )
        return placed


def _config(options: Working) -> NodeConfig:
    retry, timeout, fallback = options.get("retry"), options.get("timeout"), options.get("fallback")
    return NodeConfig(
        retry=None if retry is None else _retry(retry),
        timeout=None if timeout is None else _span(timeout, "timeout"),
        fallback=None if fallback is None else _place_id(fallback),
        join=options.get("join", "all"),
        queue=options.get("queue"),
        limits=dict(options.get("limits", {})),
        if_fails=options.get("if_fails", "fail"),
    )


def _retry(said: Retry | int) -> NodeRetry:
    if isinstance(said, int):
        return NodeRetry(attempts=said)
    plain = Retry()
    if said.on != plain.on or said.never != plain.never or callable(said.backoff):
        raise Invalid("retry", said, "a blueprint is data: say classes of errors and functions on the task instead")
    fields = ("attempts", "delay", "backoff", "factor", "cap", "jitter")
    return NodeRetry(**{name: getattr(said, name) for name in fields if getattr(said, name) != getattr(plain, name)})


def _span(value: Duration, parameter: str) -> str | float:
    return value if isinstance(value, str) else seconds(value, parameter)


def _name(uses: Uses) -> str:
    if not isinstance(uses, type):
        return uses if isinstance(uses, str) else uses.name
    name = uses.__dict__.get(TASK)
    if name is None:
        raise Invalid("uses", uses, "a task, its name, or a class decorated with @app.node")
    return str(name)


def _id(name: str) -> str:
    return name.partition("@")[0].replace(".", "_")


def _versioned(blueprint: Blueprint) -> str:
    return blueprint.id if blueprint.version is None else f"{blueprint.id}@{blueprint.version}"


def _maybe(said: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if said is None else dict(said)


def _place_id(place: Place) -> str:
    return place if isinstance(place, str) else place.id


def _places(said: Place | Sequence[Place]) -> list[Place]:
    return [said] if isinstance(said, str | Placed) else list(said)
