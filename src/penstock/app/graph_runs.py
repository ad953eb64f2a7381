"""A graph run as its callers hold it: its result, its context, how its nodes stand, and what has happened."""

from itertools import chain
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from penstock.app import graph_reading
from penstock.app.graph_reading import Kept
from penstock.app.handle import Run, SyncRun
from penstock.app.refusals import raise_for
from penstock.core import codec
from penstock.core.codec import Unfit, check_size
from penstock.core.duration import Duration
from penstock.core.errors import InvalidInput, WrongState
from penstock.core.ids import new_token
from penstock.core.names import check_count
from penstock.models.graph.chronicle import GraphMoment
from penstock.models.graph.events import GraphEvent, GraphResult, NodeResult
from penstock.models.graph.result import ends
from penstock.models.graph.rewinding import check_node
from penstock.models.graph.stored import Rewind, decoded_input


class GraphRun(Run[GraphResult]):
    """One run of a graph."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<GraphRun {self.id}>"

    @property
    def sync(self) -> "SyncGraphRun":
        """The same verbs for code without a loop."""
        return SyncGraphRun(self)

    async def result(self, timeout: Duration | None = None, *, allow_block: bool = False) -> GraphResult:
        """What the graph came to, as soon as it has: its output, outputs by node, the context, how each node ended.

        Raises as `Run.result` does; a graph that has failed names the node and its error.
        """
        plain: Any = await super().result(timeout, allow_block=allow_block)
        return msgspec.convert(plain, GraphResult)

    async def context(self) -> dict[str, Any]:
        """The context as it stands now, with what the nodes that have ended have written. Raises `NotFound`."""
        return dict((await self._kept()).session().planner.state.context)

    async def nodes(self) -> dict[str, NodeResult]:
        """How each node stands now, in the order of the blueprint. Raises `NotFound`."""
        planner = (await self._kept()).session().planner
        return ends(planner.scheme, planner.state)

    async def events(self, *, after: int = 0, limit: int | None = None) -> list[GraphEvent]:
        """What has happened in order, from the start to the end of the run: those after `after`, all or the first
        `limit`.

        They are made of what the run has recorded anyway. Their `changes`, one after the other, give the context; the
        last one of a run that is over says how it ended. A redrive takes back what made the run fail, and that number
        is given again. Raises `NotFound`, `Purged`.
        """
        check_count(after, "after", least=0)
        check_count(1 if limit is None else limit, "limit", least=1)
        kept = await self._kept()
        told = chain.from_iterable(kept.chronicle().told(kept.entries, kept.end))
        return [one for one in told if one.seq > after and (limit is None or one.seq <= after + limit)]

    async def moment(self, seq: int | None = None) -> GraphMoment:
        """How the run stood when event `seq` had happened, and all that was decided with it: context and nodes.

        None: the last event; before there are any, how it will begin, with number 0. Raises `Invalid` if it has no such
        event; `NotFound`, `Purged`.
        """
        check_count(1 if seq is None else seq, "seq", least=1)
        kept = await self._kept()
        return kept.chronicle().moment(kept.entries, kept.end, seq)

    async def rerun(self, node: str, *, input: Any = UNSET) -> None:  # noqa: A002 (the word of blueprints)
        """Run the node, and all that may come after it, once more; what is before it and beside it stands as it stood.

        For a run that has ended, however it has. With `input` the node is given that. It is another life of the run,
        and another history: what is started now has new ids. What these nodes had written to the context is taken back,
        messages that were read are not read again. In a loop all turns are run once more. Raises `Invalid` for a node
        that was never started; `NotFound`; `WrongState` if the run has not ended, or somebody else has brought it back
        meanwhile; `Cascading`, `Duplicate` as `redrive`.
        """
        await self._go_back(node, back=False, given=input)

    async def rollback(self, node: str) -> None:
        """Bring the run back to the moment when this node was started: whatever was told later has not happened.

        As `rerun`, which leaves alone what is beside the node.
        """
        await self._go_back(node, back=True, given=UNSET)

    async def _go_back(self, node: str, *, back: bool, given: Any) -> None:
        operation = "rollback" if back else "rerun"
        kept = await self._kept()
        run, end = kept.run, kept.end
        if end is None:
            raise WrongState(operation, self.id, f"{run.state}: it has not ended")
        check_node(kept.chronicle().planner.scheme, kept.past(), node)
        said = given is not UNSET
        if said:
            try:
                codec.encode(given)
            except Unfit as error:
                raise InvalidInput("input", given, str(error)) from error
        rewind = Rewind(
            entries=len(kept.entries),
            at=(await self._now()),
            node=node,
            back=back,
            given=said,
            input=given if said else None,
            ended=end,
            once=new_token(),
        )
        client = self._client
        data = replace(kept.given, rewinds=(*kept.given.rewinds, rewind)).encode()
        data = client.home.codec.encode(check_size(data, "the graph's input with all its reruns", client.limit))
        (answer,) = await (await client.store()).redrive([run.id], lives=[run.life], inputs=[data])
        raise_for(answer, run.id, operation)
        now = decoded_input(client.home.codec.decode((await self._stored()).input))
        if rewind not in now.rewinds:
            raise WrongState(operation, run.id, "in another life by now: somebody else has brought it back")

    async def _now(self) -> float:
        return (await (await self._client.store()).info()).now

    async def _kept(self) -> Kept:
        return await graph_reading.read(self._client, await self._stored())


class SyncGraphRun(SyncRun[GraphResult]):
    """A graph run's verbs for code without a loop: each does what the one of `GraphRun` does, and blocks."""

    def __init__(self, run: GraphRun) -> None:
        super().__init__(run)
        self._graph = run

    def context(self) -> dict[str, Any]:
        return self._call(self._graph.context)

    def nodes(self) -> dict[str, NodeResult]:
        return self._call(self._graph.nodes)

    def events(self, *, after: int = 0, limit: int | None = None) -> list[GraphEvent]:
        return self._call(self._graph.events, after=after, limit=limit)

    def moment(self, seq: int | None = None) -> GraphMoment:
        return self._call(self._graph.moment, seq)

    def rerun(self, node: str, *, input: Any = UNSET) -> None:  # noqa: A002 (the word of blueprints)
        self._call(self._graph.rerun, node, input=input)

    def rollback(self, node: str) -> None:
        self._call(self._graph.rollback, node)
