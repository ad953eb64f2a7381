"""A blueprint as a Mermaid flowchart. Whatever its conditions hold, the text is one that Mermaid reads."""

from typing import Final

from penstock.models.graph.parts import Edge, Node
from penstock.models.graph.wiring import Wiring

_LONGEST: Final = 60  # characters of a condition on an edge
_SHAPES: Final = {
    "wait": ("([", "])"),
    "sleep": ("([", "])"),
    "loop": ("{{", "}}"),
    "batch": ("[[", "]]"),
    "subgraph": ("[[", "]]"),
}


def mermaid(wiring: Wiring) -> str:
    """The flowchart, from top to bottom, a line for each node and edge. Dotted: a fallback."""
    names = {one: f"n{i}" for i, one in enumerate(wiring.nodes)}
    lines = ["flowchart TD"]
    lines += [f"    {names[one]}{_box(node)}" for one, node in wiring.nodes.items()]
    for one, places in wiring.out.items():
        for place in places:
            edge = wiring.edges[place]
            lines.append(f"    {names[one]} -->{_label(edge)} {names[edge.target]}")
        if one in wiring.rescued_by:
            lines.append(f'    {names[one]} -. "if it fails" .-> {names[wiring.rescued_by[one]]}')
    return "\n".join([*lines, ""])


def said_of(edge: Edge) -> str:
    """Action, condition and transform of an edge, in a few words."""
    parts = [
        edge.action or "",
        f"when {_short(edge.when)}" if edge.when is not None else "",
        f"gives {_short(edge.transform)}" if edge.transform is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def _box(node: Node) -> str:
    left, right = _SHAPES.get(node.uses, ("[", "]"))
    label = node.id if node.uses == node.id else f"{node.id}: {_escaped(node.uses)}"
    return f'{left}"{label}"{right}'


def _label(edge: Edge) -> str:
    said = said_of(edge)
    return f'|"{_escaped(said)}"|' if said else ""


def _escaped(text: str) -> str:
    """All but letters, digits and a few marks as Mermaid's own entities, by number.

    A colon, too: where one follows the word "style", Mermaid takes the end off an entity after it.
    """
    return "".join(
        one if one.isalnum() or one in " _.,+-=/!?" else f"#{ord(one)};" for one in text if one.isprintable()
    )
