"""Durations and moments: what users write, and what is refused before anything is stored."""

import contextlib
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.duration import LONGEST, moment, seconds
from penstock.core.errors import Invalid


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (0, 0.0),
        (90, 90.0),
        (0.25, 0.25),
        (timedelta(minutes=2), 120.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("500ms", 0.5),
        ("250us", 0.00025),
        ("2.5s", 2.5),
        ("3d", 259_200.0),
        ("1w", 604_800.0),
        (" 5s ", 5.0),
        ("30m1h", 5400.0),
        ("0s", 0.0),
    ],
)
def test_a_duration_may_be_written_in_many_ways(written: object, meant: float) -> None:
    assert seconds(written, "delay") == meant


@pytest.mark.parametrize(
    "value",
    [
        *("10x", "", " ", "10", "m", "1h1h", "1m2", "-1s", "+1s", "1e3s", "1,5s", ".5s", "1.s", "٣s", "nan", "10 0m"),
        *(-1, -0.001, math.nan, math.inf, -math.inf, True, False, None, b"10m", [1], 10**400, "99999999999w"),
        *(
            timedelta(seconds=-1),
            timedelta.max,
            LONGEST * 1.01,
            "1" * 10_000 + "s",
            datetime(2026, 2, 3, 4, 5, tzinfo=UTC),
            1j,
        ),
    ],
)
def test_what_is_no_duration_is_refused_by_name(value: object) -> None:
    """B-114: nothing so far away that a timer could overflow."""
    with pytest.raises(Invalid, match=r"^delay=") as refused:
        seconds(value, "delay")
    assert refused.value.parameter == "delay"
    assert refused.value.value is value


@pytest.mark.parametrize("nothing", [0, 0.0, "0s", timedelta(0)])
def test_zero_is_refused_where_it_means_nothing(nothing: object) -> None:
    with pytest.raises(Invalid, match=r"period=.*above 0"):
        seconds(nothing, "period", allow_zero=False)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36_000)))
def test_a_timedelta_and_its_parts_as_text_are_the_same(span: timedelta) -> None:
    text = f"{span.days}d{span.seconds}s{span.microseconds}us"
    assert seconds(text, "delay") == pytest.approx(seconds(span, "delay"))


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        assert 0 <= seconds(text, "delay") <= LONGEST


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (0, 0.0),
        (1_700_000_000, 1_700_000_000.0),
        (datetime(2020, 1, 1, tzinfo=UTC), 1_577_836_800.0),
        (datetime(2020, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), 1_577_836_800.0),
        (datetime(9999, 12, 30, tzinfo=UTC), 253_402_128_000.0),
    ],
)
def test_a_moment_is_unix_seconds(written: object, meant: float) -> None:
    """B-114: as far as the year 9999."""
    assert moment(written, "at") == meant


@pytest.mark.parametrize(
    "value",
    [
        datetime(2020, 1, 1),  # noqa: DTZ001 (that is the point)
        datetime(1969, 12, 31, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        *(-1, 1e12, math.nan, math.inf, True, None, "2020-01-01", "10m", timedelta(1), 10**400),
    ],
)
def test_what_is_no_moment_is_refused_by_name(value: object) -> None:
    with pytest.raises(Invalid, match=r"^at=") as refused:
        moment(value, "at")
    assert refused.value.parameter == "at"
