"""`penstock enqueue`."""

import pytest

from tests.cli.conftest import Line


@pytest.mark.parametrize(
    "words",
    [
        ("1", "41"),
        ("1", "b:=41"),
        ("1", "--b", "41"),
        ("a:=1", "--b=41"),
        ("--a", "1", "b:=41"),
        ("1", "41", "--priority", "-5"),
    ],
)
def test_arguments_are_said_by_position_and_by_name(line: Line, words: tuple[str, ...]) -> None:
    run_id = line.enqueued("add", *words)
    assert line.json("runs", "show", run_id)["input"] == {"a": 1, "b": 41}


def test_negative_numbers_are_no_options(line: Line) -> None:
    run_id = line.enqueued("add", "-5", "--b", "-1")
    assert line.json("runs", "show", run_id)["input"] == {"a": -5, "b": -1}


def test_text_needs_no_quotes_by_name(line: Line) -> None:
    first, second = line.enqueued("greet", "name=42"), line.enqueued("greet", "--name", "Ada Lovelace")
    assert line.json("runs", "show", first)["input"] == {"name": "42"}
    assert line.json("runs", "show", second)["input"] == {"name": "Ada Lovelace"}


def test_the_id_is_all_that_stands_on_stdout(line: Line) -> None:
    told = line.shop("enqueue", "add", "1", "--id", "mine")
    assert (told.out, told.err) == ("mine\n", "")


def test_a_key_finds_the_run_that_has_it(line: Line) -> None:
    first = line.enqueued("add", "1", "--key", "k")
    told = line.shop("enqueue", "add", "1", "--key", "k")
    assert told.out.strip() == first
    assert "there already" in told.err
    assert line.json("enqueue", "add", "1", "--key", "k") == {"id": first, "task": "add", "created": False}


def test_a_key_with_other_input_is_refused(line: Line) -> None:
    line.enqueued("add", "1", "--key", "k")
    assert line.shop("enqueue", "add", "2", "--key", "k").status == 6


def test_options_say_how_the_run_is_treated(line: Line) -> None:
    words = "--queue slow --priority 5 --delay 1h --tag a --tag b --deadline 2h"
    run_id = line.enqueued("add", "1", *words.split())
    run = line.json("runs", "show", run_id)
    assert (run["queue"], run["priority"], run["state"], run["tags"]) == ("slow", 5, "scheduled", ["a", "b"])
    assert run["due_at"] - run["enqueued_at"] == pytest.approx(3600, abs=5)
    assert run["deadline_at"] - run["enqueued_at"] == pytest.approx(7200, abs=5)


def test_a_date_says_when_it_is_due(line: Line) -> None:
    run_id = line.enqueued("add", "1", "--at", "2100-01-31T12:00:00Z")
    assert line.json("runs", "show", run_id)["due_at"] == 4105080000.0
    assert line.shop("enqueue", "add", "1", "--at", "tomorrow").status == 2
    assert "time zone" in line.shop("enqueue", "add", "1", "--at", "2100-01-31T12:00:00").err


def test_an_unknown_task_is_not_found(line: Line) -> None:
    told = line("enqueue", "ad", "1", "--url", "memory://")
    assert told.status == 3
    assert "--unchecked" in told.err
    assert line("enqueue", "ad", "a:=1", "--unchecked", "--url", "memory://").status == 0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("1", "c:=3"), "c="),
        (("a=x",), "a="),
        (("x",), "args="),
        (("1", "--a", "2"), "a="),
        (("a:=1", "a:=2"), "a="),
        (("1", "--b"), "b="),
        (("NaN",), "args="),
        (("1", "--dealy", "10m"), "--delay"),
        (("1", "--priority", "5000"), "priority="),
        (("1", "--delay", "soon"), "delay="),
        (("1", "--timeout", "1m"), "timeout="),
        (("1", "--delay", "1m", "--at", "2100-01-31T12:00Z"), "at="),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_nothing_is_stored(
    line: Line, words: tuple[str, ...], named: str
) -> None:
    told = line.shop("enqueue", "add", *words)
    assert told.status == 2
    assert named in told.err
    assert told.err.count("\n") == 1
    assert line.json("runs", "list")["runs"] == []


def test_an_app_where_the_task_goes_is_told_its_place(line: Line) -> None:
    told = line("enqueue", "shop:app", "add", "1", "2")
    assert (told.status, "say penstock enqueue add ... --app shop:app" in told.err) == (2, True)


def test_waiting_for_nobody_times_out(line: Line) -> None:
    told = line.shop("enqueue", "add", "1", "--wait", "--timeout", "0.01")
    assert told.status == 5
    assert "goes on" in told.err


def test_waiting_prints_the_result(line: Line) -> None:
    """The run was finished before: a key finds it."""
    line.enqueued("add", "40", "--key", "k")
    line.work()
    assert line.shop("enqueue", "add", "40", "--key", "k", "--wait").out == "42\n"
    assert line.json("enqueue", "add", "40", "--key", "k", "--wait")["result"] == 42


def test_waiting_for_a_run_that_failed_exits_with_1(line: Line) -> None:
    line.enqueued("explode", "--key", "k")
    line.work()
    told = line.shop("enqueue", "explode", "--key", "k", "--wait")
    assert told.status == 1
    assert "RuntimeError: no" in told.err
