"""What one history of a run has recorded, and whether the code that replays it still fits. Pure: no loop, no store.

A durable call is known by its place: scope, position in it, name and ordinal of the name. An *outcome* is what came of
a call; a *note* is what a call that is under way must not lose: the moment it waits for, an attempt that failed.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from penstock.core.leases import Step
from penstock.core.record import Record

STEP: Final = "step"
SLEEP: Final = "sleep"
WAIT: Final = "wait"
CALL: Final = "call"
START: Final = "start"
VALUE: Final = "value"
PATCH: Final = "patch"  # takes no position: code may ask for it no more
ROLLBACK: Final = "rollback"  # the store knows this word: a run that has one is not ended before it has run them
MOMENT: Final = "moment"
ATTEMPT: Final = "attempt"

NOTES: Final[Mapping[str, frozenset[str]]] = {MOMENT: frozenset({SLEEP, WAIT}), ATTEMPT: frozenset({STEP})}
_MARK: Final = "!"  # between the path of a call and what tells its notes apart; an ordinal has none


class Place(Record, frozen=True, kw_only=True):
    """Where a durable call stands. Taken when the call is evaluated, whenever it is awaited."""

    scope: str
    name: str
    ordinal: int  # of the name in the scope, from 1
    position: int  # in the scope, from 0
    seen: int  # leading positions of the scope that were settled
    kind: str

    @property
    def path(self) -> str:
        """Unique in the history."""
        return f"{self.scope}/{self.name}#{self.ordinal}"

    def outcome(self, *, value: bytes | None = None, error: bytes | None = None, **fields: str | int | None) -> Step:
        """The record of what came of the call."""
        return self._step(self.path, self.kind, value, error, fields)

    def note(self, kind: str, mark: str, *, value: bytes | None = None, error: bytes | None = None) -> Step:
        """A record of what the call must not lose on its way."""
        return self._step(f"{self.path}{_MARK}{mark}", kind, value, error, {})

    def _step(
        self, path: str, kind: str, value: bytes | None, error: bytes | None, fields: Mapping[str, str | int | None]
    ) -> Step:
        given = {"scope": self.scope, "position": self.position, "seen": self.seen, **fields}
        return Step(path=path, kind=kind, value=value, error=error, **given)  # type: ignore[arg-type]


class Misfit(Exception):  # noqa: N818 (an answer, which becomes an outcome of the attempt)
    """The code does not fit what was recorded."""

    def __init__(self, recorded: str, called: str) -> None:
        super().__init__(f"recorded is {recorded}, the code calls {called}")
        self.recorded = recorded
        self.called = called


class Journal:
    """The records of one history, in the order written."""

    def __init__(self, steps: Sequence[Step] = ()) -> None:
        self.outcomes = [step for step in steps if step.kind not in NOTES]
        self.notes: dict[str, list[Step]] = {}  # by path of their call
        self._patches: dict[str, Step] = {}
        self._at: dict[tuple[str, int], Step] = {}
        self._seen: dict[str, int] = {}  # by scope: leading positions that some record had seen settled
        for step in steps:
            if step.kind == PATCH:
                self._patches[step.path] = step
                continue
            if step.kind in NOTES:
                self.notes.setdefault(call_of(step), []).append(step)
            if step.kind not in NOTES or (step.scope, step.position) not in self._at:
                self._at[step.scope, step.position] = step
            self._seen[step.scope] = max(step.seen, self._seen.get(step.scope, 0))

    def find(self, place: Place) -> Step | None:
        """What came of the call, if that is recorded. Raises `Misfit` if the call can't be the one that was made."""
        if place.kind == PATCH:
            return self._patches.get(place.path)
        known = self._at.get((place.scope, place.position))
        if known is None:
            if place.position < self._seen.get(place.scope, 0):
                raise Misfit(f"nothing there, and what came after it in scope {place.scope!r}", _shown(place))
            return None
        note = known.kind in NOTES
        fits = place.kind in NOTES[known.kind] if note else place.kind == known.kind
        if not fits or call_of(known) != place.path:
            raise Misfit(f"{known.kind} {call_of(known)}", _shown(place))
        return None if note else known


def call_of(step: Step) -> str:
    """The path of the call that the record is about."""
    return step.path.rpartition(_MARK)[0] if step.kind in NOTES else step.path


def name_of(path: str) -> str:
    """The name in the path of a call."""
    return path.partition("/")[2].rpartition("#")[0]


def _shown(place: Place) -> str:
    return f"{place.kind} {place.path}"


class Scope:
    """Where durable calls get their places: one for the workflow's body, one for each task that its code creates."""

    __slots__ = ("_children", "_names", "_once", "_positions", "_settled", "born", "leading", "parent", "path")

    def __init__(self, path: str = "", parent: "Scope | None" = None) -> None:
        self.path = path
        self.parent = parent
        self.leading: int = 0  # positions that are settled, up to the first that is not
        self.born: int = 0 if parent is None else parent.leading  # positions of its parent that were settled by then
        self._positions = 0
        self._names: dict[str, int] = {}
        self._once: set[str] = set()
        self._settled: set[int] = set()  # beyond the leading ones
        self._children = 0

    def take(self, name: str, kind: str) -> Place:
        """The place of a call that is evaluated now."""
        ordinal = self._names[name] = self._names.get(name, 0) + 1
        place = Place(
            scope=self.path, name=name, ordinal=ordinal, position=self._positions, seen=self.leading, kind=kind
        )
        self._positions += kind != PATCH
        return place

    def claim_name(self, name: str) -> bool:
        """Whether nobody in this scope has given the name to a step of his own before."""
        known = name in self._once
        self._once.add(name)
        return not known

    def settle(self, position: int) -> None:
        """The call at this position has its outcome."""
        self._settled.add(position)
        while self.leading in self._settled:
            self._settled.remove(self.leading)
            self.leading += 1

    def open(self) -> "Scope":
        """The scope of the next task that is created here."""
        self._children += 1
        return Scope(f"{self.path}.{self._children}" if self.path else str(self._children), self)

    def within(self, other: str, after: int) -> bool:
        """Whether this scope was opened in that one, at whatever depth, when so many of its positions were settled."""
        scope = self
        while scope.parent is not None:
            if scope.parent.path == other and scope.born > after:
                return True
            scope = scope.parent
        return False
