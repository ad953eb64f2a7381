"""What graph runs tell as plain values under stable names, every field always there; secrets by their names unreadable.

For those that show it: the command line and the server. Knows neither.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from penstock.models.graph.chronicle import GraphMoment
from penstock.models.graph.events import GraphEvent, NodeResult

Redact: TypeAlias = Callable[[Any], Any]
Event: TypeAlias = GraphEvent  # what the documents are of
Moment: TypeAlias = GraphMoment


def event_document(event: GraphEvent, redact: Redact) -> dict[str, Any]:
    """One event."""
    found = {name: msgspec.to_builtins(getattr(event, name)) for name in event.__struct_fields__}
    found["data"] = redact(found["data"])
    found["changes"] = [
        {"op": one.op, "key": one.key, "value": redact({one.key: msgspec.to_builtins(one.value)})[one.key]}
        for one in event.changes
    ]
    return found


def moment_document(moment: GraphMoment, redact: Redact) -> dict[str, Any]:
    """How a run stood at one of its events."""
    return {
        "seq": moment.seq,
        "at": moment.at,
        "status": moment.status,
        "context": redact(msgspec.to_builtins(moment.context)),
        "outputs": {node: redact(msgspec.to_builtins(value)) for node, value in moment.outputs.items()},
        "nodes": _nodes(moment.nodes),
    }


def _nodes(nodes: dict[str, NodeResult]) -> dict[str, Any]:
    """How nodes stand, by id."""
    fields = NodeResult.__struct_fields__
    return {node: {name: msgspec.to_builtins(getattr(one, name)) for name in fields} for node, one in nodes.items()}
