"""Text for people: what is escaped, shortened, and how moments and lengths read."""

import pytest

from penstock.cli import text, when
from penstock.cli.screen import Column, as_json, field, plain_table
from penstock.core.errors import Invalid


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain é ü 漢", "plain é ü 漢"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31m\x07\x7f\x9b", "\\x1b[31m\\x07\\x7f\\x9b"),
        ("\u202e\u200b\ud800", "\\u202e\\u200b\\ud800"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_what_could_steer_a_terminal_is_spelled_out(raw: str, shown: str) -> None:
    """X10."""
    assert text.escaped(raw) == shown
    assert text.escaped(shown) == shown


def test_every_control_character_is_spelled_out() -> None:
    """X10."""
    controls = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
    assert text.escaped(controls).isprintable()
    assert as_json(controls).isascii()
    assert as_json(controls).isprintable()


def test_lines_stay_lines_and_tabs_become_blanks() -> None:
    assert text.escaped_lines("a\n\tb\x1b") == ["a", "    b\\x1b"]


def test_long_text_is_cut() -> None:
    assert text.shortened("abcdef", 6) == "abcdef"
    assert text.shortened("abcdefg", 6) == "abc..."
    assert len(text.shortened("\x1b" * 100, 6)) == 6


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (0.44, "0.4s"),
        (9.96, "10s"),
        (59, "59s"),
        (61, "1m1s"),
        (3600, "1h"),
        (3660, "1h1m"),
        (90_061, "1d1h"),
    ],
)
def test_lengths_show_their_two_largest_units(seconds: float, shown: str) -> None:
    assert text.span(seconds) == shown


def test_moments_are_shown_in_utc_and_from_now() -> None:
    assert text.moment(1_800_000_000.0) == "2027-01-15 08:00:00Z"
    assert text.moment(None) == text.ago(None, 0.0) == "-"
    assert (text.ago(40.0, 100.0), text.ago(160.0, 100.0)) == ("1m ago", "in 1m")


def test_numbers_are_counted_with_their_noun() -> None:
    assert [text.counted(n, "run") for n in (0, 1, 1200)] == ["0 runs", "1 run", "1,200 runs"]
    assert text.counted(10_000, "run", capped=True) == "10,000+ runs"


def test_a_table_is_aligned_numbers_to_the_right() -> None:
    columns = [field("a"), Column("b", str, number=True)]
    assert plain_table(columns, [["x", "1"], ["long", "1,000"]]) == ["A         B", "x         1", "long  1,000"]


def test_a_moment_is_said_as_a_date_or_as_so_long_ago() -> None:
    assert when.past("1h", "since", 10_000.0) == 6_400.0
    assert when.past("1h", "since", 1.0) == 0.0
    assert when.past("1970-01-01T01:00+01:00", "since", 0.0) == 0.0
    assert when.date("1800000000", "at") == 1_800_000_000.0
    assert when.span("90", "delay") == 90.0
    for refused in ("1h", "soon", "2030-01-31T12:00", "inf", "nan", "-1"):
        with pytest.raises(Invalid, match="at="):
            when.date(refused, "at")
