"""Limits as data: how many leases, or starts in a period, the runs of one key may have together."""

from typing import Literal, TypeAlias

from penstock.core.record import Record

Full: TypeAlias = Literal["wait", "drop", "replace"]


class LimitDef(Record, frozen=True, kw_only=True):
    """The numbers behind a limit's name. The stored definition decides, whatever the caller's code says."""

    name: str
    n: int  # valid leases at once or, with `period`, starts
    period: float | None = None  # set: at most n starts in any window of so many seconds
    full: Full = "wait"  # wait: parked in order; drop: cancelled; replace: the holder is asked to cancel
    hold: bool = False  # the slot is kept through waits and retries to the end of the life


class LimitRef(Record, frozen=True, kw_only=True):
    """A run's need of one slot of a limit. A name without a definition limits nothing."""

    name: str
    key: str = ""


class LimitView(Record, frozen=True, kw_only=True):
    """How one key of a limit stands."""

    definition: LimitDef
    key: str
    used: int
    out: int  # members of its line that stand where claims look
    parked: int
    blocked_until_at: float | None = None
