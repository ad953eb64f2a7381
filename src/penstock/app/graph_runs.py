"""A graph run as its callers hold it: its result, its context, how its nodes stand."""

from typing import Any

import msgspec

from penstock.app.handle import Run
from penstock.core.duration import Duration
from penstock.models.graph.events import GraphResult, NodeResult
from penstock.models.graph.result import ends
from penstock.models.graph.session import Session
from penstock.models.graph.stored import BAGGAGE, Baggage, decoded_baggage, decoded_entry, decoded_input, entries_of


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
        return dict((await self._session()).planner.state.context)

    async def nodes(self) -> dict[str, NodeResult]:
        """How each node stands now, in the order of the blueprint. Raises `NotFound`."""
        planner = (await self._session()).planner
        return ends(planner.scheme, planner.state)

    async def _session(self) -> Session:
        """The run planned again, from its records."""
        run, codec = await self._stored(), self._client.home.codec
        store = await self._client.store()
        given = decoded_input(codec.decode(run.input))
        baggage = given.baggage or await self._baggage()
        session = Session(run.id, run.history, given.blueprint, baggage)
        for step in entries_of(await store.steps(run.id)):
            session.take(decoded_entry(codec.decode(step.value or b"")))
        return session

    async def _baggage(self) -> Baggage:
        messages = await (await self._client.store()).signals(self.id)
        data = next((one.payload for one in messages if one.name == BAGGAGE), b"")
        return decoded_baggage(self._client.home.codec.decode(data))
