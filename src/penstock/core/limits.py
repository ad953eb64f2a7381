"""Limits as data: how many leases, or starts in a period, the runs of one key may have together."""

import hashlib
import json
from typing import Final, Literal, TypeAlias

from penstock.core.record import Record

LONG: Final = 200  # characters of a key; a longer one is hashed

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
    paused: bool = False  # by hand: nothing of this key starts until it is resumed


def key_text(value: object) -> str:
    """The value as a key: a text as it is, what else JSON has as JSON has it; a long one as its hash."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return text if len(text) <= LONG else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
