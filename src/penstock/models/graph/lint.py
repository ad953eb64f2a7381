"""What is allowed in a blueprint, and looks like a mistake. Knows nothing of what is refused."""

from collections.abc import Iterator

from penstock.models.graph.parts import NAMESPACES, Node, Problem
from penstock.models.graph.wiring import Wiring, reached


def warnings(wiring: Wiring) -> list[Problem]:
    """What looks wrong, in the order of the blueprint."""
    return [*_alone(wiring), *_ways(wiring), *_waits(wiring), *_inputs(wiring), *_twice(wiring)]


def _alone(wiring: Wiring) -> Iterator[Problem]:
    if len(wiring.nodes) == 1:
        return
    for one in wiring.nodes:
        if not wiring.out[one] and not wiring.into[one] and one not in wiring.rescues:
            yield Problem(code="alone", message=f"node {one!r}: no edge leads to it or from it", node=one)


def _ways(wiring: Wiring) -> Iterator[Problem]:
    """Nodes whose every way on has a condition or an action: where none holds, the graph ends there, quietly."""
    for one, places in wiring.out.items():
        edges = [wiring.edges[place] for place in places]
        if not edges or wiring.is_loop(one):
            continue
        if all(edge.action is not None for edge in edges):
            message = f"node {one!r}: every edge from it has an action; another one, or none, leads nowhere"
            yield Problem(code="no-default", message=message, node=one)


def _waits(wiring: Wiring) -> Iterator[Problem]:
    """Waits with a time limit and no way on after it."""
    for one, node in wiring.nodes.items():
        if node.uses != "wait" or node.params.get("timeout") is None:
            continue
        if not any(wiring.edges[place].action == "timeout" for place in wiring.out[one]):
            message = f'node {one!r}: has a timeout and no edge with action "timeout": then the node fails'
            yield Problem(code="no-timeout-edge", message=message, node=one)


def _inputs(wiring: Wiring) -> Iterator[Problem]:
    """Inputs from nodes that need not have ended by then."""
    for node in wiring.nodes.values():
        sources = {one for one in named(node, wiring) if one != node.id}
        sources -= {wiring.edges[place].source for place in wiring.into[node.id]}  # spares the search, as a rule
        if sources:
            earlier = _before(node.id, wiring)
            for one in sorted(sources - earlier):
                message = f"node {node.id!r}: takes an input from {one!r}, which need not have ended by then"
                yield Problem(code="racing-input", message=message, node=node.id)


def named(node: Node, wiring: Wiring) -> set[str]:
    """The nodes that its inputs name."""
    paths = [] if node.inputs is None else [node.inputs] if isinstance(node.inputs, str) else node.inputs.values()
    found: set[str] = set()
    for path in paths:
        head, _, rest = path.partition(".")
        if head in NAMESPACES:
            head = rest.partition(".")[0] if head in {"outputs", "inputs"} else ""
        if head in wiring.nodes:
            found.add(head)
    return found


def _before(node: str, wiring: Wiring) -> set[str]:
    """All that can be come from: along edges, and by standing in."""

    def earlier(one: str) -> list[str]:
        found = [wiring.edges[place].source for place in wiring.into[one]]
        if one in wiring.rescues:
            found.append(wiring.rescues[one])
        return found

    return reached(earlier(node), earlier)


def _twice(wiring: Wiring) -> Iterator[Problem]:
    seen: dict[object, int] = {}
    for place, edge in enumerate(wiring.edges):
        key = (edge.source, edge.target, edge.action, edge.when)
        if key in seen:
            message = f"edge {place} ({edge.source} -> {edge.target}): says the same as edge {seen[key]}"
            yield Problem(code="twice", message=message, edge=place)
        seen.setdefault(key, place)
