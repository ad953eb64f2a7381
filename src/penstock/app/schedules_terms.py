"""What may be said of a schedule, and what is told of one. Checked once, where it is said. Knows no store."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypedDict

import msgspec

from penstock.core.duration import Duration, Moment
from penstock.core.errors import Invalid
from penstock.core.run import NewRun
from penstock.core.schedule import Schedule
from penstock.engine import schedules_plan
from penstock.engine.schedules_plan import Missed, Overlaps, Plan
from penstock.engine.schedules_ticks import Timing, timing


class NamedByPolicy(TypedDict, total=False):
    """What happens to ticks. Durations: seconds, a timedelta, or text like "10m"."""

    start: Moment  # no tick before
    end: Moment  # none after
    count: int | None  # so many ticks, skipped ones too
    missed: Missed  # those nobody fired in time: "skip", "latest", or so many of the newest
    overlap: Overlaps  # the last tick's run has not finished: "allow", "skip", "queue" or "replace"
    jitter: Duration  # each run starts up to so much later than its tick


class NamedByCron(NamedByPolicy, total=False):
    """... of a cron expression."""

    tz: str  # the zone whose clocks count: "Europe/Paris"; default "UTC"
    seconds: bool  # the expression has a sixth field, the first: seconds


class NamedByInterval(NamedByPolicy, total=False):
    """... of an interval."""

    anchor: Moment  # a moment at which an interval begins; default: 1970 in UTC


class NamedBySchedule(NamedByCron, total=False):
    """All of it: exactly one of `cron`, `every` and `at`."""

    cron: str
    every: Duration
    at: Moment
    anchor: Moment


class ScheduleStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule as it stands."""

    name: str
    app: str  # which declares it in code; "": made at run time
    task: str
    queue: str
    when: str  # in words: "0 9 * * mon-fri Europe/Paris"
    next_at: float | None  # None: it is over
    last_at: float | None  # the last tick that fired
    paused: bool
    fired: int
    skipped: int
    missed: Missed
    overlap: Overlaps
    jitter: float
    revision: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule declared in code. The run is made when it is stored: by then the app knows all that is said of it."""

    name: str
    task: str
    make: Callable[[], NewRun]
    said: dict[str, Any]

    def plan(self) -> Plan:
        """What is to be stored."""
        return plan_of(self.make(), self.said)


_TIMING: Final = frozenset({"cron", "every", "at", "tz", "seconds", "anchor", "start", "end"})
_KINDS: Final = ("cron", "every", "at")
_POLICIES: Final[dict[str, Callable[[object], Any]]] = {
    "missed": schedules_plan.check_missed,
    "overlap": schedules_plan.check_overlap,
    "jitter": schedules_plan.check_jitter,
    "count": schedules_plan.check_count,
}


def plan_of(run: NewRun, said: Mapping[str, Any]) -> Plan:
    """The plan to which these words lead. Raises `Invalid` for the first that is refused."""
    _check_known(said)
    return Plan(timing=_timing(said), run=_template(run), **_policies(said))


def changed(plan: Plan, run: NewRun | None, said: Mapping[str, Any]) -> Plan:
    """The plan, where these words say otherwise. Raises `Invalid` for the first that is refused."""
    _check_known(said)
    words = _words(plan.timing)
    if any(kind in said for kind in _KINDS):
        words = {name: value for name, value in words.items() if name not in {*_KINDS, "seconds", "anchor"}}
    if _TIMING & said.keys():
        timed = _timing({**words, **{name: value for name, value in said.items() if name in _TIMING}})
    else:
        timed = plan.timing
    template = plan.run if run is None else _template(run)
    return msgspec.structs.replace(plan, timing=timed, run=template, **_policies(said))


def status_of(schedule: Schedule) -> ScheduleStatus:
    """The row in the user's words."""
    plan = schedules_plan.decode(schedule)
    return ScheduleStatus(
        name=schedule.name,
        app=schedule.app,
        task=schedule.task,
        queue=plan.run.queue if plan else "",
        when=str(plan.timing) if plan else "written by a later version of Penstock",
        next_at=schedule.next_at,
        last_at=schedule.last_at,
        paused=schedule.paused,
        fired=schedule.fired,
        skipped=schedule.skipped,
        missed=plan.missed if plan else "latest",
        overlap=plan.overlap if plan else "skip",
        jitter=plan.jitter if plan else 0.0,
        revision=schedule.revision,
    )


def _check_known(said: Mapping[str, Any]) -> None:
    for name, value in said.items():
        if name not in NamedBySchedule.__annotations__:
            raise Invalid(
                name, value, f"no such word here; there are {', '.join(sorted(NamedBySchedule.__annotations__))}"
            )


def _timing(said: Mapping[str, Any]) -> Timing:
    words = {name: value for name, value in said.items() if name in _TIMING and name != "seconds"}
    seconds = said.get("seconds", False)
    if not isinstance(seconds, bool):
        raise Invalid("seconds", seconds, "True or False")
    return timing(**words, seconds_field=seconds)


def _words(timed: Timing) -> dict[str, Any]:
    """What would have to be said for this timing."""
    return {name: value for name in _TIMING if (value := getattr(timed, name)) is not None}


def _policies(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: check(said[name]) for name, check in _POLICIES.items() if name in said}


def _template(run: NewRun) -> NewRun:
    """What all runs of the schedule have in common. Raises `Invalid` for what only one run can have."""
    if run.key is not None:
        hint = "a schedule's runs have no key, and unique=None: their ids stand for schedule and tick"
        raise Invalid("key", run.key.key, hint)
    for name, value in (("delay", run.delay), ("at", run.at)):
        if value is not None:
            raise Invalid(name, value, "the schedule says when: cron=, every=, at=, jitter=")
    return msgspec.structs.replace(run, id="")
