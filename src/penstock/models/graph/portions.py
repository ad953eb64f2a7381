"""How many ends of runs are worth a look at the plan: no more than could have anything follow.

Where each end may let something start it is one. Of the many that one join waits for, only the last can.
"""

from typing import Final

from penstock.models.graph.parts import BatchParams
from penstock.models.graph.scheme import Scheme, Stop
from penstock.models.graph.state import GraphState

LOOKS: Final = 1000  # at nodes that are led to, at a time


class Portions:
    """Counts the runs under way by the nodes to which they lead."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._known: dict[str, tuple[str, ...] | None] = {}  # by node: its targets
        self._leading: dict[str, int] = {}  # by node; by the batch itself: its items
        self._lone = 0  # runs of which each end may let something start

    def opened(self, key: str) -> None:
        """A run is under way."""
        self._count(key, 1)

    def closed(self, key: str) -> None:
        """It is no more."""
        self._count(key, -1)

    def clear(self) -> None:
        """Nothing is under way."""
        self._leading.clear()
        self._lone = 0

    def least(self, state: GraphState, under_way: int) -> int:
        """With fewer ends than this nothing can follow, unless one of them is a bad end."""
        if self._lone or len(self._leading) > LOOKS:
            return 1
        least = under_way
        for node, runs in self._leading.items():
            stands = state.nodes.get(node)
            if stands is None or stands.status == "pending":
                least = min(least, self._scheme.stops[node].need - (0 if stands is None else stands.arrived))
            elif stands.status == "running":  # a batch, whose items these are
                least = min(least, runs)
            if least <= 1:
                return 1
        return max(1, least)

    def _count(self, key: str, by: int) -> None:
        node = key.rpartition("/")[2].partition("[")[0]
        if node not in self._known:
            self._known[node] = self._targets(self._scheme.stops[node])
        targets = self._known[node]
        if targets is None:
            self._lone += by
            return
        for target in targets:
            self._leading[target] = self._leading.get(target, 0) + by
            if not self._leading[target]:
                del self._leading[target]

    def _targets(self, stop: Stop) -> tuple[str, ...] | None:
        """The nodes that an end brings nearer to their start by one; None: it may let something start at once."""
        if stop.loops or stop.fallback is not None or stop.primary is not None:
            return None
        if isinstance(stop.settings, BatchParams):
            throttled = stop.settings.chunk is not None or stop.settings.concurrency is not None
            return None if throttled else (stop.node.id,)
        targets = tuple(self._scheme.ways[place].edge.target for place in stop.out)
        for one in targets:
            if one in self._scheme.rings or self._scheme.stops[one].node.config.join == "any":
                return None
        return targets if len(set(targets)) == len(targets) else None
