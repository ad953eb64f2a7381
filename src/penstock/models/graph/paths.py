"""Where a node's input comes from: a node, a path into its output, a key of the context, or a map of such."""

from collections.abc import Container, Mapping
from typing import Any, cast

import msgspec

from penstock.models.graph.parts import Inputs


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a path may lead into."""

    nodes: Container[str]
    input: Any = None
    outputs: Mapping[str, Any] = {}
    inputs: Mapping[str, Any] = {}
    context: Mapping[str, Any] = {}


def resolved(wanted: Inputs, scope: Scope) -> Any:
    """What the path leads to, or the map of what each of its paths leads to. What is not there is None, no error."""
    if isinstance(wanted, str):
        return follow(wanted, scope)
    return {name: follow(path, scope) for name, path in wanted.items()}


def follow(path: str, scope: Scope) -> Any:
    """What this one path leads to. A node's id comes before a key of the context that is called the same."""
    head, dot, rest = path.partition(".")
    match head:
        case "input":
            return _within(scope.input, rest)
        case "outputs" if dot:
            return _within(scope.outputs, rest)
        case "inputs" if dot:
            return _within(scope.inputs, rest)
        case "context" if dot:
            return _of_context(rest, scope.context)
        case _ if head in scope.nodes:
            return _within(scope.outputs.get(head), rest)
        case _:
            return _of_context(path, scope.context)


def _of_context(path: str, context: Mapping[str, Any]) -> Any:
    """A key may have dots itself: the whole text is tried first, then its head and a path from there."""
    if path in context:
        return context[path]
    return _within(context, path)


def _within(value: Any, path: str) -> Any:
    """Along the steps: keys of maps, places in lists."""
    for step in path.split(".") if path else ():
        if isinstance(value, Mapping):
            value = cast("Mapping[str, Any]", value).get(step)
        elif isinstance(value, list | tuple) and step.isdecimal() and len(step) < 10:
            items = cast("list[Any]", value)
            value = items[int(step)] if int(step) < len(items) else None
        else:
            return None
    return value
