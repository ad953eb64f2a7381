"""Schedules as the store keeps them: when the next tick is, and what it enqueues. Expressions are the engine's."""

from typing import Literal, TypeAlias

from penstock.core.record import Record
from penstock.core.run import NewRun

Overlap: TypeAlias = Literal["allow", "skip", "replace"]


class Schedule(Record, frozen=True, kw_only=True):
    """A row per schedule. The revision grows with every edit, so a tick of an older one fires nothing."""

    name: str
    app: str  # who declared it; "" = made at run time
    task: str
    spec: bytes  # expression, zone, policies, input: the engine's
    next_at: float | None  # None: over
    revision: int = 1
    paused: bool = False
    fired: int = 0
    skipped: int = 0
    last_at: float | None = None  # the last tick that fired


class Fire(Record, frozen=True, kw_only=True):
    """One tick: if the schedule still stands at `at` and `revision`, move it on and enqueue the run."""

    name: str
    revision: int
    at: float
    next_at: float | None
    run: NewRun | None  # None: the tick is skipped by policy, and recorded
    passed: int = 1  # with no run: how many ticks are skipped, from `at` to before `next_at`
    overlap: Overlap = "allow"  # counts every run of the schedule that is not finished
