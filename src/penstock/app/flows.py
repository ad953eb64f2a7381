"""`app.submit`: trees of runs, children before their parent, each child with a say in what its failure does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar, cast, overload

from penstock.app import submitting
from penstock.app.client import Client
from penstock.app.flow_data import Plain, call_of
from penstock.app.handle import Run, SyncRun
from penstock.app.layers import Layers
from penstock.app.named import NamedCall, NamedTask
from penstock.app.options import Options, layered
from penstock.app.planned import Planned, Preparing, before, node_of
from penstock.app.task import Call
from penstock.app.trees import Tree, tree
from penstock.app.workflows import Workflows
from penstock.core.answers import Entered
from penstock.core.errors import Invalid
from penstock.core.ids import check_run_id
from penstock.core.names import check_name
from penstock.models import durable, growing
from penstock.models.flows import Laid, Node, below, check_distinct, check_root, laid_out

R = TypeVar("R")

Flow: TypeAlias = Planned | Plain


@dataclass(frozen=True, slots=True)
class FlowNode(Generic[R]):
    """A node of a flow that is stored: its run, and those of its children in the order given."""

    run: Run[R]
    children: tuple["FlowNode[Any]", ...] = ()

    @property
    def sync(self) -> "SyncFlowNode[R]":
        """The same for code without a loop."""
        return SyncFlowNode(self.run.sync, tuple(child.sync for child in self.children))


@dataclass(frozen=True, slots=True)
class SyncFlowNode(Generic[R]):
    """A node of a flow that is stored, for code without a loop."""

    run: SyncRun[R]
    children: tuple["SyncFlowNode[Any]", ...] = ()


class Flows(Workflows):
    """`app.submit`, `app.tree`."""

    @overload
    async def submit(
        self,
        flow: Call[R],
        *,
        queues: Mapping[str, Options] | None = None,
        parent: Run[Any] | str | None = None,
    ) -> FlowNode[R]: ...
    @overload
    async def submit(
        self,
        flow: NamedCall | Plain,
        *,
        queues: Mapping[str, Options] | None = None,
        parent: Run[Any] | str | None = None,
    ) -> FlowNode[Any]: ...
    @overload
    async def submit(
        self,
        flow: Sequence[Call[R]],
        *,
        queues: Mapping[str, Options] | None = None,
        parent: Run[Any] | str | None = None,
    ) -> list[FlowNode[R]]: ...
    @overload
    async def submit(
        self,
        flow: Sequence[Flow],
        *,
        queues: Mapping[str, Options] | None = None,
        parent: Run[Any] | str | None = None,
    ) -> list[FlowNode[Any]]: ...

    async def submit(
        self,
        flow: Any,
        *,
        queues: Mapping[str, Options] | None = None,
        parent: Run[Any] | str | None = None,
    ) -> Any:
        """Store a flow, or several: `call.after(call, ...)`, or plain data. Children come before their parent.

        Plain data is `{"task", "queue", "input", "opts", "children"}`. All or nothing, up to 1 000 runs and 4 MiB, and
        for each larger flow; longer lists are several such groups, and repeating the call completes them. `queues`:
        options for the nodes of a queue, below what task and call say. `parent`: a run that has not finished, which
        waits for these from now on. An id that is stored already is that run: done, it counts as done; failed, its
        policy applies; alive without a parent, it is waited for.

        Within a running task the flow is started by that one. Raises what `enqueue` raises, naming the node;
        `NotFound` for the parent; `Cascading` while that is being cancelled.
        """
        many = isinstance(flow, Sequence) and not isinstance(flow, str)
        given: list[object] = list(cast("Sequence[object]", flow)) if many else [flow]
        calls = [self._call(one, f"flow[{place}]" if many else "flow") for place, one in enumerate(given)]
        layers = _with_queues(self._client.layers, queues)
        nodes = _handles(self._client, calls, await self._submit(calls, layers, _id_of(parent), many=many))
        return nodes if many else nodes[0]

    async def tree(self, run_id: str, *, depth: int | None = None, per_node: int = 100) -> Tree:
        """A run and what is below it as they stand: so many levels (None: all), at most so many children of each.

        `more` marks where children are left out. Raises `NotFound`.
        """
        return await tree(self._client, check_run_id(run_id, "run_id"), depth, per_node)

    def _call(self, one: object, where: str) -> Planned:
        if isinstance(one, Planned):
            return one
        if isinstance(one, Mapping):
            return call_of(cast("Plain", one), where, partial(NamedTask, self._client))
        raise Invalid(where, one, "what a task's call(...) returns, or a mapping with task, input, opts, children")

    async def _submit(
        self, calls: Sequence[Planned], layers: Layers, parent_id: str | None, *, many: bool
    ) -> list[Entered]:
        client = self._client
        found = durable.here()
        if found is not None:
            if parent_id is not None:
                raise Invalid("parent", parent_id, "a workflow starts flows of its own: leave it out")
            client.holder()
            prepare = partial(_nodes, client, calls, layers, many=many)
            edge, give_up = growing.started_by(found.passage.attempt), partial(submitting.give_up, client)
            return await growing.in_workflow(found, "submit", prepare, _tree, give_up=give_up, edge=edge)
        holder = client.holder()
        nodes = await _nodes(client, calls, layers, many=many)
        if parent_id is not None:
            trees = [laid_out(node, below(parent_id, node)) for node in nodes]
        else:
            trees = [_tree(node) for node in nodes]
        check_distinct([one for tree in trees for one in tree])
        if holder is not None and parent_id is None:
            edge = growing.started_by(holder.attempt)
            return await growing.spawn(holder.attempt, trees, partial(submitting.give_up, client), edge)
        return await submitting.enter(client, trees)


def _tree(node: Node) -> list[Laid]:
    """The node as the root of a tree."""
    check_root(node)
    return laid_out(node)


async def _nodes(client: Client, calls: Sequence[Planned], layers: Layers, *, many: bool) -> list[Node]:
    within = Preparing(client, layers)
    return [await node_of(call, f"flow[{n}]" if many else "flow", within) for n, call in enumerate(calls)]


def _handles(client: Client, calls: Sequence[Planned], entered: Sequence[Entered]) -> list[FlowNode[Any]]:
    """The runs in the shape of the calls."""
    left = iter(entered)
    return [_handle(client, call, left) for call in calls]


def _handle(client: Client, call: Planned, left: Iterator[Entered]) -> FlowNode[Any]:
    one = next(left)
    run = Run[Any](client, one.id, created=one.created)
    return FlowNode(run, tuple(_handle(client, child, left) for child in before(call)))


def _with_queues(layers: Layers, queues: object) -> Layers:
    """The layers, with more said of the runs of some queues."""
    if queues is None:
        return layers
    if not isinstance(queues, Mapping):
        raise Invalid("queues", queues, "options by the queue's name")
    known = dict(layers.queues)
    for queue, layer in cast("Mapping[object, object]", queues).items():
        name = check_name(queue, "queues")
        if not isinstance(layer, Options):
            raise Invalid(f"queues[{queue!r}]", layer, "what penstock.options(...) returns")
        known[name] = layered(known.get(name, Options()), layer)
    return Layers(layers.defaults, known)


def _id_of(parent: object) -> str | None:
    return parent.id if isinstance(parent, Run) else None if parent is None else check_run_id(parent, "parent")
