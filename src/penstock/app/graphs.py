"""Graphs as users start them: blueprints by name, and runs of them."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar, Unpack, cast, overload

from penstock.app.called import started
from penstock.app.flows import Flows
from penstock.app.graph_hands import PROFILE, below
from penstock.app.graph_runs import GraphRun
from penstock.app.maker import Maker
from penstock.app.options import NamedByCall, checked
from penstock.app.refusals import raise_for
from penstock.app.registration import NamedByTask, register_class
from penstock.core import codec
from penstock.core.answers import Answer
from penstock.core.codec import Unfit, check_size
from penstock.core.errors import Invalid, InvalidInput, KeyConflict, NotFound
from penstock.core.ids import check_run_id
from penstock.core.requests import Send
from penstock.core.run import NewRun
from penstock.models import durable, nodes
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.builder import Graph
from penstock.models.graph.stored import BAGGAGE, Baggage, GraphInput, encoded
from penstock.models.nodes import AroundNode

Drawn: TypeAlias = Blueprint | Graph | Mapping[str, Any] | Path | str

K = TypeVar("K", bound=type[Any])
N = TypeVar("N", bound=AroundNode)

SMALL: Final = 16_384  # bytes of what travels with each claim of the graph run
LARGEST: Final = 3 * codec.LIMIT  # bytes of blueprints, input and context together


class Graphs(Flows):
    """`app.blueprint`, `app.graph`, `app.node`, `app.around_node`, `app.start`, `app.graph_run`."""

    def blueprint(self, blueprint: Drawn) -> Blueprint:
        """Register a graph under its id and version, so that it can be started, and used below others, by name.

        A blueprint, a `Graph`, a mapping, or the path of a file of JSON. Raises `InvalidBlueprint` with all that is
        wrong with it; `Invalid` if another one is registered under the same id and version.
        """
        found = self._checked(blueprint)
        known = self._client.graphs.get(f"{found.id}@{found.version or ''}")
        if known is not None and (known.blueprint() if isinstance(known, Graph) else known) != found:
            said = "another blueprint has this id and version: give it a version of its own"
            raise Invalid("blueprint", _name(found), said)
        self._register(found)
        return found

    def graph(
        self,
        id: str,  # noqa: A002
        *,
        version: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Graph:
        """A graph to be built here, and registered: when it is started first, by itself or by its id, it is checked."""
        made = Graph(id, version=version, metadata=metadata)
        self._register(made)
        return made

    @overload
    def node(self, kind: K, /) -> K: ...
    @overload
    def node(self, /, *, name: str | None = None, **named: Unpack[NamedByTask]) -> Callable[[K], K]: ...

    def node(self, kind: Any = None, /, *, name: str | None = None, **named: Any) -> Any:
        """Register a class as a task of nodes: `@app.node`, or `@app.node(retry=Retry(5), timeout="30s")`.

        Its methods, each `def` (in a thread) or `async def`, all but `execute` may be left out:
        `prepare(...)` is given the node's arguments; what it returns is recorded, and given to `execute(prepared)`,
        which alone is tried again; `fallback(error)` stands in when it has failed for good, but after `Never` and
        time-outs; `finish(result)` makes the output of what either returned; `cleanup(error)` comes last, with the
        error or None, and can't change the end. Without `prepare` the arguments go to `execute`. Each attempt has an
        object of its own, made without arguments; `self.node` is its `NodeContext`. The class stays what it is; its
        task has its name. Raises `Invalid`, `DuplicateTask` as `task` does.
        """

        def decorator(decorated: K) -> K:
            register_class(self._client, decorated, name, named)
            return decorated

        return decorator if kind is None else decorator(kind)

    def around_node(self, function: N) -> N:
        """Decorate an `async def` of (node, proceed): it is called instead of each attempt of a node's run.

        `node` is the `NodeContext`. `await proceed()` carries the attempt out and returns what the task returned, or
        raises what it raised; what the function returns or raises counts, so it may answer without proceeding, return
        something else, or rescue an error. It stands within what is around all attempts; the first registered is
        outermost. Waits, sleeps, webhooks, loops and subgraphs run no task, so nothing is around them.
        """
        self._client.home.around_nodes.append(nodes.around(function))
        return function

    def _register(self, made: Blueprint | Graph) -> None:
        """Under its id and version; and under its id alone, as the latest."""
        self._client.graphs[f"{made.id}@{made.version or ''}"] = self._client.graphs[made.id] = made

    async def start(
        self,
        blueprint: Drawn,
        *,
        input: Any = None,  # noqa: A002 (the word of blueprints)
        context: Mapping[str, Any] | None = None,
        **named: Unpack[NamedByCall],
    ) -> GraphRun:
        """Start a graph: one that is registered, by its id or id@version, or any other. It is stored with its run.

        `input`: what nodes without edges into them are given; `context`: what all nodes may read and write. The rest as
        for `opts` of tasks: `id`, `key`, `queue`, `delay`, ... Raises `InvalidBlueprint`; `NotFound` for a name that is
        not registered here; what `enqueue` raises.
        """
        options = checked(cast("dict[str, Any]", named))
        name, blueprints = self._packed(blueprint)
        if context is not None and not isinstance(context, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise Invalid("context", context, "a mapping of texts to what JSON has")
        baggage = Baggage(blueprints=blueprints, input=input, context=dict(context or {}))
        data = _checked_size(baggage)
        client = self._client
        maker = Maker(client, PROFILE, options)
        inline = GraphInput(blueprint=name, baggage=baggage)
        found = durable.here()
        if found is not None:

            async def make() -> NewRun:
                return maker.make(inline.encode())

            own_id, cascade = maker.has_id, maker.cascade
            run_id = await started(client, found, f"graph {name}", make, own_id=own_id, cascade=cascade)
            return GraphRun(client, run_id, created=True)
        if len(data) <= SMALL or client.holder() is not None:
            entered = await client.enter(maker.make(inline.encode()), cascade=maker.cascade)
            return GraphRun(client, entered.id, created=entered.created)
        return await self._start_large(maker, name, data)

    async def _start_large(self, maker: Maker, name: str, data: bytes) -> GraphRun:
        """What is large comes as a message, stored in the same move, so that it need not travel with each claim."""
        client = self._client
        new = maker.make(GraphInput(blueprint=name, digest=sha256(data).hexdigest()).encode())
        sent = Send(name=BAGGAGE, payload=client.home.codec.encode(data), once="start", start=new)
        answer, run_id = await (await client.store()).signal(sent)
        if answer is Answer.KEY_CONFLICT:
            raise KeyConflict(new.key.key if new.key else "", run_id or "")
        if answer not in {Answer.DUPLICATE, Answer.FINISHED}:  # of a run that is there already
            raise_for(answer, run_id or new.id, "start")
        return GraphRun(client, run_id or new.id, created=answer is Answer.OK)

    def graph_run(self, run_id: str) -> GraphRun:
        """A handle on the stored run of a graph; whether there is one is asked when the handle is used."""
        return GraphRun(self._client, check_run_id(run_id, "run_id"))

    def _packed(self, blueprint: Drawn) -> tuple[str, dict[str, dict[str, Any]]]:
        """The blueprint's name, and it with all that are below it, as data."""
        first = self._found(blueprint) if isinstance(blueprint, str) else self._checked(blueprint)
        name = _name(first)
        packed = {name: first.to_dict()}
        left = below(packed[name])
        while left:
            one = left.pop()
            if one not in packed:
                packed[one] = self._found(one).to_dict()
                left += below(packed[one])
        return name, packed

    def _found(self, name: str) -> Blueprint:
        known = self._client.graphs.get(name)
        if known is None:
            raise NotFound("blueprint", name)
        return known.blueprint() if isinstance(known, Graph) else known

    def _checked(self, blueprint: object) -> Blueprint:
        match blueprint:
            case Blueprint():
                return blueprint.check()
            case Graph():
                return blueprint.blueprint()
            case Mapping():
                return Blueprint.from_dict(dict(cast("Mapping[str, Any]", blueprint)))
            case Path() | str():
                return Blueprint.from_file(blueprint)
            case _:
                raise Invalid("blueprint", blueprint, "a Blueprint, a Graph, a mapping, or the path of a file of JSON")


def _name(blueprint: Blueprint) -> str:
    return blueprint.id if blueprint.version is None else f"{blueprint.id}@{blueprint.version}"


def _checked_size(baggage: Baggage) -> bytes:
    for name in ("input", "context"):
        try:
            codec.encode(getattr(baggage, name))
        except Unfit as error:
            raise InvalidInput(name, getattr(baggage, name), str(error)) from error
    return check_size(encoded(baggage), "the graph with its input and context", LARGEST)
