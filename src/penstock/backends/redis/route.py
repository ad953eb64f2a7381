"""Which node serves: the one that was named, until a Cluster says another. Knows no connection."""

from typing import Final

from penstock.backends.redis.address import Node


class Route:
    """The node to ask, and those to try when it does not answer. Any thread may ask it."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        self.node = nodes[0]
        self._known: Final = list(nodes)

    def moved(self, text: str, said_by: Node) -> Node:
        """`MOVED slot host:port`: from now on that node is asked."""
        self.node = redirected(text, said_by)
        self.learn(self.node)
        return self.node

    def learn(self, node: Node) -> None:
        """There is such a node, too."""
        if node not in self._known:
            self._known.append(node)

    def astray(self, node: Node) -> None:
        """That node does not serve: ask the next one, unless somebody has changed to another already."""
        if self.node == node and node in self._known:
            self.node = self._known[(self._known.index(node) + 1) % len(self._known)]


def redirected(text: str, said_by: Node) -> Node:
    """The node that a MOVED or ASK names. Without a host it is on the one that said so."""
    host, _, port = text.split(" ")[2].rpartition(":")
    return Node(host.strip("[]") if host not in {"", "?"} else said_by.host, int(port))
