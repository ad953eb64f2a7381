"""What only a terminal sees: bars and coloured tables. Elsewhere nothing of the kind is written."""

import io
import sys
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from penstock.cli.progress import progress
from penstock.cli.screen import Screen, field


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def not_found(_: str) -> None:
    """As `find_spec`, where nothing is installed."""


@contextmanager
def at_a_terminal(**environment: str) -> Generator[Terminal]:
    """Both streams lead to one terminal that is 120 columns wide. In the test itself: pytest has streams of its own."""
    shown = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NO_COLOR", raising=False)
        for name, value in {"TERM": "xterm", "COLUMNS": "120", **environment}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "stdout", shown)
        patch.setattr(sys, "stderr", shown)
        yield shown


@pytest.fixture
def rich(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the extra is installed."""
    if not request.param:
        for module in ("progress", "screen"):
            monkeypatch.setattr(f"penstock.cli.{module}.find_spec", not_found)


@pytest.mark.parametrize("rich", [True, False], indirect=True, ids=["with rich", "without rich"])
@pytest.mark.usefixtures("rich")
def test_long_work_shows_a_bar_on_a_terminal() -> None:
    with at_a_terminal() as terminal, progress("drain", 10) as told:
        told(4)
        told(12)  # more than were counted before
    assert "drain" in terminal.getvalue()


def test_no_bar_is_written_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    with progress("drain", 10) as told:
        told(4)
    assert shown.getvalue() == ""


@pytest.mark.parametrize("rich", [True, False], indirect=True, ids=["with rich", "without rich"])
@pytest.mark.usefixtures("rich")
@pytest.mark.parametrize("plain", [True, False], ids=["NO_COLOR", "in colour"])
def test_tables_are_escaped_and_need_no_colour(*, plain: bool) -> None:
    """X10: markup and escapes in the data do nothing."""
    document = {"id": "[red]x[/red] \x1b[2J", "state": "failed"}
    with at_a_terminal(**({"NO_COLOR": "1"} if plain else {})) as terminal:
        Screen().listing("runs", [document], [field("id"), field("state")])
    shown = terminal.getvalue()
    assert "[red]x[/red] \\x1b[2J" in shown
    assert "failed" in shown
    assert "\x1b[2J" not in shown
    if plain:
        assert "\x1b" not in shown
