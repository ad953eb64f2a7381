"""What a schedule's row holds for whoever fires it: when, what, and what happens to ticks that come late or overlap.

Any worker can read it, whatever code it has. Knows no store, and nothing of how a task's runs are made.
"""

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Final, Literal, TypeAlias, cast, get_args

import msgspec

from penstock.core.duration import seconds
from penstock.core.errors import Invalid
from penstock.core.ids import tick_id
from penstock.core.limits import LimitDef, LimitRef
from penstock.core.record import Record
from penstock.core.run import NewRun
from penstock.core.schedule import Fire, Schedule
from penstock.engine.schedules_ticks import Timing

Missed: TypeAlias = Literal["skip", "latest"] | int
Overlaps: TypeAlias = Literal["allow", "skip", "queue", "replace"]

LATE: Final = 60.0  # seconds after which a tick is missed, where these are skipped
MOST: Final = 1_000  # missed ticks that a schedule may make good
PASSED: Final = 1_000  # ticks that one move passes over: more would keep a loop busy
VERSION: Final = 1
ONE_AT_A_TIME: Final = LimitDef(name="penstock.schedules", n=1, hold=True)


class Plan(Record, frozen=True, kw_only=True):
    """What a schedule does. `run` lacks its id and its moment; `missed`: so many of the newest are made good."""

    v: int = VERSION
    timing: Timing
    run: NewRun
    missed: Missed = "latest"
    overlap: Overlaps = "skip"
    jitter: float = 0.0
    count: int | None = None  # so many ticks, skipped ones too

    def first(self, now: float) -> float | None:
        """The next tick, seen from now. A one-off whose moment has passed ticks at once."""
        return self.timing.at if self.timing.at is not None else self.timing.after(now)

    def of_tick(self, schedule: Schedule, at: float) -> NewRun:
        """The run of a tick: its id stands for schedule and tick, so that no tick has two."""
        starts_at = at + self.jitter * _share(schedule.name, at) if self.jitter else None
        return self._run(schedule, tick_id(schedule.app, schedule.name, at), at, starts_at)

    def by_hand(self, schedule: Schedule, run_id: str, now: float) -> NewRun:
        """A run beside the ticks."""
        return self._run(schedule, run_id, now, None)

    def _run(self, schedule: Schedule, run_id: str, at: float, starts_at: float | None) -> NewRun:
        limits = self.run.limits
        if self.overlap == "queue":
            limits = (*limits, LimitRef(name=ONE_AT_A_TIME.name, key=schedule.name))
        return msgspec.structs.replace(
            self.run, id=run_id, schedule=schedule.name, nominal_at=at, at=starts_at, limits=limits
        )


def encode(plan: Plan) -> bytes:
    """The plan as a store keeps it."""
    return _ENCODER.encode(plan)


def decode(schedule: Schedule) -> Plan | None:
    """The schedule's plan; None: a later version of this library wrote it, and is needed to read it."""
    try:
        plan = _DECODER.decode(schedule.spec)
    except msgspec.MsgspecError:
        return None
    return plan if plan.v <= VERSION else None


def due(plan: Plan, schedule: Schedule, now: float) -> Fire | None:
    """The next move of a schedule that is due: a tick's run, or missed ticks passed over. None: it is not due."""
    first = schedule.next_at
    if first is None or first > now:
        return None
    good = _made_good(plan)
    left = None if plan.count is None else plan.count - schedule.fired - schedule.skipped
    ahead = _ahead(plan, first, left)
    ticks: list[float] = []
    following: float | None = None
    for tick in islice(ahead, good + PASSED):
        if tick > now:
            following = tick
            break
        ticks.append(tick)
    else:
        following = next(ahead, None)
    missed = len(ticks) - good
    if plan.missed == "skip" and ticks[-1] >= now - LATE and (following is None or following > now):
        missed -= 1
    if missed > 0:
        return _fire(schedule, (*ticks, following)[missed], None, missed, plan)
    second = ticks[1] if len(ticks) > 1 else following
    return _fire(schedule, second, plan.of_tick(schedule, first), 1, plan)


def check_missed(value: object) -> Missed:
    """The value, if it says what happens to missed ticks."""
    if value == "skip":
        return "skip"
    if value == "latest":
        return "latest"
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST:
        return value
    raise Invalid("missed", value, f'"skip", "latest", or how many of the newest are made good: 1 to {MOST:,}')


def check_overlap(value: object) -> Overlaps:
    """The value, if it says what happens when the last tick's run has not finished."""
    if value in get_args(Overlaps):
        return cast("Overlaps", value)
    raise Invalid("overlap", value, f"one of {', '.join(get_args(Overlaps))}")


def check_count(value: object) -> int | None:
    """The value, if it is a number of ticks, or None for all."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise Invalid("count", value, "how many ticks: a whole number from 1, or None")


def check_jitter(value: object) -> float:
    """The value in seconds, if it is a duration."""
    return seconds(value, "jitter")


def _made_good(plan: Plan) -> int:
    match plan.missed:
        case "skip":
            return 0
        case "latest":
            return 1
        case most:
            return most


def _ahead(plan: Plan, first: float, left: int | None) -> Iterator[float]:
    """The ticks from that one on."""
    yield first
    yield from plan.timing.ticks(first) if left is None else islice(plan.timing.ticks(first), max(0, left - 1))


def _fire(schedule: Schedule, next_at: float | None, run: NewRun | None, passed: int, plan: Plan) -> Fire:
    assert schedule.next_at is not None
    return Fire(
        name=schedule.name,
        revision=schedule.revision,
        at=schedule.next_at,
        next_at=next_at,
        run=run,
        passed=passed,
        overlap="allow" if plan.overlap == "queue" else plan.overlap,
    )


def _share(name: str, at: float) -> float:
    """A number from 0 to 1 that is the same for everybody who asks about this tick."""
    digest = hashlib.sha256(f"{name}\n{round(at * 1_000_000)}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / float(1 << 48)


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Plan)
