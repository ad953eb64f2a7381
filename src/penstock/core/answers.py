"""The closed set of words with which a store answers, and the records around them."""

from enum import StrEnum

from penstock.core.leases import Step
from penstock.core.record import Record


class Answer(StrEnum):
    """What became of one item. Everything but `ok` has changed nothing, except where the operation says so."""

    OK = "ok"  # done; or done before, asked again
    LOST = "lost"  # the lease is not current: somebody else owns the run
    STOP = "stop"  # extend only: kept alive, and the run is asked to end
    NOT_FOUND = "not_found"  # no such run, schedule, limit
    FINISHED = "finished"  # the run is over
    STATE = "state"  # the operation means nothing for a run in this state
    RUNNING = "running"  # refused while this run, or one below it, is running
    DUPLICATE = "duplicate"  # known already: the existing one stands
    KEY_CONFLICT = "key_conflict"  # the key stands for other input, or (redrive) for another run
    CASCADING = "cascading"  # a cancel or removal is under way here: ask again when it is through
    HAS_PARENT = "has_parent"  # the run depends from another parent that lives
    DEEP = "deep"  # more than 64 levels
    CYCLE = "cycle"  # the run would depend on itself
    HELD = "held"  # it needs a limit's slot that an ancestor holds to its end
    INVALID = "invalid"  # the request contradicts itself; the detail says how
    BIG = "big"  # a group above its bounds, or a subtree too large for this operation while part of it lives


class Entered(Record, frozen=True, kw_only=True):
    """One run of an accepted group. Not created: the run that the id or key stands for."""

    id: str
    created: bool


class Accepted(Record, frozen=True, kw_only=True):
    """The whole group is stored."""

    runs: tuple[Entered, ...]


class Refused(Record, frozen=True, kw_only=True):
    """Nothing of the group is stored."""

    answer: Answer
    index: int = 0  # of the offending run in the group
    run_id: str | None = None  # the run in the way
    detail: str = ""


class Recorded(Record, frozen=True, kw_only=True):
    """The answer to recording a step: when the path was taken, the step that stands there."""

    answer: Answer
    step: Step | None = None


class Spawned(Record, frozen=True, kw_only=True):
    """The answer to a spawn: all children, or none. When the path of its step was taken, the step that stands there."""

    answer: Answer
    runs: tuple[Entered, ...] = ()
    index: int = 0
    detail: str = ""
    step: Step | None = None


class Tended(Record, frozen=True, kw_only=True):
    """What one round of upkeep did."""

    promoted: int = 0
    rescued: int = 0
    expired: int = 0
    cascaded: int = 0
    purged: int = 0
    held_back: int = 0  # leases that expired while nobody tended, left alone for one more lease
    next_in: float | None = None  # seconds until something is due; None: nothing is
    more: bool = False  # the budget ended first: ask again at once
