"""Which edges lead into and out of each node: the index that all who look at a blueprint share.

Edges without both ends, and second nodes of one id, are left out: naming them is the business of validation.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from penstock.models.graph.parts import Edge, Node


class Wiring:
    """A blueprint's nodes by id, and its edges by their places in the list."""

    def __init__(self, nodes: Sequence[Node], edges: Sequence[Edge]) -> None:
        self.nodes: dict[str, Node] = {}
        for node in nodes:
            self.nodes.setdefault(node.id, node)
        self.edges = tuple(edges)
        self.out: dict[str, list[int]] = {one: [] for one in self.nodes}
        self.into: dict[str, list[int]] = {one: [] for one in self.nodes}
        for place, edge in enumerate(edges):
            if edge.source in self.nodes and edge.target in self.nodes:
                self.out[edge.source].append(place)
                self.into[edge.target].append(place)
        self.rescued_by: dict[str, str] = {
            node.id: node.config.fallback
            for node in self.nodes.values()
            if node.config.fallback is not None and node.config.fallback in self.nodes
        }
        self.rescues: dict[str, str] = {fallback: node for node, fallback in self.rescued_by.items()}

    def targets(self, node: str) -> list[str]:
        """Where its edges lead."""
        return [self.edges[place].target for place in self.out[node]]

    def following(self, node: str) -> list[str]:
        """What may come after it: where its edges lead, and its fallback; what follows whom it stands in for."""
        found = self.targets(node)
        if node in self.rescued_by:
            found.append(self.rescued_by[node])
        if node in self.rescues and self.rescues[node] != node:
            found += self.targets(self.rescues[node])
        return found

    @property
    def starts(self) -> list[str]:
        """Nodes without an edge into them but from their own loop's body, and nobody's fallback."""
        return [
            one
            for one, edges in self.into.items()
            if one not in self.rescues and (not edges or (self.is_loop(one) and self._only_back(one)))
        ]

    @property
    def terminals(self) -> list[str]:
        """Nodes after which nothing comes, but those in a loop, which it comes after, and fallbacks."""
        inner: set[str] = set()
        for loop in (one for one in self.nodes if self.is_loop(one)):
            inner |= self.body(loop)
        return [one for one in self.nodes if one not in inner and one not in self.rescues and not self._ways_on(one)]

    def is_loop(self, node: str) -> bool:
        """Whether the node is of the kind `loop`."""
        return self.nodes[node].uses == "loop"

    def continues(self, loop: str) -> list[int]:
        """The edges of the loop that begin a turn."""
        return [place for place in self.out[loop] if self.edges[place].action == "continue"]

    def body(self, loop: str) -> set[str]:
        """What a turn of the loop may come to: all that follows its `continue` edges without passing the loop."""
        return reached((self.edges[place].target for place in self.continues(loop)), self.following, stop={loop})

    def _only_back(self, loop: str) -> bool:
        body = self.body(loop)
        return all(self.edges[place].source in body for place in self.into[loop])

    def _ways_on(self, node: str) -> list[int]:
        begins = self.continues(node) if self.is_loop(node) else []
        return [place for place in self.out[node] if place not in begins]


def reached(starts: Iterable[str], following: Callable[[str], Iterable[str]], stop: Collection[str] = ()) -> set[str]:
    """All that can be come to from there, the starts among them, without going through those where to stop."""
    seen = {one for one in starts if one not in stop}
    rest = deque(seen)
    while rest:
        for other in following(rest.popleft()):
            if other not in seen and other not in stop:
                seen.add(other)
                rest.append(other)
    return seen


def in_order(following: Mapping[str, Sequence[str]]) -> tuple[list[str], set[str]]:
    """The nodes with every one before what follows it; and those that can't be, for they lie on or after a cycle."""
    before = dict.fromkeys(following, 0)
    for others in following.values():
        for other in others:
            before[other] += 1
    rest = deque(one for one, count in before.items() if count == 0)
    found: list[str] = []
    while rest:
        node = rest.popleft()
        found.append(node)
        for other in following[node]:
            before[other] -= 1
            if before[other] == 0:
                rest.append(other)
    return found, set(before) - set(found)


def cycles(following: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Cycles, no two through one node, its first node again at the end; none if and only if there are none."""
    _, odd = in_order(following)
    found: list[list[str]] = []
    done: set[str] = set()
    for root in (one for one in following if one in odd):
        if root not in done:
            _walk(root, following, odd, done, found)
    return found


def _walk(
    root: str,
    following: Mapping[str, Sequence[str]],
    odd: Collection[str],
    done: set[str],
    found: list[list[str]],
) -> None:
    """Follow edges depth first; one back to the path closes a cycle, told if its nodes are in no other.

    `last` has for each place on the path the last one, up to there, whose node is in a cycle that was told.
    """
    path, steps, last = [root], [iter(following[root])], [-1]
    at = {root: 0}
    while path:
        for other in steps[-1]:
            if other in at:
                begins = at[other]
                if last[-1] < begins:
                    found.append([*path[begins:], other])
                    last[begins:] = range(begins, len(path))
            elif other in odd and other not in done:
                at[other] = len(path)
                path.append(other)
                steps.append(iter(following[other]))
                last.append(last[-1])
                break
        else:
            done.add(path[-1])
            del at[path.pop()]
            steps.pop()
            last.pop()
