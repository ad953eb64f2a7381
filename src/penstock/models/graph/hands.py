"""What a plan asks of the app that it belongs to: the runs of its nodes, made as the app makes runs."""

from collections.abc import Sequence
from typing import Protocol

from penstock.core.codec import Codec
from penstock.core.leases import Claim
from penstock.core.run import NewRun
from penstock.models.graph.events import OpenWebhook, Start, StartGraph
from penstock.models.graph.parts import Node
from penstock.models.graph.stored import Baggage


class Hands(Protocol):
    """An app, as far as its graphs need it."""

    @property
    def codec(self) -> Codec:
        """Through which payloads go."""
        ...

    def clock(self) -> float:
        """Monotonic seconds."""
        ...

    async def node(self, claim: Claim, start: Start, node: Node, context: dict[str, object]) -> NewRun:
        """The run of a task for this node, without its id and parent. Raises what is refused."""
        ...

    async def graph(self, claim: Claim, start: StartGraph, baggage: Baggage) -> NewRun:
        """The graph run for this node, without its id and parent. Raises what is refused."""
        ...

    async def webhook(self, claim: Claim, hook: OpenWebhook) -> str:
        """A URL that sends the signal to this run. Raises `Invalid` where there can be none."""
        ...

    async def cancel(self, run_ids: Sequence[str], reason: str) -> None:
        """End these runs of the graph, whatever they do."""
        ...
