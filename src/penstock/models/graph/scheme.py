"""A blueprint made ready for planning: edges by action, expressions compiled, loops told apart. Never changed."""

from collections import defaultdict

import msgspec

from penstock.core.errors import InvalidBlueprint
from penstock.models.graph.expression import LOOP, Condition, Transform
from penstock.models.graph.parts import Edge, LoopParams, Node
from penstock.models.graph.validation import Known, problems, settings_of
from penstock.models.graph.wiring import Wiring


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """An edge. `back`: to a loop, from its own body."""

    edge: Edge
    when: Condition | None
    transform: Transform | None
    back: bool


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """A node, and what planning asks of it. Edges are named by their places in the blueprint."""

    node: Node
    settings: msgspec.Struct | None  # of a built-in kind
    out: tuple[int, ...]  # of a loop: without those that begin a turn
    by_action: dict[str | None, frozenset[int]]
    need: int  # edges that must have been decided on before it is decided on; of a loop: those from outside
    loops: tuple[str, ...]  # around it, the outermost first
    fallback: str | None
    primary: str | None  # whom it stands in for


class Ring(msgspec.Struct, frozen=True, kw_only=True):
    """A loop."""

    condition: Condition
    limit: int
    begins: tuple[int, ...]  # edges that begin a turn
    need: int  # edges that lead back
    body: tuple[str, ...]


class Scheme:
    """What a planner knows of a blueprint. Raises `InvalidBlueprint` if the blueprint is not one that could run."""

    def __init__(self, name: str, nodes: tuple[Node, ...], edges: tuple[Edge, ...]) -> None:
        found = problems(name, nodes, edges, Known())
        if found:
            raise InvalidBlueprint(name, found)
        wiring = Wiring(nodes, edges)
        bodies = {one: wiring.body(one) for one in wiring.nodes if wiring.is_loop(one)}
        around: dict[str, list[str]] = defaultdict(list)
        for loop in sorted(bodies, key=lambda one: -len(bodies[one])):  # an outer one has more nodes than an inner one
            for one in bodies[loop]:
                around[one].append(loop)
        self.name = name
        self.wiring = wiring
        self.ways = tuple(_way(edge, bodies) for edge in edges)
        self.rings = {loop: _ring(loop, bodies[loop], wiring) for loop in bodies}
        self.stops = {one: self._stop(node, tuple(around[one])) for one, node in wiring.nodes.items()}
        self.starts = tuple(wiring.starts)
        self.terminals = tuple(wiring.terminals)

    def following(self, node: str) -> set[str]:
        """The node and all that may come after it, the whole body of loops it is in."""
        seen, rest = {node}, [node]
        while rest:
            for other in self.wiring.following(rest.pop()):
                if other not in seen:
                    seen.add(other)
                    rest.append(other)
        return seen

    def _stop(self, node: Node, loops: tuple[str, ...]) -> Stop:
        ring = self.rings.get(node.id)
        out = [place for place in self.wiring.out[node.id] if ring is None or place not in ring.begins]
        by_action: dict[str | None, set[int]] = defaultdict(set)
        for place in out:
            by_action[self.ways[place].edge.action].add(place)
        return Stop(
            node=node,
            settings=settings_of(node),
            out=tuple(out),
            by_action={action: frozenset(places) for action, places in by_action.items()},
            need=sum(1 for place in self.wiring.into[node.id] if not self.ways[place].back),
            loops=loops,
            fallback=self.wiring.rescued_by.get(node.id),
            primary=self.wiring.rescues.get(node.id),
        )


def _way(edge: Edge, bodies: dict[str, set[str]]) -> Way:
    return Way(
        edge=edge,
        when=None if edge.when is None else Condition(edge.when),
        transform=None if edge.transform is None else Transform(edge.transform),
        back=edge.target in bodies and edge.source in bodies[edge.target],
    )


def _ring(loop: str, body: set[str], wiring: Wiring) -> Ring:
    settings = settings_of(wiring.nodes[loop])
    assert isinstance(settings, LoopParams)
    return Ring(
        condition=Condition(settings.condition, LOOP, parameter="condition"),
        limit=settings.limit,
        begins=tuple(wiring.continues(loop)),
        need=sum(1 for place in wiring.into[loop] if wiring.edges[place].source in body),
        body=tuple(one for one in wiring.nodes if one in body),
    )
