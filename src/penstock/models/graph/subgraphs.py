"""What crosses between a graph and one of its own nodes that is a graph itself."""

from typing import Any, cast

from penstock.models.graph import paths
from penstock.models.graph.parts import SubgraphParams


def handed(settings: SubgraphParams, given: Any, scope: paths.Scope) -> tuple[Any, dict[str, Any]]:
    """Input and context of the graph below: the node's input, or what is mapped and nothing else."""
    if settings.inputs is None:
        return given, {}
    return None, paths.resolved(settings.inputs, scope)


def returned(settings: SubgraphParams, result: Any) -> Any:
    """The node's output, from the `GraphResult` below in plain values: what is mapped, or what it ended with."""
    plain = cast("dict[str, Any]", result)
    if settings.outputs is None:
        return plain["output"]
    scope = paths.Scope(nodes=plain["nodes"], outputs=plain["outputs"], context=plain["context"])
    return paths.resolved(settings.outputs, scope)
