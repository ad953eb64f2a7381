"""When schedules tick, against an oracle that looks at every minute of every zone's changeover days."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise, takewhile
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from penstock.core.errors import Invalid
from penstock.engine.schedules_ticks import Timing, timing

MINUTE = timedelta(minutes=1)
Fits = Callable[[datetime], bool]

# each with what it says, in words that are not those of the expression
EXPRESSIONS: dict[str, Fits] = {
    "*/5 * * * *": lambda wall: wall.minute % 5 == 0,
    "30 * * * *": lambda wall: wall.minute == 30,
    "15 */2 * * *": lambda wall: wall.minute == 15 and wall.hour % 2 == 0,
    "30 2 * * *": lambda wall: (wall.hour, wall.minute) == (2, 30),
    "0 0 * * *": lambda wall: (wall.hour, wall.minute) == (0, 0),
    "30 1 * * *": lambda wall: (wall.hour, wall.minute) == (1, 30),
    "*/20 1-3 * * *": lambda wall: wall.minute % 20 == 0 and 1 <= wall.hour <= 3,
    "45 23 * * sun": lambda wall: (wall.hour, wall.minute) == (23, 45) and wall.weekday() == 6,
}


def changes(zone: ZoneInfo, year: int) -> Iterator[datetime]:
    """About when the zone's clocks change in the year: the noon before."""
    noon = datetime(year, 1, 1, 12, tzinfo=UTC)
    while noon.year == year:
        if noon.astimezone(zone).utcoffset() != (noon + timedelta(days=1)).astimezone(zone).utcoffset():
            yield noon
        noon += timedelta(days=1)


