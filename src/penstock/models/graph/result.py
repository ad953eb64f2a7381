"""What a graph run has come to, once it is over. Looks at every node, once."""

from typing import Any

from penstock.models.graph.events import GraphResult, NodeResult
from penstock.models.graph.scheme import Scheme
from penstock.models.graph.state import GraphState


def result_of(scheme: Scheme, state: GraphState) -> GraphResult:
    """Outputs by node, the context, how each node ended; and the output of the whole."""
    return GraphResult(
        output=_last(scheme, state), outputs=dict(state.outputs), context=dict(state.context), nodes=ends(scheme, state)
    )


def ends(scheme: Scheme, state: GraphState) -> dict[str, NodeResult]:
    """How each node stands, in the order of the blueprint; of those in a loop, in the last turn."""
    found: dict[str, NodeResult] = {}
    for one in scheme.stops:
        node = state.nodes.get(one)
        if node is None:
            found[one] = NodeResult(status="pending")
        else:
            loop = state.loops.get(one)
            found[one] = NodeResult(
                status=node.status,
                action=node.action,
                turns=None if loop is None else loop.turn,
                url=node.url,
                error=node.error,
            )
    return found


def _last(scheme: Scheme, state: GraphState) -> Any:
    if len(scheme.terminals) == 1:
        return state.outputs.get(scheme.terminals[0])
    return {one: state.outputs[one] for one in scheme.terminals if one in state.outputs}
