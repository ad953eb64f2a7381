"""Walks a blueprint dry: outcomes are given, nothing is run, and no time passes. For tests of blueprints."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from penstock.core.error_record import describe
from penstock.core.errors import Invalid
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.context import GraphContext
from penstock.models.graph.events import (
    Await,
    Began,
    Cancel,
    Decided,
    Fail,
    Failed,
    Finished,
    GraphResult,
    NodeOutcome,
    OpenWebhook,
    Signalled,
    Sleep,
    Start,
    StartGraph,
    TimedOut,
    Told,
    Woke,
)
from penstock.models.graph.history import History, Replayed
from penstock.models.graph.result import ends, result_of
from penstock.models.graph.scheme import Scheme

Said: TypeAlias = Callable[[Any, GraphContext], Any] | Any


class Stepper:
    """Goes through a blueprint wave by wave: each `next` ends all that has been started.

    `outcomes` says by node what it comes to: a value, its output; a `NodeOutcome`, with an action; an exception, raised
    for good; or a function of (input, context) that returns or raises one of these, the context having `get`, `set` and
    `delete`. Of a node that is not named the output is None. A `wait`, or a
    webhook that waits, stands until it is named, or until `signal`; with
    `TimeoutError` its time is over. Of a subgraph the value is its outputs by node. Raises `InvalidBlueprint`.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        outcomes: Mapping[str, Said] | None = None,
        *,
        input: Any = None,  # noqa: A002 (the word of blueprints)
        context: Mapping[str, Any] | None = None,
    ) -> None:
        self.scheme = Scheme(blueprint.id, blueprint.nodes, blueprint.edges)
        self.outcomes: dict[str, Said] = dict(outcomes or {})
        self.history = History(input=input, context=dict(context or {}), events=[])
        self._marks: list[int] = []
        self._now = self._replayed()

    @property
    def started(self) -> list[str]:
        """The keys of what has been started and not ended: a node's id, in loops and batches with turn and item."""
        return list(self._now.open)

    @property
    def decided(self) -> list[Decided]:
        """All that the planner has decided so far."""
        return list(self._now.decided)

    @property
    def waiting(self) -> list[str]:
        """The nodes that wait for a signal."""
        return [one.node for one in self._now.open.values() if isinstance(one, Await)]

    @property
    def done(self) -> bool:
        """Whether the graph run is over."""
        return self._now.planner.state.status != "running"

    @property
    def statuses(self) -> dict[str, str]:
        """How each node stands."""
        return {one: node.status for one, node in ends(self.scheme, self._now.planner.state).items()}

    @property
    def context(self) -> dict[str, Any]:
        """The context as it stands."""
        return dict(self._now.planner.state.context)

    @property
    def result(self) -> GraphResult:
        """What it has come to by now."""
        return result_of(self.scheme, self._now.planner.state)

    @property
    def failure(self) -> Fail | None:
        """The node and the error by which the run has failed; None otherwise."""
        last = self._now.decided[-1] if self._now.decided else None
        return last if isinstance(last, Fail) else None

    def next(self) -> list[str] | None:
        """End all that has been started, but waits without an outcome; their keys. None once the run is over."""
        if self.done:
            return None
        self._marks.append(len(self.history.events))
        wave: list[str] = []
        for key, started in list(self._now.open.items()):
            event = None if key not in self._now.open else self._ended(started)
            if event is not None:
                self._tell(event)
                wave.append(key)
        return wave

    def run(self) -> GraphResult:
        """Go on until nothing moves; what it has come to."""
        while self.next():
            pass
        return self.result

    def prev(self) -> bool:
        """Back to before the last `next` or `signal`. False if there was none."""
        if not self._marks:
            return False
        self.history.events = self.history.events[: self._marks.pop()]
        self._now = self._replayed()
        return True

    def reset(self) -> None:
        """Back to the start."""
        self.history.events = []
        self._marks = []
        self._now = self._replayed()

    def signal(self, node: str, data: Any = None, *, action: str | None = None) -> None:
        """The signal that the wait is for comes. Raises `Invalid` if the node does not wait."""
        for key, started in self._now.open.items():
            if isinstance(started, Await) and started.node == node:
                self._marks.append(len(self.history.events))
                self._tell(Signalled(key=key, data=data, action=action))
                return
        raise Invalid("node", node, f"a node that waits: {', '.join(self.waiting) or 'there is none'}")

    def _replayed(self) -> Replayed:
        return self.history.replay(self.scheme)

    def _tell(self, event: Told) -> None:
        self.history.events.append(event)
        self._now.open.pop(event.key, None)
        for one in self._now.planner.feed(event):
            self._now.decided.append(one)
            if isinstance(one, Began):
                self._now.open[one.key] = one
            elif isinstance(one, Cancel):
                for key in one.keys:
                    self._now.open.pop(key, None)

    def _ended(self, started: Began) -> Told | None:
        match started:
            case Sleep():
                return Woke(key=started.key)
            case Await():
                return self._signalled(started)
            case OpenWebhook():
                made = {"url": f"https://example.org/{started.key}", "signal": started.signal}
                if started.waits:
                    return Finished(key=started.key, output=made)
                return self._finished(started.key, started.node, made, None)
            case StartGraph():
                return self._finished(started.key, started.node, None, started.input, below=True)
            case Start():
                return self._finished(started.key, started.node, None, started.input)

    def _signalled(self, started: Await) -> Told | None:
        if started.node not in self.outcomes:
            return None
        said = self.outcomes[started.node]
        if said is TimeoutError or isinstance(said, TimeoutError):
            return TimedOut(key=started.key)
        outcome = said if isinstance(said, NodeOutcome) else NodeOutcome(said)
        return Signalled(key=started.key, data=outcome.output, action=outcome.action)

    def _finished(self, key: str, node: str, otherwise: Any, given: Any, *, below: bool = False) -> Told:
        draft = GraphContext(self._now.planner.state.context)
        said = self.outcomes.get(node, otherwise)
        if callable(said) and not isinstance(said, type):
            try:
                said = said(given, draft)
            except Exception as error:  # noqa: BLE001 (an outcome may be any error, and becomes the node's)
                said = error
        if isinstance(said, type) and issubclass(said, BaseException):
            said = said()
        if isinstance(said, BaseException):
            return Failed(key=key, error=describe(said))
        outcome = said if isinstance(said, NodeOutcome) else NodeOutcome(said)
        output = _below(outcome.output) if below else outcome.output
        return Finished(key=key, output=output, action=outcome.action, writes=tuple(draft.writes))


def _below(outputs: Any) -> dict[str, Any]:
    """The result of a graph below, of its outputs by node."""
    named = cast("dict[str, Any]", outputs) if isinstance(outputs, dict) else {}
    return {"output": outputs, "outputs": named, "nodes": dict.fromkeys(named), "context": {}}