@cache
def zones() -> dict[tuple[Any, ...], str]:
    """One zone of each behaviour: those whose clocks show the same all through the year stand for each other."""
    found: dict[tuple[Any, ...], str] = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        seen: list[Any] = []
        for year in (2011, 2025):
            for noon in changes(zone, year):
                seen += [(noon + n * 15 * MINUTE).astimezone(zone).replace(tzinfo=None) for n in range(96)]
        start = datetime(2025, 1, 1, tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
        found.setdefault((start, *seen), name)
    return found


FEW = ("Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/Havana")


def oracle(expression: str, zone: ZoneInfo, start: datetime, end: datetime) -> list[float]:
    """Every minute from start to end is looked at."""
    fits, by_clock = EXPRESSIONS[expression], expression.split()[1].startswith("*")
    minutes = [start + n * MINUTE for n in range(-2 * 1440, int((end - start) / MINUTE) + 1)]
    shown = [minute.astimezone(zone).replace(tzinfo=None) for minute in minutes]
    found = set[datetime]()
    latest = shown[0]
    for minute, wall, before in zip(minutes[1:], shown[1:], shown[:-1], strict=True):
        if by_clock:
            if fits(wall):
                found.add(minute)
            continue
        # walls that are shown for the first time now, and those that were skipped just now
        new = wall
        while new > latest:
            if fits(new):
                found.add(minute)
            new -= MINUTE
        latest = max(latest, wall)
        assert wall != before
    return sorted(one.timestamp() for one in found if start < one <= end)


def compared(expression: str, zone_names: Iterable[str]) -> int:
    """On how many changeover days the ticks are the oracle's."""
    days = 0
    for name in zone_names:
        zone = ZoneInfo(name)
        rule = timing(cron=expression, tz=name)
        for noon in [*changes(zone, 2011), *changes(zone, 2025)]:
            start, end = noon - timedelta(days=1), noon + timedelta(days=2)
            wanted = oracle(expression, zone, start, end)
            got = list(takewhile(lambda at: at <= end.timestamp(), rule.ticks(start.timestamp())))  # noqa: B023
            assert got == wanted, (name, noon)
            days += 1
    return days


each_expression = pytest.mark.parametrize(
    "expression", EXPRESSIONS, ids=lambda one: one.replace(" ", "_").replace("*", "x")
)


@each_expression
def test_ticks_are_those_of_the_oracle(expression: str) -> None:
    """S2-39: both changeover days, of odd zones: half an hour, a day that is left out, at midnight, in Ramadan."""
    assert compared(expression, FEW) > 10


@pytest.mark.slow
@each_expression
def test_ticks_are_those_of_the_oracle_in_all_zones(expression: str) -> None:
    """S2-39."""
    assert compared(expression, sorted(zones().values())) > 100


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def test_a_skipped_moment_ticks_right_after_the_gap() -> None:
    rule = timing(cron="30 2 * * *", tz="Europe/Berlin")
    assert rule.after(at("2026-03-28T12:00")) == at("2026-03-29T03:00")
    assert rule.after(at("2026-03-29T03:00")) == at("2026-03-30T02:30")


def test_a_repeated_moment_ticks_once() -> None:
    rule = timing(cron="30 2 * * *", tz="Europe/Berlin")
    first = at("2026-10-25T02:30")
    assert rule.after(at("2026-10-24T12:00")) == first
    assert rule.after(first) == at("2026-10-26T02:30")
    assert rule.after(at("2026-10-25T02:15", fold=1)) == at("2026-10-26T02:30")


def test_every_hour_goes_on_through_the_repeated_hour() -> None:
    rule = timing(cron="30 * * * *", tz="Europe/Berlin")
    ticks = rule.ticks(at("2026-10-25T01:00"))
    assert {later - earlier for earlier, later in pairwise(next(ticks) for _ in range(5))} == {3600.0}


def test_asked_at_any_moment_the_next_tick_is_the_same() -> None:
    """Whoever asks between two ticks gets the same answer: no worker's clock matters."""
    for expression in EXPRESSIONS:
        rule = timing(cron=expression, tz="Europe/Berlin")
        for day in ("2026-03-29", "2026-10-25"):
            moment = at(f"{day}T00:00")
            for _ in range(26 * 12):
                following = rule.after(moment)
                assert following is not None
                assert rule.after((moment + following) / 2) == following
                moment += 300


def test_an_interval_is_aligned_to_its_anchor() -> None:
    """B-154."""
    rule = timing(every="2m")
    assert rule.after(1000.0) == 1080.0
    assert rule.after(1080.0) == 1200.0
    assert timing(every="2m", anchor=30).after(1000.0) == 1110.0
    third = timing(every=1.1)
    ticks = third.ticks(1_800_000_000.0)
    assert len({next(ticks) for _ in range(10_000)}) == 10_000


def test_start_and_end_bound_the_ticks() -> None:
    """B-156: a start that is a tick is one."""
    rule = timing(cron="0 0 * * *", start=at("2026-01-05T00:00", "UTC"), end=at("2026-01-07T00:00", "UTC"))
    days = [datetime.fromtimestamp(one, UTC).day for one in rule.ticks(0.0)]
    assert days == [5, 6, 7]
    assert list(timing(at=50.0).ticks(0.0)) == [50.0]


def test_seconds_are_a_field_of_their_own() -> None:
    rule = timing(cron="*/10 * * * * *", seconds_field=True)
    ticks = rule.ticks(5.5)
    assert [next(ticks) for _ in range(3)] == [10.0, 20.0, 30.0]


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("cron", {"cron": "* * * *"}),
    ("cron", {"cron": "* * * * * *"}),
    ("cron", {"cron": "61 * * * *"}),
    ("cron", {"cron": "0 0 30 2 *"}),
    ("cron", {"cron": "* * * * *", "every": 5}),
    ("cron", {}),
    ("tz", {"cron": "* * * * *", "tz": "Mars/Olympus"}),
    ("tz", {"cron": "* * * * *", "tz": "../etc/passwd"}),
    ("every", {"every": 0.5}),
    ("end", {"every": 60, "start": 100, "end": 50}),
    ("cron", {"cron": "0 0 1 1 *", "start": 86_400, "end": 2 * 86_400}),
    ("at", {"at": "tomorrow"}),
]


@pytest.mark.parametrize(("parameter", "said"), REFUSED, ids=lambda one: str(one)[:40])
def test_what_would_never_tick_is_refused(parameter: str, said: dict[str, Any]) -> None:
    """S2-38, B-162: at once, naming what is wrong."""
    with pytest.raises(Invalid) as caught:
        timing(**said)
    assert caught.value.parameter == parameter


def test_a_timing_is_told_in_words() -> None:
    assert str(timing(cron="0  9 * * mon-fri", tz="Europe/Paris")) == "0 9 * * mon-fri Europe/Paris"
    assert str(timing(every="10m")) == "every 600s"
    assert str(Timing(at=0.0)) == "once at 1970-01-01T00:00:00+00:00"
