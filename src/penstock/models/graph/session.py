"""A graph run being planned: the planner, and what stands open. Told the same entries it comes to the same.

Pure. What it has decided and nobody has carried out yet is in `fresh`.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from penstock.core.errors import Invalid
from penstock.core.record import Record
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.events import (
    Await,
    Block,
    Cancel,
    Decided,
    Fail,
    OpenWebhook,
    Signalled,
    Sleep,
    Start,
    StartGraph,
    Succeed,
)
from penstock.models.graph.planner import Planner
from penstock.models.graph.portions import Portions
from penstock.models.graph.rewinding import Past, Rewound
from penstock.models.graph.scheme import Scheme
from penstock.models.graph.stored import Baggage, Entry, Noted, Rewind, child_id

Started: TypeAlias = Start | StartGraph
Carried: TypeAlias = Started | Cancel


def _stored(data: object) -> Blueprint:
    """The blueprint that `to_dict` gave these values: it was looked at field by field when it came."""
    try:
        return msgspec.convert(data, Blueprint)
    except msgspec.ValidationError:
        return Blueprint.from_dict(data, check=False)  # which says all that is wrong with it


class Awaiting(Record, frozen=True, kw_only=True):
    """A wait that stands."""

    signal: str
    due: float | None  # unix seconds


class Session:
    """One history of one graph run. Raises `InvalidBlueprint` for a blueprint that could not run."""

    def __init__(self, run_id: str, history: int, name: str, baggage: Baggage, rewinds: Sequence[Rewind] = ()) -> None:
        if name not in baggage.blueprints:
            raise Invalid("blueprint", name, f"one of {', '.join(baggage.blueprints)}")
        blueprint = _stored(baggage.blueprints[name])
        self.run_id = run_id
        self.history = history - len(rewinds)
        self.baggage = baggage
        self.planner = Planner(Scheme(blueprint.id, blueprint.nodes, blueprint.edges))
        self.life = self.claims = 0  # of the run, when it was planned last
        self.entries = 0  # that it was told
        self.turn = 0
        self.open: dict[str, str] = {}  # by key: the run that was started and has not ended, in order
        self.blocked: dict[str, tuple[str, int]] = {}  # by key: the run that may be redriven, and the life that failed
        self.waits: dict[str, Awaiting] = {}
        self.sleeps: dict[str, float] = {}  # by key: until when
        self.hooks: dict[str, OpenWebhook] = {}  # by key: asked for, and not made
        self.read: dict[str, int] = {}  # by signal: messages that were read
        self.fresh: list[Carried] = []
        self.ended = 0  # ends of runs that it was told
        self.astray = 0  # ends of runs that it will never be told: those that it had cancelled
        self.portions = Portions(self.planner.scheme)
        self.planned_at = 0.0  # when it was planned last, on its worker's clock; 0: not here
        self.failed_by: int | None = None  # the entry that a redrive drops: the end by which the graph has failed
        self.end: Succeed | Fail | None = None
        self._past = Past(self.planner.scheme, baggage, rewinds)

    def take(self, entry: Entry) -> None:
        """The next entry of its history. With a new turn all has been carried out that was decided in earlier ones."""
        self.begin(entry.turn)
        if self.entries == 0:
            self.start(entry.at)
        self.entries += 1
        for noted in entry.events:
            self.tell(noted, entry.at)
            if isinstance(self.end, Fail) and noted.life:
                self.failed_by = self.entries - 1
        self.carried_out(self.to_start()[: entry.started])
        for one in self._past.take(entry):
            self._go_back(one)

    def _go_back(self, to: Rewound) -> None:
        """Another history begins: what is under way in it is to be started, under ids of its own."""
        self.history += 1
        self.planner = to.planner
        self.end = self.failed_by = None
        self.blocked = {key: one for key, one in self.blocked.items() if key in to.blocked}
        for standing in (self.open, self.waits, self.sleeps, self.hooks, self.fresh):
            standing.clear()
        self.portions.clear()
        self._note(list(to.open), to.rewind.at)

    def start(self, at: float) -> None:
        """The run begins."""
        self._note(self.planner.begin(input=self.baggage.input, context=self.baggage.context), at)

    @property
    def over(self) -> bool:
        """Whether the graph has ended, and nothing is started any more."""
        return self.end is not None

    def to_start(self) -> list[Started]:
        """What is to be started, in order; without what has ended since, for a start that was refused is an end."""
        if self.over:
            return []
        return [one for one in self.fresh if not isinstance(one, Cancel) and one.key in self.open]

    def carried_out(self, done: Sequence[Carried]) -> None:
        """These need not be carried out any more; nor need what has ended since."""
        gone = {id(one) for one in done}
        self.fresh = [
            one for one in self.fresh if id(one) not in gone and (isinstance(one, Cancel) or one.key in self.open)
        ]

    @property
    def size(self) -> int:
        """How many nodes the graph has."""
        return len(self.planner.scheme.stops)

    def settle(self) -> None:
        """All that was decided has been carried out; what was cancelled before may end meanwhile."""
        self.fresh.clear()
        self.astray = 0

    def begin(self, turn: int) -> None:
        """What is told from now on belongs to this turn."""
        if turn != self.turn:
            self.turn = turn
            self.fresh.clear()

    def tell(self, noted: Noted, at: float) -> None:
        """One thing that has happened."""
        event = noted.event
        waited = self.waits.pop(event.key, None)
        if isinstance(event, Signalled) and waited is not None:
            self.read[waited.signal] = self.read.get(waited.signal, 0) + 1
        elif noted.life:
            self.ended += 1
        held = self._closed(event.key) or self.blocked.pop(event.key, ("", 0))[0]
        self.sleeps.pop(event.key, None)
        self.hooks.pop(event.key, None)
        self._note(self.planner.feed(event), at, blocked=(held, noted.life))

    def _note(self, decided: list[Decided], at: float, blocked: tuple[str, int] = ("", 0)) -> None:
        for one in decided:
            match one:
                case Start() | StartGraph():
                    self.open[one.key] = child_id(self.run_id, self.history, one.key)
                    self.portions.opened(one.key)
                    self.fresh.append(one)
                case Await():
                    due = None if one.timeout is None else at + one.timeout
                    self.waits[one.key] = Awaiting(signal=one.signal, due=due)
                case Sleep():
                    self.sleeps[one.key] = at + one.seconds
                case OpenWebhook():
                    self.hooks[one.key] = one
                case Block():
                    self.blocked[one.key] = blocked
                case Cancel():
                    self._cancel(one)
                case Succeed() | Fail():
                    self.end = one
                case _:
                    pass

    def _closed(self, key: str) -> str | None:
        """The run under this key is under way no more; which it was."""
        run_id = self.open.pop(key, None)
        if run_id is not None:
            self.portions.closed(key)
        return run_id

    def _cancel(self, cancelled: Cancel) -> None:
        for key in cancelled.keys:
            self._closed(key)
            for standing in (self.waits, self.sleeps, self.hooks):
                standing.pop(key, None)
        self.fresh = [one for one in self.fresh if isinstance(one, Cancel) or one.key not in cancelled.keys]
        self.fresh.append(cancelled)

    @property
    def due(self) -> float | None:
        """The next moment at which something happens by itself."""
        moments = [*self.sleeps.values(), *(one.due for one in self.waits.values() if one.due is not None)]
        return min(moments, default=None)
