"""Flows: trees of runs, children before their parent. From nodes to runs in an order that a store takes.

Pure. Knows neither how a node's run is prepared, nor where the runs go.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.core.policy import IfFails
from penstock.core.record import Record
from penstock.core.run import ChildOf, Kind, NewRun, Siblings
from penstock.core.wake import Wake

DEEPEST: Final = 64  # levels below a root
IDLE: Final = Wake(idle=True)


class Edge(Record, frozen=True, kw_only=True):
    """What is said of a node as somebody's child."""

    if_fails: IfFails | None = None
    name: str = ""

    @property
    def said(self) -> bool:
        """Whether anything is."""
        return self != Edge()


class Node(Record, frozen=True, kw_only=True):
    """A run to be, with all that comes before it."""

    new: NewRun
    where: str  # it stands in what the caller gave
    own_id: bool  # the caller has said it
    edge: Edge = Edge()
    siblings: Siblings | None = None
    children: tuple["Node", ...] = ()


class Laid(Record, frozen=True, kw_only=True):
    """A node's run as the store takes it, and the node."""

    new: NewRun
    node: Node


def laid_out(root: Node, parent: ChildOf | None = None) -> list[Laid]:
    """The runs of the tree, each parent before its children; `parent`: the edge of the root.

    Raises `Invalid` naming the node for what no tree can have.
    """
    return [_laid(node, edge) for node, edge in _walk(root, parent)]


def below(parent_id: str, node: Node) -> ChildOf:
    """The edge from the parent to this node."""
    edge = node.edge
    return ChildOf(parent_id=parent_id, if_fails=edge.if_fails or IfFails.FAIL, name=edge.name)


def check_root(root: Node) -> None:
    """Raises `Invalid` if something is said of the root that only a child can have."""
    if root.edge.said:
        raise Invalid(root.where, root.edge.if_fails or root.edge.name, "if_fails and a name are said of children")


def check_distinct(nodes: Sequence[Laid]) -> None:
    """Raises `Invalid` if one call stands at two places."""
    seen: dict[str, str] = {}
    for laid in nodes:
        first = seen.setdefault(laid.new.id, laid.node.where)
        if first != laid.node.where:
            said = f"it stands at {first} as well. What has several parents is no tree: make a call for each"
            raise Invalid(laid.node.where, laid.new.id, said)


def _walk(root: Node, parent: ChildOf | None) -> Iterator[tuple[Node, ChildOf | None]]:
    """Each node with its edge, parents first, children in order; without recursion, however deep it is."""
    left: list[tuple[Node, ChildOf | None, int]] = [(root, parent, 0)]
    while left:
        node, edge, depth = left.pop()
        if depth > DEEPEST:
            raise Invalid(node.where, node.new.id, f"more than {DEEPEST} levels below the root")
        _check_names(node)
        yield node, edge
        left += [(one, below(node.new.id, one), depth + 1) for one in reversed(node.children)]


def _laid(node: Node, edge: ChildOf | None) -> Laid:
    new = node.new
    if new.key is not None and (node.children or (edge is not None and edge.kind is not Kind.STARTED)):
        said = "a node of a flow has no key and no unique=: it is one run by its place (say unique=None, or id=)"
        raise Invalid(node.where, new.key.key, f"{said} (task {new.task})")
    if node.siblings is not None:
        new = replace(new, siblings=node.siblings)
    if node.children:
        if new.at is not None:
            raise Invalid(node.where, new.at, f"at= of a run that waits for others: say delay= (task {new.task})")
        new = replace(new, wake=IDLE)
    return Laid(new=replace(new, parent=edge) if edge is not None else new, node=node)


def _check_names(node: Node) -> None:
    seen: set[str] = set()
    for child in node.children:
        name = child.edge.name
        if name and name in seen:
            raise Invalid(child.where, name, "another child of the same parent is named so")
        seen.add(name)
