"""What has happened in a graph run, as numbered events: made again from its records, never stored.

Pure. Each event says what it has changed of the context, so that who reads them all has the context, too.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.events import (
    Await,
    Block,
    Cancel,
    Decided,
    Fail,
    Failed,
    Finished,
    GraphEvent,
    Happened,
    NodeResult,
    OpenWebhook,
    Signalled,
    Sleep,
    Start,
    StartGraph,
    Succeed,
    TimedOut,
    Told,
    Woke,
    Write,
)
from penstock.models.graph.planner import Planner
from penstock.models.graph.result import ends
from penstock.models.graph.rewinding import Past, Rewound
from penstock.models.graph.scheme import Scheme
from penstock.models.graph.stored import Baggage, Entry, Rewind, child_id

Ended: TypeAlias = Literal["running", "succeeded", "failed", "cancelled"]

_GONE: Final = object()


class GraphMoment(msgspec.Struct, frozen=True, kw_only=True):
    """How a graph run stood at one of its events."""

    seq: int
    at: float  # unix seconds
    status: Ended
    context: dict[str, Any]
    outputs: dict[str, Any]  # by node, as far as they were there
    nodes: dict[str, NodeResult]


class Chronicle:
    """Tells the records of one graph run again."""

    def __init__(self, run_id: str, history: int, name: str, baggage: Baggage, rewinds: Sequence[Rewind] = ()) -> None:
        if name not in baggage.blueprints:
            raise Invalid("blueprint", name, f"one of {', '.join(baggage.blueprints)}")
        blueprint = Blueprint.from_dict(baggage.blueprints[name], check=False)
        self.planner = Planner(Scheme(blueprint.id, blueprint.nodes, blueprint.edges))
        self._run_id = run_id
        self._history = history - len(rewinds)
        self._baggage = baggage
        self._past = Past(self.planner.scheme, baggage, rewinds)
        self._seq = 0
        self._at = 0.0

    def told(self, entries: Sequence[Entry], end: GraphEvent | None = None) -> Iterator[list[GraphEvent]]:
        """The events, in order; those at once that one thing has brought about, behind which `planner` stands then.

        `end`: how the run itself has ended, if it has; its number is made here.
        """
        for number, entry in enumerate(entries):
            self._at = entry.at
            if number == 0:
                yield self._began()
            for noted in entry.events:
                yield self._told(noted.event)
            for one in self._past.take(entry):
                yield [self._numbered(one.rewind.ended, at=one.rewind.ended.at)]
                yield self._went_back(one)
        if end is not None:
            yield [self._numbered(end, at=end.at)]

    def moment(self, entries: Sequence[Entry], end: GraphEvent | None, seq: int | None) -> GraphMoment:
        """How the run stood when that event, or the last one, had happened. Raises `Invalid` for one that is not there.

        Of a run that has no events yet: how it will begin.
        """
        last: GraphEvent | None = None
        for events in self.told(entries, end):
            last = events[-1]
            if seq is not None and seq <= last.seq:
                return self._standing(events[seq - last.seq - 1])
        if seq is None:
            if last is None:
                self.planner.state.context.update(self._baggage.context)
            return self._standing(last or GraphEvent(kind="graph.started"))
        raise Invalid(
            "seq", seq, f"from 1 to {last.seq}, the last event" if last else "1 or more, once there are events"
        )

    def _standing(self, event: GraphEvent) -> GraphMoment:
        state = self.planner.state
        return GraphMoment(
            seq=event.seq,
            at=event.at,
            status=_STATUSES.get(event.kind, "running"),
            context=dict(state.context),
            outputs=dict(state.outputs),
            nodes=ends(self.planner.scheme, state),
        )

    def _began(self) -> list[GraphEvent]:
        given = self._baggage
        decided = self.planner.begin(input=given.input, context=given.context)
        changes = tuple(Write(op="set", key=key, value=value) for key, value in given.context.items())
        began = self._numbered(GraphEvent(kind="graph.started", data=given.input, changes=changes))
        return [began, *self._decided(decided)]

    def _told(self, event: Told) -> list[GraphEvent]:
        state = self.planner.state
        node = _node_of(event.key) if event.key not in state.active else state.active[event.key][0]
        decided = self.planner.feed(event)
        happened = GraphEvent(kind="node.woke", node=node, key=event.key)
        match event:
            case Finished():
                changes = tuple(_standing(state.context, key) for key in dict.fromkeys(one.key for one in event.writes))
                kind: Happened = "node.opened" if event.key in state.active else "node.finished"
                happened = replace(happened, kind=kind, data=event.output, action=event.action, changes=changes)
            case Failed():
                happened = replace(happened, kind="node.failed", error=event.error)
            case Signalled():
                happened = replace(happened, kind="node.signalled", data=event.data, action=event.action)
            case TimedOut():
                happened = replace(happened, kind="node.timed_out")
            case Woke():
                pass
        return [self._numbered(happened), *self._decided(decided)]

    def _went_back(self, to: Rewound) -> list[GraphEvent]:
        rewind = to.rewind
        before, self.planner = self.planner.state.context, to.planner
        now = to.planner.state.context
        changed = [key for key in dict.fromkeys([*before, *now]) if before.get(key, _GONE) != now.get(key, _GONE)]
        self._history += 1
        self._at = rewind.at
        event = GraphEvent(
            kind="graph.rolled_back" if rewind.back else "graph.rerun",
            node=rewind.node,
            data=rewind.input,
            changes=tuple(_standing(now, key) for key in changed),
        )
        return [self._numbered(event), *self._decided(list(to.open))]

    def _decided(self, decided: list[Decided]) -> list[GraphEvent]:
        found: list[GraphEvent] = []
        for one in decided:
            found += [self._numbered(event) for event in self._events(one)]
        return found

    def _events(self, decided: Decided) -> list[GraphEvent]:
        match decided:
            case Start(key=key, node=node, input=given) | StartGraph(key=key, node=node, input=given):
                run = child_id(self._run_id, self._history, key)
                return [GraphEvent(kind="node.started", node=node, key=key, data=given, node_run=run)]
            case Await(key=key, node=node, signal=signal, timeout=timeout):
                until = None if timeout is None else self._at + timeout
                return [GraphEvent(kind="node.waiting", node=node, key=key, data={"signal": signal}, until_at=until)]
            case Sleep(key=key, node=node, seconds=seconds):
                return [GraphEvent(kind="node.sleeping", node=node, key=key, until_at=self._at + seconds)]
            case OpenWebhook(key=key, node=node, signal=signal):
                return [GraphEvent(kind="node.started", node=node, key=key, data={"signal": signal})]
            case Block(key=key, node=node, error=error):
                return [GraphEvent(kind="node.blocked", node=node, key=key, error=error)]
            case Cancel(keys=keys):
                return [GraphEvent(kind="node.cancelled", node=_node_of(key), key=key) for key in keys]
            case Succeed() | Fail():
                return []  # what the run has come to says its own record
            case _:
                return [GraphEvent(kind="node.barred" if decided.barred else "node.skipped", node=decided.node)]

    def _numbered(self, event: GraphEvent, at: float | None = None) -> GraphEvent:
        self._seq += 1
        return replace(event, seq=self._seq, run_id=self._run_id, at=self._at if at is None else at)


_STATUSES: Final[dict[str, Ended]] = {
    "graph.succeeded": "succeeded",
    "graph.failed": "failed",
    "graph.cancelled": "cancelled",
}


def _standing(context: dict[str, Any], key: str) -> Write:
    """What the key was brought to, perhaps by a later write than this one."""
    value = context.get(key, _GONE)
    return Write(op="delete", key=key) if value is _GONE else Write(op="set", key=key, value=value)


def _node_of(key: str) -> str:
    return key.rpartition("/")[2].partition("[")[0]
