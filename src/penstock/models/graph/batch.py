"""How a batch goes on: which items start now, and what it has come to. Knows its own state, and no graph."""

from collections.abc import Iterable
from typing import Any, cast

from penstock.core.error_record import ErrorRecord
from penstock.core.errors import NodeFailed
from penstock.models.graph.parts import BatchParams
from penstock.models.graph.state import BatchState
from penstock.models.graph.validation import tolerated


def opened(node: str, settings: BatchParams, given: Any) -> BatchState:
    """A batch over the list. Raises `NodeFailed` for what is no list."""
    if not isinstance(given, list | tuple):
        raise NodeFailed(node, f"a batch goes over a list, its input is of type {type(given).__name__}")
    items = len(cast("list[Any]", given))
    allowed = tolerated(settings.tolerance, items)
    return BatchState(allowed=allowed, results=[None] * items, until=min(items, settings.chunk or items))


def startable(state: BatchState, settings: BatchParams) -> Iterable[int]:
    """The items to start now; they count as under way."""
    if state.next == state.until and not state.running and settings.chunk is not None:
        state.until = min(len(state.results), state.until + settings.chunk)
    room = state.until if settings.concurrency is None else settings.concurrency - len(state.running)
    items = range(state.next, min(state.until, state.next + room))
    state.next = max(state.next, items.stop)
    state.running.update(items)
    return items


def succeeded(state: BatchState, item: int, output: Any) -> None:
    """The item has ended well."""
    state.running.discard(item)
    state.results[item] = {"status": "succeeded", "output": output}


def failed(state: BatchState, item: int, error: ErrorRecord) -> bool:
    """The item has ended badly. Whether these are too many."""
    state.running.discard(item)
    state.results[item] = {"status": "failed", "error": {"type": error.type, "message": error.message}}
    state.failed += 1
    return state.failed > state.allowed


def is_over(state: BatchState) -> bool:
    """Whether every item has ended."""
    return state.next == len(state.results) and not state.running
