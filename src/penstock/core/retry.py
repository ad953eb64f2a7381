"""Whether and when an attempt that failed is followed by another. Knows no clock and no store: numbers to numbers."""

import inspect
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, Literal, TypeAlias, cast

from penstock.core.control import Never
from penstock.core.duration import Duration, seconds
from penstock.core.errors import DeadlineExceeded, Expired, Invalid, InvalidInput, OutputError, UnknownTask

Errors: TypeAlias = type[BaseException] | tuple[type[BaseException], ...]
Delay: TypeAlias = Duration | Literal[-1]  # -1: no further attempt; 0: at once
Strategy: TypeAlias = Callable[[int, BaseException], Delay | Awaitable[Delay]]  # of attempts so far, and the error
Backoff: TypeAlias = Literal["exponential", "fixed"] | Strategy

ATTEMPTS: Final = 1_000_000_000

# the same input in the same code fails the same way, or there is no time left
_IN_VAIN: Final = (Never, InvalidInput, OutputError, UnknownTask, Expired, DeadlineExceeded)


@dataclass(frozen=True)
class Retry:
    """How often, for which errors and how soon a failed attempt is repeated.

    `attempts` counts the first. `on` and `never` are error classes; `never` wins. The gap after attempt n is
    `delay * factor ** (n - 1)`, or `delay` if fixed, at most `cap`, less a random part of up to `jitter` of it. A
    callable `backoff`, sync or async, gets (n, error) and is taken at its word: a duration, 0 for at once, -1 for no
    further attempt. Raises `Invalid` naming what is out of range.
    """

    attempts: int = 3
    _: KW_ONLY
    on: Errors = Exception
    never: Errors = ()
    delay: Duration = "1s"
    backoff: Backoff = "exponential"
    factor: float = 2
    cap: Duration = "10m"
    jitter: float = 0.5

    def __post_init__(self) -> None:
        _check_attempts(self.attempts)
        _check_errors(self.on, "on", empty=False)
        _check_errors(self.never, "never", empty=True)
        if not callable(self.backoff) and self.backoff not in {"exponential", "fixed"}:
            raise Invalid("backoff", self.backoff, '"exponential", "fixed" or a callable of (attempt, error)')
        _check_number(self.factor, "factor", 1, 1000)
        _check_number(self.jitter, "jitter", 0, 1)
        object.__setattr__(self, "delay", seconds(self.delay, "delay"))  # said in any form, compared in one
        object.__setattr__(self, "cap", seconds(self.cap, "cap"))


def retries(policy: Retry, error: BaseException) -> bool:
    """Whether the error is one to try again after; of a group, all must be. Counts no attempts."""
    if isinstance(error, (policy.never, _IN_VAIN)):
        return False
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return all(retries(policy, member) for member in group.exceptions)
    if isinstance(error, CancelledError):  # one we did not ask for is a failure like any other
        return issubclass(Exception, policy.on) or isinstance(error, policy.on)
    return isinstance(error, policy.on)


def delay_for(policy: Retry, attempt: int, random: float) -> float:
    """Seconds between attempt n and the next, by the curve; `random`, from 0 to 1, chooses within the jitter."""
    base, cap = cast("float", policy.delay), cast("float", policy.cap)
    if policy.backoff != "fixed":
        try:
            base *= float(policy.factor) ** (attempt - 1)
        except OverflowError:
            base = cap if base else 0.0
    return min(base, cap) * (1 - policy.jitter * random)


async def gap(policy: Retry, attempt: int, error: BaseException, random: float) -> float | None:
    """Seconds until the attempt after this one; None: there shall be none, by the class of the error, `attempts`
    or the callable's word. What the callable raises goes through; `Invalid` if it returns no duration.
    """
    if attempt >= policy.attempts or not retries(policy, error):
        return None
    if not callable(policy.backoff):
        return delay_for(policy, attempt, random)
    said: Any = policy.backoff(attempt, error)
    if inspect.isawaitable(said):
        said = await said
    return None if said == -1 else seconds(said, "backoff")


def _check_attempts(value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= ATTEMPTS:
        raise Invalid("attempts", value, f"a whole number from 1 (no retries) to {ATTEMPTS:,}")


def _check_errors(value: object, parameter: str, *, empty: bool) -> None:
    classes = _members(value)
    right = all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in classes)
    if not right or not (classes or empty):
        raise Invalid(parameter, value, "an exception class or a tuple of them, such as (OSError, TimeoutError)")


def _members(value: object) -> tuple[object, ...]:
    return cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)


def _check_number(value: object, parameter: str, low: float, high: float) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise Invalid(parameter, value, f"a number from {low} to {high}")
