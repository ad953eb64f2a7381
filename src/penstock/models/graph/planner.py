"""The planner: told what has happened to a node, it says what to do next. Pure: no clock, no store, nothing awaited.

An event costs what the edges of its own node cost, and those of the nodes that are skipped by it. The same events give
the same state and the same decisions, so a graph run can be told its events again, or go on from a stored state.
"""

from collections.abc import Mapping
from typing import Any

from penstock.core.errors import Invalid
from penstock.models.graph import batch, context
from penstock.models.graph.book import Book
from penstock.models.graph.course import Course
from penstock.models.graph.events import Block, Decided, Failed, Finished, Signalled, TimedOut, Told, Woke
from penstock.models.graph.scheme import Scheme, Stop
from penstock.models.graph.state import GraphState


class Planner:
    """Plans one graph run. `state` is all it remembers; what it has decided is only in its answers."""

    def __init__(self, scheme: Scheme, state: GraphState | None = None) -> None:
        self.scheme = scheme
        self.state = GraphState() if state is None else state
        self.book = Book(scheme, self.state)
        self._course = Course(self.book)

    def begin(
        self,
        *,
        input: Any = None,  # noqa: A002 (the word of blueprints)
        context: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> list[Decided]:
        """Start the run. `input`: of nodes without edges into them; `overrides`: of nodes by id, before all else."""
        self.state.input, self.state.context = input, dict(context or {})
        self.state.overrides = dict(overrides or {})
        for start in self.scheme.starts:
            if self.state.status == "running":
                self._course.begin(start)
        return self._course.settled()

    def feed(self, event: Told) -> list[Decided]:
        """Take in what has happened; what to do now, in order. An event that was told before changes nothing.

        Raises `Invalid` for a key under which nothing was ever started, and for an event of another kind.
        """
        found = self.state.active.get(event.key)
        if found is None:
            return self._late(event)
        node, item = found
        self._check_kind(event, self.scheme.stops[node])
        match event:
            case Finished() if item is not None:
                self._apply(event)
                del self.state.active[event.key]
                batch.succeeded(self.state.batches[node], item, event.output)
                self._course.go_on(node)
            case Failed() if item is not None:
                del self.state.active[event.key]
                self._course.item_failed(node, item, event.error)
            case Finished() if self._course.opened(event.key, node, event.output):
                pass
            case Finished():
                self._apply(event)
                self._course.returned(event.key, node, event.output, event.action)
            case Signalled():
                self._course.end(event.key, node)
                self._course.succeed(node, event.data, event.action)
            case Woke():
                self._course.end(event.key, node)
                self._course.succeed(node, self.state.inputs[node], None)
            case TimedOut():
                self._course.end(event.key, node)
                self._course.timed_out(node)
            case Failed():
                self._course.end(event.key, node)
                self._course.fail(event.key, node, event.error, fatal=event.fatal)
        return self._course.settled()

    def _late(self, event: Told) -> list[Decided]:
        """Of a node that has ended, or of a run that is over: nothing. A blocked node may go on."""
        node = event.key.rpartition("/")[2].partition("[")[0]
        stop, state = self.scheme.stops.get(node), self.state.nodes.get(node)
        if stop is not None and self.book.is_of_earlier_turn(event.key, stop):
            return []
        if stop is None or state is None or state.status == "pending":
            raise Invalid("key", event.key, "the key of something that this graph run has started")
        if self.state.status != "running" or self.state.blocked.get(node) != event.key:
            return []
        self._check_kind(event, stop)
        if isinstance(event, Failed):  # redriven in vain
            state.error = event.error
            return [Block(key=event.key, node=node, error=event.error)]
        self.state.blocked.pop(node)
        self.book.let_go(node)
        self.book.activate(node)
        state.status, state.error = "running", None
        self.state.active[event.key] = (node, None)
        return self.feed(event)

    def _check_kind(self, event: Told, stop: Stop) -> None:
        match stop.node.uses:
            case "wait":
                fits = isinstance(event, Signalled | TimedOut)
            case "webhook":
                waits = self.state.nodes[stop.node.id].url is not None
                fits = isinstance(event, Signalled | TimedOut) if waits else isinstance(event, Finished)
            case "sleep":
                fits = isinstance(event, Woke)
            case _:
                fits = isinstance(event, Finished | Failed)
        if not fits and not isinstance(event, Failed):
            raise Invalid("event", event, f"an event of a node that uses {stop.node.uses}")

    def _apply(self, event: Finished) -> None:
        context.apply(self.state.context, self.state.stamps, event.writes)
