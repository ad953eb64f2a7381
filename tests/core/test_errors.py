"""Errors say what was tried, with which value, and what to do next."""

import asyncio
import inspect
import re

import pytest

from penstock.core import errors
from penstock.core.control import Control, Never, RetryIn, Snooze
from penstock.core.errors import (
    Invalid,
    InvalidInput,
    PayloadTooLarge,
    PenstockError,
    ResultTimeout,
    RunCancelled,
    RunFailed,
    Timeout,
    Unavailable,
    UnknownTask,
    shown,
)


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = set(re.findall(r"── (\w+)", errors.__doc__ or "")) - {"asked", "the", "what", "why"}
    classes = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, PenstockError)}
    assert classes - {"PenstockError"} == drawn - {"Control"}


def test_a_refusal_names_parameter_and_value_and_what_is_allowed() -> None:
    refused = Invalid("mode", "both ", "say both, enqueue or work")
    assert str(refused) == "mode='both ' is refused: say both, enqueue or work"
    assert (refused.parameter, refused.value) == ("mode", "both ")


@pytest.mark.parametrize(
    "value", ["x" * 1_000_000, list(range(100_000)), 10**300, Rude(), {"a": {"b": {"c": [Rude()]}}}]
)
def test_any_value_can_be_shown_in_a_line(value: object) -> None:
    assert len(shown(value)) < 300
    assert len(str(Invalid("value", value, "smaller"))) < 400


def test_a_payload_that_is_too_large_says_both_numbers() -> None:
    refused = PayloadTooLarge("the input of mail", 2_000_000, 1_048_576)
    assert "2,000,000" in str(refused)
    assert "1,048,576" in str(refused)
    assert isinstance(refused, Invalid)


def test_time_outs_are_time_outs_for_those_who_know_only_these() -> None:
    assert isinstance(ResultTimeout("r", 2), TimeoutError)
    assert isinstance(Timeout(30), asyncio.TimeoutError)
    assert isinstance(InvalidInput("a", 1, "text"), ValueError)


def test_unavailable_says_whether_to_repeat() -> None:
    assert "nothing was changed" in str(Unavailable("refused", applied="no"))
    assert "repeat" in str(Unavailable("reset", applied="unknown"))


def test_an_unknown_task_names_those_that_are_known() -> None:
    assert "known are a, b" in str(UnknownTask("c", ["b", "a"]))


def test_who_waits_for_a_result_hears_the_error_of_the_run() -> None:
    failed = RunFailed("r1", "mail", error_type="OSError", message="no route", traceback="...")
    assert str(failed) == "run r1 of mail failed: OSError: no route"
    cancelled = RunCancelled("r1", "mail", reason="not needed")
    assert str(cancelled) == "run r1 of mail was cancelled: not needed"
    assert isinstance(cancelled, RunFailed)
    assert str(RunCancelled("r1", "mail")) == "run r1 of mail was cancelled"


def test_a_handler_steers_its_run_by_words_of_its_own() -> None:
    assert str(Never("no such user")) == "no such user"
    assert RetryIn("30s").delay == 30.0
    assert Snooze("1m", "busy").reason == "busy"
    assert all(issubclass(kind, Control) for kind in (Never, RetryIn, Snooze))


@pytest.mark.parametrize("kind", [RetryIn, Snooze])
def test_a_delay_that_is_none_is_refused_where_it_is_said(kind: type[RetryIn | Snooze]) -> None:
    with pytest.raises(Invalid, match="delay="):
        kind("10x")
