"""Moments as a command line says them: so long ago, in so long, or a date. Knows no run."""

from datetime import datetime

from penstock.core.duration import moment, seconds
from penstock.core.errors import Invalid


def past(text: str, parameter: str, now: float) -> float:
    """The moment in unix seconds: "1h30m" is so long before now; else a date with its time zone, or unix seconds."""
    at = _dated(text, parameter)
    return max(0.0, now - seconds(text, parameter)) if at is None else at


def date(text: str, parameter: str) -> float:
    """The moment in unix seconds: a date with its time zone, as in 2030-01-31T12:00Z, or unix seconds."""
    at = _dated(text, parameter)
    if at is None:
        raise Invalid(parameter, text, "say a date with its time zone, as in 2030-01-31T12:00Z, or unix seconds")
    return at


def span(text: str, parameter: str) -> float:
    """The length in seconds: "10m", "1h30m", or a number of seconds."""
    number = _number(text)
    return seconds(text if number is None else number, parameter)


def _dated(text: str, parameter: str) -> float | None:
    number = _number(text)
    if number is not None:
        return moment(number, parameter)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment(found, parameter)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
