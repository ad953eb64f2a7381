"""Retries: how often, for which errors, and after which gap."""

import asyncio
import math
from collections.abc import Callable
from typing import Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.control import Never, RetryIn
from penstock.core.errors import DeadlineExceeded, Expired, Invalid, InvalidInput, OutputError, Timeout, UnknownTask
from penstock.core.retry import Delay, Retry, delay_for, gap, retries

LOUD = OSError("no route")


def test_a_task_has_three_attempts_unless_told_otherwise() -> None:
    assert Retry() == Retry(3, delay=1, cap=600.0)
    assert Retry(5).attempts == 5


@pytest.mark.parametrize(
    ("parameter", "options"),
    [
        *(("attempts", {"attempts": bad}) for bad in (0, -1, 1.5, "3", True, None, math.inf)),
        *(("jitter", {"jitter": bad}) for bad in (1.5, -0.1, "0.5", math.nan, None, True)),
        *(("backoff", {"backoff": bad}) for bad in ("linear", "", None, 2, "Exponential")),
        *(("delay", {"delay": bad}) for bad in ("10", "10x", -1, math.nan, math.inf, None, True, "200w53000d")),
        *(("cap", {"cap": bad}) for bad in ("soon", -1, math.inf, None)),
        *(("factor", {"factor": bad}) for bad in (0, 0.5, -2, math.inf, math.nan, "2", None, True)),
        *(("on", {"on": bad}) for bad in ((), "OSError", OSError("x"), (OSError, 1), int, None, [OSError])),
        *(("never", {"never": bad}) for bad in ("OSError", int, (OSError, None), None)),
    ],
)
def test_options_out_of_range_are_refused_by_name_at_once(parameter: str, options: dict[str, object]) -> None:
    """S2-17, B-087: before any run exists."""
    make = cast("Callable[..., Retry]", Retry)
    with pytest.raises(Invalid, match=f"^{parameter}=") as refused:
        make(**options)
    assert refused.value.parameter == parameter


@pytest.mark.parametrize("attempt", range(1, 12))
def test_gaps_are_equal_or_double(attempt: int) -> None:
    """B-096: fixed d; exponential d * 2^(k-1), up to the cap."""
    assert delay_for(Retry(delay="3s", backoff="fixed", jitter=0), attempt, 0.5) == 3.0
    assert delay_for(Retry(delay="3s", cap="1h", jitter=0), attempt, 0.5) == min(3.0 * 2 ** (attempt - 1), 3600.0)
    assert delay_for(Retry(delay="3s", factor=1.5, cap="1d", jitter=0), attempt, 0) == min(
        3.0 * 1.5 ** (attempt - 1), 86_400.0
    )


curves: st.SearchStrategy[Literal["fixed", "exponential"]] = st.sampled_from(["fixed", "exponential"])


@given(
    st.integers(1, 1_000_000),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(1, 1000),
    st.sampled_from(["fixed", "exponential"]),
)
def test_jitter_only_shortens_a_gap(
    attempt: int, jitter: float, random: float, factor: float, backoff: Literal["fixed", "exponential"]
) -> None:
    """B-096: jitter 1 lies within [0, d], 0.5 within [d/2, d]."""
    whole = delay_for(Retry(backoff=backoff, factor=factor, jitter=0), attempt, random)
    part = delay_for(Retry(backoff=backoff, factor=factor, jitter=jitter), attempt, random)
    assert (1 - jitter) * whole - 1e-9 <= part <= whole <= 600.0


def test_a_delay_of_nothing_stays_nothing() -> None:
    assert delay_for(Retry(delay=0), 100_000, 0.5) == 0.0


@pytest.mark.parametrize(
    ("retry", "error", "again"),
    [
        (Retry(), LOUD, True),
        (Retry(on=OSError), ConnectionError(), True),
        (Retry(on=OSError), ValueError(), False),
        (Retry(on=(OSError, ValueError)), ValueError(), True),
        (Retry(never=OSError), ConnectionError(), False),
        (Retry(on=OSError, never=(ConnectionError,)), ConnectionResetError(), False),
        (Retry(), Timeout(3), True),
        (Retry(), RetryIn("3s"), True),
        (Retry(), Never("no such user"), False),
        (Retry(on=Never), Never("no such user"), False),
        (Retry(), InvalidInput("a", 1, "text"), False),
        (Retry(), OutputError("a set of sets"), False),
        (Retry(), UnknownTask("mail"), False),
        (Retry(), Expired("r"), False),
        (Retry(), DeadlineExceeded("r"), False),
        (Retry(), asyncio.CancelledError(), True),
        (Retry(on=OSError), asyncio.CancelledError(), False),
        (Retry(), KeyboardInterrupt(), False),
        (Retry(on=OSError), ExceptionGroup("two", [OSError(), ConnectionError()]), True),
        (Retry(on=OSError), ExceptionGroup("two", [OSError(), ValueError()]), False),
        (Retry(), ExceptionGroup("two", [OSError(), ExceptionGroup("one", [Never("stop")])]), False),
        (Retry(never=ExceptionGroup), ExceptionGroup("one", [OSError()]), False),
    ],
)
def test_the_class_of_the_error_decides(retry: Retry, error: BaseException, again: bool) -> None:
    """Invalid input, output that can't be stored and `Never` are never retried; a group only if all in it are."""
    assert retries(retry, error) is again


async def test_the_last_attempt_has_no_gap_after_it() -> None:
    retry = Retry(3, delay="1s", jitter=0)
    assert [await gap(retry, attempt, LOUD, 0.5) for attempt in (1, 2, 3, 4)] == [1.0, 2.0, None, None]
    assert await gap(Retry(1), 1, LOUD, 0.5) is None
    assert await gap(retry, 1, Never("stop"), 0.5) is None


@pytest.mark.parametrize(("said", "wanted"), [(-1, None), (0, 0.0), (2.5, 2.5), ("1m", 60.0), ("1h", 3600.0)])
async def test_a_strategy_is_taken_at_its_word(said: Delay, wanted: float | None) -> None:
    """B-097: -1 fails now, 0 is at once; neither cap nor jitter changes what it says."""

    def sync(attempt: int, error: BaseException) -> Delay:
        assert (attempt, error) == (1, LOUD)
        return said

    async def asynchronous(attempt: int, error: BaseException) -> Delay:
        await asyncio.sleep(0)
        return sync(attempt, error)

    for strategy in (sync, asynchronous):
        assert await gap(Retry(backoff=strategy, cap="10m", jitter=1), 1, LOUD, 1.0) == wanted


async def test_a_strategy_may_look_at_attempt_and_error() -> None:
    """B-097: by error class."""

    def strategy(attempt: int, error: BaseException) -> Delay:
        return attempt * 10 if isinstance(error, OSError) else -1

    retry = Retry(9, backoff=strategy)
    assert [await gap(retry, attempt, LOUD, 0) for attempt in (1, 2, 3)] == [10, 20, 30]
    assert await gap(retry, 1, ValueError(), 0) is None


@pytest.mark.parametrize("said", ["soon", None, -2, math.nan, True])
async def test_a_strategy_that_says_no_duration_is_named(said: Delay) -> None:
    def strategy(attempt: int, error: BaseException) -> Delay:
        return said

    with pytest.raises(Invalid, match=r"^backoff="):
        await gap(Retry(backoff=strategy), 1, LOUD, 0)


async def test_what_a_strategy_raises_is_not_hidden() -> None:
    def strategy(attempt: int, error: BaseException) -> Delay:
        raise LookupError

    with pytest.raises(LookupError):
        await gap(Retry(backoff=strategy), 1, LOUD, 0)
