"""Seconds as the contract has them, microseconds as the store has them: whole numbers.

Lua holds them exactly up to the year 2255, and to some 100 microseconds beyond.
"""

from typing import Final, overload

LAST: Final = 900_000_000_000_000_000  # later than any moment that matters


@overload
def microseconds(seconds: float) -> int: ...
@overload
def microseconds(seconds: None) -> None: ...
@overload
def microseconds(seconds: float | None) -> int | None: ...
def microseconds(seconds: float | None) -> int | None:
    """The nearest microsecond; what lies beyond all time is as far as can be."""
    if seconds is None:
        return None
    if not -9e11 < seconds < 9e11:  # infinity, too
        return LAST if seconds > 0 else -LAST
    return round(seconds * 1e6)


def microseconds_up(seconds: float) -> int:
    """As `microseconds`, but never before the moment: who looked at a clock first has not looked later."""
    found = round(seconds * 1e6)
    return found + 1 if found / 1e6 < seconds else found


def seconds(found: int | None) -> float | None:
    """The moment or duration in seconds."""
    return None if found is None else found / 1e6
