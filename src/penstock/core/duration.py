"""Durations and moments as users write them, to seconds as the store counts them. Knows no time zone but UTC."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from penstock.core.errors import Invalid

Duration: TypeAlias = float | timedelta | str  # seconds, timedelta, or "10m", "1h30m", "500ms"
Moment: TypeAlias = float | datetime  # unix seconds, or a datetime with a time zone

LONGEST: Final = 100 * 365.25 * 86_400.0  # seconds in a century: what is longer is a mistake in the unit
LAST: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()

_UNITS: Final = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
_PART: Final = re.compile(r" *([0-9]{1,15}(?:\.[0-9]{1,15})?) *(ms|us|[wdhms])", re.ASCII)
_FORMS: Final = 'say seconds as a number, a timedelta, or text like "10m", "1h30m", "2.5s", "500ms"'


def _spelled(text: str) -> float | None:
    """Seconds of "1h30m": each unit once; None for anything else."""
    total, position, units = 0.0, 0, set[str]()
    body = text.rstrip(" ")
    while position < len(body):
        part = _PART.match(body, position)
        if part is None or part[2] in units:
            return None
        units.add(part[2])
        total += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    return total if units else None


def _plain(value: object) -> float | None:
    match value:
        case bool():
            return None
        case int() | float():
            try:
                return float(value)
            except OverflowError:
                return math.inf
        case timedelta():
            return value.total_seconds()
        case str():
            return _spelled(value)
        case _:
            return None


def seconds(value: object, parameter: str, *, allow_zero: bool = True) -> float:
    """The duration in seconds: 0 (unless `allow_zero` is False) to 100 years. Raises `Invalid` naming the parameter."""
    found = _plain(value)
    if found is None:
        raise Invalid(parameter, value, _FORMS)
    if not 0 <= found <= LONGEST:  # NaN, too, is not between them
        raise Invalid(parameter, value, "a duration lies between 0 and 100 years")
    if found == 0 and not allow_zero:
        raise Invalid(parameter, value, "a duration above 0 is needed here")
    return found


def moment(value: object, parameter: str) -> float:
    """The moment in unix seconds, 1970 to 9999. Raises `Invalid` for a datetime without time zone."""
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise Invalid(parameter, value, "a datetime needs its time zone: datetime.now(UTC), .replace(tzinfo=...)")
        found = (value - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    else:
        number = None if isinstance(value, str | timedelta) else _plain(value)
        if number is None:
            raise Invalid(parameter, value, "say a datetime with a time zone, or unix seconds")
        found = number
    if not 0 <= found <= LAST:
        raise Invalid(parameter, value, "a moment lies between the years 1970 and 9999")
    return found
