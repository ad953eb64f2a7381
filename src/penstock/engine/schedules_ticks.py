"""When a schedule's ticks are: by a cron expression, every so often, or once. Pure computation; knows no store.

Days on which clocks change: an expression whose hours begin with `*` follows real time, so it ticks in the repeated
hour as well and not in the skipped one. One that names its hours means the wall clock: a moment that is skipped ticks
at the first one after the gap, a moment that comes twice ticks the first time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from penstock.core.duration import Duration, Moment, moment, seconds
from penstock.core.errors import Invalid
from penstock.core.record import Record

SHORTEST: Final = 1.0  # seconds between two ticks
STRIDE: Final = 12 * 3_600  # seconds; no zone changes its clocks twice in so short a time
MICRO: Final = 1_000_000


class Timing(Record, frozen=True, kw_only=True):
    """Exactly one of `cron`, `every` and `at`; only ticks from `start` to `end` count."""

    cron: str | None = None
    tz: str = "UTC"
    seconds: bool = False  # the expression begins with a field for seconds
    every: float | None = None
    anchor: float = 0.0  # a moment at which an interval begins
    at: float | None = None
    start: float | None = None
    end: float | None = None

    def after(self, moment: float) -> float | None:
        """The first tick later than that; None: there is none."""
        if self.start is not None and moment < self.start:
            moment = self.start - 1e-6
        found = self._after(moment)
        return None if found is None or (self.end is not None and found > self.end) else found

    def ticks(self, moment: float) -> Iterator[float]:
        """The ticks later than that, in order."""
        found = self.after(moment)
        while found is not None:
            yield found
            found = self.after(found)

    def __str__(self) -> str:
        if self.cron is not None:
            return f"{self.cron} {self.tz}"
        if self.every is not None:
            return f"every {self.every:g}s"
        return f"once at {datetime.fromtimestamp(self.at or 0.0, UTC).isoformat()}"

    def _after(self, moment: float) -> float | None:
        if self.cron is not None:
            return _cron_after(self.cron, self.tz, moment)
        if self.every is not None:
            step, anchor = round(self.every * MICRO), round(self.anchor * MICRO)
            return (anchor + ((round(moment * MICRO) - anchor) // step + 1) * step) / MICRO
        return self.at if self.at is not None and self.at > moment else None


def timing(  # noqa: PLR0913 (each is said once, by name)
    *,
    cron: str | None = None,
    every: Duration | None = None,
    at: Moment | None = None,
    tz: str = "UTC",
    seconds_field: bool = False,
    anchor: Moment | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
) -> Timing:
    """The timing that these words make. Raises `Invalid` naming what is refused, and for one that never ticks."""
    if (cron is not None) + (every is not None) + (at is not None) != 1:
        raise Invalid("cron", cron, "say one of cron=, every= and at=")
    made = Timing(
        cron=None if cron is None else _checked(cron, seconds_field=seconds_field),
        tz=_zone(tz),
        seconds=seconds_field,
        every=None if every is None else _every(every),
        anchor=0.0 if anchor is None else moment(anchor, "anchor"),
        at=None if at is None else round(moment(at, "at") * MICRO) / MICRO,  # as stores keep it
        start=None if start is None else moment(start, "start"),
        end=None if end is None else moment(end, "end"),
    )
    if made.start is not None and made.end is not None and made.end < made.start:
        raise Invalid("end", end, "the end lies before the start")
    if made.after(made.start or 0.0) is None and made.after(-1.0) is None:
        raise Invalid(
            "cron" if cron is not None else "end", cron or end, "there is no such moment: it would never tick"
        )
    return made


def _every(value: Duration) -> float:
    found = seconds(value, "every")
    if found < SHORTEST:
        raise Invalid("every", value, "1 second or more")
    return found


def _zone(name: object) -> str:
    try:
        return ZoneInfo(name if isinstance(name, str) else "").key
    except (ValueError, OSError, LookupError) as error:
        raise Invalid("tz", name, 'the name of a time zone, like "Europe/Paris"') from error


def _checked(expression: object, *, seconds_field: bool) -> str:
    """The expression, its words parted by single blanks."""
    wanted = 6 if seconds_field else 5
    fields = expression.split() if isinstance(expression, str) else []
    if len(fields) != wanted:
        hint = "" if seconds_field else "; say seconds=True for one that begins with seconds"
        raise Invalid("cron", expression, f"{wanted} fields: minute hour day month weekday{hint}")
    try:
        next(_ticks(" ".join(fields), datetime(2024, 1, 1)))  # noqa: DTZ001 (the wall's)
    except StopIteration as error:
        raise Invalid("cron", expression, "there is no such day: it would never tick") from error
    return " ".join(fields)


def _ticks(expression: str, after: datetime) -> Iterator[datetime]:
    """What a wall clock without changes shows at each tick. Raises `Invalid` for what is no expression."""
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 (a command line starts without it)

    try:
        return CronSim(expression, after)
    except CronSimError as error:
        raise Invalid("cron", expression, f"a cron expression ({str(error).lower()})") from error


def _cron_after(expression: str, tz: str, after: float) -> float | None:
    zone = _ZONES(tz)
    hours = expression.split()[-4]
    found = _by_clock if hours.startswith("*") else _by_wall
    start = datetime.fromtimestamp(after // 1, UTC)  # whole seconds: a tick is later than the second it ends
    result = found(expression, zone, start)
    return None if result is None else result.timestamp()


def _by_wall(expression: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """What the wall clock says counts, once."""
    for wall in _ticks(expression, after.astimezone(zone).replace(tzinfo=None)):
        there = wall.replace(tzinfo=zone).astimezone(UTC)
        if there.astimezone(zone).replace(tzinfo=None) != wall:
            there = _end_of_gap(zone, there)
        if there > after:
            return there
    return None


def _end_of_gap(zone: ZoneInfo, inside: datetime) -> datetime:
    """The first moment after the clocks were put forward; `inside`: a skipped moment, by the offset before."""
    before, later = inside - timedelta(seconds=STRIDE * 2 + 3_600), inside
    return _change(zone, before, later) or inside


def _by_clock(expression: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """What the clock shows at each moment counts: between two changes it is real time plus an offset."""
    here = after
    while True:
        offset = _offset(zone, here)
        wall = next(_ticks(expression, (here + offset).replace(tzinfo=None)), None)
        if wall is None:
            return None
        there = (wall - offset).replace(tzinfo=UTC)
        change = _first_change(zone, here, there)
        if change is None:
            return there
        here = change - timedelta(seconds=1)
        new = _offset(zone, change)
        wall = next(_ticks(expression, (here + new).replace(tzinfo=None)), None)
        if wall is None:
            return None
        there = (wall - new).replace(tzinfo=UTC)
        if _first_change(zone, change, there) is None:
            return there
        here = change


def _first_change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """When the offset first changes after `start`, up to `end`."""
    while start < end:
        later = min(start + timedelta(seconds=STRIDE), end)
        if _offset(zone, later) != _offset(zone, start):
            return _change(zone, start, later)
        start = later
    return None


def _change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """The moment between these at which the offset becomes another."""
    old = _offset(zone, start)
    if _offset(zone, end) == old:
        return None
    low, high = 0, int((end - start).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, start + timedelta(seconds=middle)) == old:
            low = middle
        else:
            high = middle
    return start + timedelta(seconds=high)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


_ZONES: Final = lru_cache(maxsize=None)(ZoneInfo)
