"""A blueprint as lines for a terminal: each node once, below the last of those it comes after. Everything is escaped.

Knows no command; takes blueprints of any depth.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from penstock.cli.text import counted, escaped, shortened
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.mermaid import said_of
from penstock.models.graph.parts import Node
from penstock.models.graph.wiring import Wiring, in_order

_WIDTH = 60  # characters of a condition


class _Way(NamedTuple):
    """What leads on from a node: to one that is drawn there, or to one that is drawn elsewhere."""

    target: str
    label: str
    here: bool
    back: bool


def drawn(blueprint: Blueprint, stands: Mapping[str, str] | None = None) -> list[str]:
    """The blueprint's lines, each node with how it stands if told. Raises nothing for one that is checked."""
    wiring = Wiring(blueprint.nodes, blueprint.edges)
    version = "" if blueprint.version is None else f"@{blueprint.version}"
    size = f"{counted(len(wiring.nodes), 'node')}, {counted(len(wiring.edges), 'edge')}"
    ways, roots = _ways(wiring)
    lines = [escaped(f"{blueprint.id}{version}: {size}")]
    for root in roots:
        lines += ["", *_below(root, wiring, ways, stands or {})]
    return lines


def _ways(wiring: Wiring) -> tuple[dict[str, list[_Way]], list[str]]:
    """From each node what is drawn below it, and where to begin."""
    bodies = {one: wiring.body(one) for one in wiring.nodes if wiring.is_loop(one)}
    back = {place for one, body in bodies.items() for place in wiring.into[one] if wiring.edges[place].source in body}
    following = {
        one: [wiring.edges[place].target for place in places if place not in back] for one, places in wiring.out.items()
    }
    for one, fallback in wiring.rescued_by.items():
        following[one].append(fallback)
    order, _ = in_order(following)
    at = {one: i for i, one in enumerate(order)}
    owner: dict[str, int] = {}  # of each node the edge below which it is drawn
    for one in order:
        edges = [place for place in wiring.into[one] if place not in back]
        if edges:
            owner[one] = max(edges, key=lambda place: at[wiring.edges[place].source])
    found: dict[str, list[_Way]] = {}
    for one in order:
        found[one] = [_way(place, wiring, owner, place in back) for place in wiring.out[one]]
        if one in wiring.rescued_by:
            found[one].append(_Way(wiring.rescued_by[one], "if it fails", here=True, back=False))
    return found, [one for one in order if one not in owner and one not in wiring.rescues]


def _way(place: int, wiring: Wiring, owner: dict[str, int], back: bool) -> _Way:  # noqa: FBT001 (one of four)
    edge = wiring.edges[place]
    return _Way(
        edge.target, shortened(said_of(edge), _WIDTH), here=not back and owner.get(edge.target) == place, back=back
    )


def _below(root: str, wiring: Wiring, ways: dict[str, list[_Way]], stands: Mapping[str, str]) -> Iterator[str]:
    """The node and all that is drawn below it. A stack instead of calls: a chain may be long."""
    rest: list[tuple[str, str]] = [(_said(wiring.nodes[root], stands), "")]  # lines to come, each with what leads it
    nodes: list[str | None] = [root]
    while rest:
        line, lead = rest.pop()
        node = nodes.pop()
        yield line
        if node is None:
            continue
        following = ways[node]
        if len(following) == 1 and following[0].here:
            label = following[0].label
            yield f"{lead}│  {label}".rstrip()
            rest.append((lead + _said(wiring.nodes[following[0].target], stands), lead))
            nodes.append(following[0].target)
            continue
        for i, way in reversed(list(enumerate(following))):
            last = i == len(following) - 1
            text = _said(wiring.nodes[way.target], stands) if way.here else f"{'↺' if way.back else '→'} {way.target}"
            label = f"  ({way.label})" if way.label else ""
            rest.append((f"{lead}{'└─' if last else '├─'} {text}{label}", lead + ("   " if last else "│  ")))
            nodes.append(way.target if way.here else None)


def _said(node: Node, stands: Mapping[str, str]) -> str:
    label = node.id if node.id == node.uses else f"{node.id}: {node.uses}"
    detail = {"loop": "condition", "batch": "each", "subgraph": "blueprint", "sleep": "duration", "wait": "signal"}
    shown = node.params.get(detail.get(node.uses, ""))
    extra = "" if shown is None else f" {shown}"
    join = " [any]" if node.config.join == "any" else ""
    end = f" [{stands[node.id]}]" if node.id in stands else ""
    return shortened(label + extra, _WIDTH + 40) + join + end
