"""Errors on the command line: one line, what to do, and an exit status that stays."""

import inspect
import json

import click
import pytest

from penstock.cli import failures
from penstock.cli.exits import MEANINGS, Exit
from penstock.cli.failures import NoStore, NotLoaded, exit_for, sentence_for
from penstock.cli.session import masked
from penstock.core import errors
from penstock.core.errors import (
    Cascading,
    Closed,
    Duplicate,
    Invalid,
    InvalidInput,
    KeyConflict,
    NotFound,
    PayloadTooLarge,
    PenstockError,
    Purged,
    ResultTimeout,
    RunCancelled,
    RunFailed,
    Unavailable,
    UnknownTask,
    WrongState,
)
from tests.cli.conftest import Line
from tests.cli.shop import HOSTILE

STATUSES: dict[int, list[BaseException]] = {
    1: [
        RunFailed("r", "t", error_type="E", message="m"),
        RunCancelled("r", "t"),
        Closed(),
        OSError(98, "in use"),
        TypeError("x"),
    ],
    2: [Invalid("p", 1, "a"), InvalidInput("p", 1, "a"), PayloadTooLarge("p", 2, 1), click.UsageError("u")],
    3: [NoStore("/srv/jobs.db", "--url"), NotFound("run", "r"), UnknownTask("t"), Purged("r")],
    4: [Unavailable("down", applied="no")],
    5: [ResultTimeout("r", 1.0)],
    6: [WrongState("cancel", "r", "finished"), Cascading("r"), KeyConflict("k", "r"), Duplicate("r", "s")],
    7: [NotLoaded("a:b", "why")],
    130: [KeyboardInterrupt(), click.Abort()],
}


@pytest.mark.parametrize(("status", "error"), [(status, error) for status, many in STATUSES.items() for error in many])
def test_each_error_has_its_status(status: int, error: BaseException) -> None:
    assert exit_for(error) == status
    assert "\n" not in sentence_for(error)


def test_each_status_has_a_meaning_that_the_help_tells(line: Line) -> None:
    assert set(MEANINGS) == set(Exit)
    told = line("--help").out
    assert all(f"{int(code):3}  {meaning}" in told for code, meaning in MEANINGS.items())


def test_no_error_of_ours_is_called_unexpected() -> None:
    ours = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, PenstockError)]
    assert ours
    for kind in ours:
        assert "unexpected" not in sentence_for(kind.__new__(kind))


def test_an_error_is_one_line_on_stderr(line: Line) -> None:
    told = line.shop("runs", "show", HOSTILE)
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1
    assert "\x1b" not in told.err


def test_a_program_reads_the_error_as_json(line: Line) -> None:
    told = line.shop("runs", "show", "nobody", "-o", "json")
    assert (told.status, told.out) == (3, "")
    assert json.loads(told.err)["error"] == {
        "type": "NotFound",
        "message": "no run 'nobody': it was never stored, or has been removed",
        "exit": 3,
    }


def test_a_traceback_is_shown_when_asked_for(line: Line) -> None:
    assert "Traceback" not in line.shop("runs", "show", "nobody").err
    assert "Traceback" in line.shop("runs", "show", "nobody", "--debug").err


def test_an_unexpected_error_is_one_line_too(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("penstock.cli.config.app_for", fail)
    told = line("config")
    assert told.status == 1
    assert told.err == "error: unexpected ZeroDivisionError: by zero. --debug shows where\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("rnus",), "Did you mean runs?"),
        (("frobnicate",), "There are worker, dev, web, enqueue,"),
        (("runs", "lst"), "list"),
        (("runs", "list", "--stat", "failed"), "--state"),
        (("runs", "list", "--state", "dead"), "succeeded"),
        (("runs", "show"), "RUN"),
        (("why", "a", "b"), "unexpected extra argument"),
        (("runs", "list", "-o", "xml"), "json"),
    ],
)
def test_a_wrong_command_line_says_what_is_possible(line: Line, words: tuple[str, ...], hint: str) -> None:
    told = line(*words)
    assert told.status == 2
    assert hint in told.err
    assert "--help` says what is possible" in told.err
    assert told.err.count("\n") == 1


def test_an_interrupt_ends_with_130(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("penstock.cli.config.app_for", interrupted)
    told = line("config")
    assert (told.status, told.err.strip()) == (130, "error: interrupted")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("memory://", "memory://"),
        ("db://host/name", "db://host/name"),
        ("db://me:pa:ss@word@host/name?x=1", "db://me:***@host/name?x=1"),
        ("db://:secret@host", "db://:***@host"),
        ("db://me@host?password=a&x=b&api_key=c", "db://me@host?password=***&x=b&api_key=***"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_colours_are_for_terminals_and_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert failures.coloured(Terminal())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    monkeypatch.setenv("NO_COLOR", "1")
    assert not failures.coloured(Terminal())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
