"""A graph run as its callers hold it: its result, its context, how its nodes stand, and what has happened."""

from itertools import chain
from typing import Any

import msgspec

from penstock.app import graph_reading
from penstock.app.graph_reading import Kept
from penstock.app.handle import Run
from penstock.core.duration import Duration
from penstock.core.names import check_count
from penstock.models.graph.chronicle import GraphMoment
from penstock.models.graph.events import GraphEvent, GraphResult, NodeResult
from penstock.models.graph.result import ends


class GraphRun(Run[GraphResult]):
    """One run of a graph."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<GraphRun {self.id}>"

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

    async def moment(self, seq: int) -> GraphMoment:
        """How the run stood when event `seq` had happened, and all that was decided with it: context and nodes.

        Raises `Invalid` if it has no such event; `NotFound`, `Purged`.
        """
        check_count(seq, "seq", least=1)
        kept = await self._kept()
        return kept.chronicle().moment(kept.entries, kept.end, seq)

    async def _kept(self) -> Kept:
        return await graph_reading.read(self._client, await self._stored())
