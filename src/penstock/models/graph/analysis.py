"""The shape of a blueprint: where it starts and ends, what goes in circles. Says what is, right or wrong."""

import msgspec

from penstock.models.graph.wiring import Wiring, cycles


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """What a blueprint looks like as a graph."""

    starts: tuple[str, ...]  # what runs first: no edge into it, and nobody's fallback
    terminals: tuple[str, ...]  # after which nothing comes
    cycles: tuple[tuple[str, ...], ...]  # those of loops among them; the first node stands again at the end
    loops: dict[str, tuple[str, ...]]  # of each loop, the nodes of its body
    is_dag: bool  # no cycles, not even of loops
    nodes: int
    edges: int


def analyze(wiring: Wiring) -> Analysis:
    """The blueprint's shape. Takes any blueprint, also one that would be refused."""
    found = cycles({one: wiring.targets(one) for one in wiring.nodes})
    loops = {one: wiring.body(one) for one in wiring.nodes if wiring.is_loop(one)}
    return Analysis(
        starts=tuple(wiring.starts),
        terminals=tuple(wiring.terminals),
        cycles=tuple(tuple(cycle) for cycle in found),
        loops={one: tuple(node for node in wiring.nodes if node in body) for one, body in loops.items()},
        is_dag=not found,
        nodes=len(wiring.nodes),
        edges=len(wiring.edges),
    )
