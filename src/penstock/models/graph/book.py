"""A graph run's state as planning reads and keeps it: keys, inputs, variables, who is under way. Decides nothing."""

import re
from typing import Any, Final

from penstock.models.graph import paths
from penstock.models.graph.scheme import Scheme, Stop
from penstock.models.graph.state import GraphState, NodeState

_TURN: Final = re.compile(r"([A-Za-z0-9_\-]+)\[([0-9]+)\]")


class Book:
    """What is known of one graph run."""

    def __init__(self, scheme: Scheme, state: GraphState) -> None:
        self.scheme = scheme
        self.state = state

    def node(self, node: str) -> NodeState:
        """How the node stands."""
        found = self.state.nodes.get(node)
        if found is None:
            found = self.state.nodes[node] = NodeState()
        return found

    def key(self, stop: Stop) -> str:
        """Of this node in the present turns of the loops around it: `polish[2]/draft`."""
        turns = "".join(f"{loop}[{self.state.loops[loop].turn}]/" for loop in stop.loops)
        return turns + stop.node.id

    def is_of_earlier_turn(self, key: str, stop: Stop) -> bool:
        """Whether this is a key that the node had in an earlier turn of the loops around it."""
        turns = [_TURN.fullmatch(part) for part in key.split("/")[:-1]]
        named = [(one[1], int(one[2])) for one in turns if one is not None]
        if tuple(loop for loop, _ in named) != stop.loops or not named:
            return False
        now = [self.state.loops[loop].turn if loop in self.state.loops else 0 for loop in stop.loops]
        return [turn for _, turn in named] < now

    def activate(self, node: str) -> None:
        """It is under way, and the turns of the loops around it are not over."""
        self.state.under_way += 1
        self.hold(node)

    def end(self, key: str, node: str) -> tuple[str, ...]:
        """It is no longer under way; the loops around it."""
        self.state.active.pop(key, None)
        self.state.under_way -= 1
        return self.let_go(node)

    def hold(self, node: str) -> None:
        """The turns of the loops around it are not over."""
        for loop in self.scheme.stops[node].loops:
            self.state.loops[loop].busy += 1

    def let_go(self, node: str) -> tuple[str, ...]:
        """It no longer holds up the loops around it, which are these."""
        loops = self.scheme.stops[node].loops
        for loop in loops:
            self.state.loops[loop].busy -= 1
        return loops

    def forget(self, nodes: tuple[str, ...]) -> None:
        """These nodes have not run, as far as the next turn is concerned."""
        state = self.state
        for one in nodes:
            for records in (state.nodes, state.outputs, state.inputs, state.loops, state.batches):
                records.pop(one, None)

    def input(self, stop: Stop) -> Any:
        """What the node is given."""
        node, state = stop.node.id, self.state
        if node in state.overrides:
            return state.overrides[node]
        if stop.node.inputs is not None:
            return paths.resolved(stop.node.inputs, self.scope())
        if stop.primary is not None:
            return state.inputs[stop.primary]
        if stop.need == 0:
            return state.input
        return self.gathered(self.node(node).taken, single=stop.need == 1)

    def gathered(self, taken: list[int], *, single: bool) -> Any:
        """What came along these edges: of one that is alone its value, of several a map by source."""
        ways, values = self.scheme.ways, self.state.values
        found: dict[str, Any] = {}
        for place in sorted(taken):
            source = ways[place].edge.source
            found[source] = values[place] if ways[place].transform is not None else self.state.outputs.get(source)
        return next(iter(found.values()), None) if single else found

    def scope(self) -> paths.Scope:
        """What paths lead into."""
        state = self.state
        return paths.Scope(
            nodes=self.scheme.stops,
            input=state.input,
            outputs=state.outputs,
            inputs=state.inputs,
            context=state.context,
        )

    def variables(self, node: str) -> dict[str, Any]:
        """What an expression on an edge from this node may read."""
        state = self.state
        return {
            "output": state.outputs.get(node),
            "action": self.node(node).action,
            "input": state.inputs.get(node),
            "outputs": state.outputs,
            "inputs": state.inputs,
            "context": state.context,
        }
