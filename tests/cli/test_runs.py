"""`penstock runs`."""

import pytest

from penstock import Unavailable
from tests.cli.conftest import Line
from tests.cli.shop import HOSTILE


def test_the_latest_stands_first(line: Line) -> None:
    ids = [line.enqueued("add", str(n)) for n in range(3)]
    assert [run["id"] for run in line.json("runs", "list")["runs"]] == ids[::-1]


def test_a_table_shows_what_the_list_says(line: Line) -> None:
    run_id = line.enqueued("add", "1")
    head, row = line.shop("runs", "list").out.splitlines()
    assert head.split() == ["ID", "TASK", "QUEUE", "STATE", "ATTEMPTS", "ENQUEUED", "SINCE", "ERROR"]
    assert row.split()[:5] == [run_id, "add", "default", "queued", "0"]


def test_lines_are_one_document_each(line: Line) -> None:
    line.enqueued("add", "1")
    line.enqueued("add", "2")
    assert len(line.shop("runs", "list", "-o", "lines").out.splitlines()) == 2


def test_every_field_is_always_there(line: Line) -> None:
    line.enqueued("add", "1")
    (run,) = line.json("runs", "list")["runs"]
    assert run["error"] is None
    assert run["key"] is None
    assert run["tags"] == []


def test_a_list_goes_on_where_it_ended(line: Line) -> None:
    ids = [line.enqueued("add", str(n)) for n in range(3)]
    page = line.json("runs", "list", "--limit", "2")
    assert [run["id"] for run in page["runs"]] == [ids[2], ids[1]]
    rest = line.json("runs", "list", "--limit", "2", "--after", page["after"])
    assert [run["id"] for run in rest["runs"]] == [ids[0]]
    assert rest["after"] is None
    assert f"--after {page['after']}" in line.shop("runs", "list", "--limit", "2").err


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--state", "succeeded"), ["add"]),
        (("--state", "failed", "--state", "succeeded"), ["explode", "add"]),
        (("--task", "greet"), ["greet"]),
        (("--queue", "mail"), ["greet"]),
        (("--queue", "mail", "--task", "add"), []),
        (("--tag", "red"), ["greet"]),
        (("--since", "1h"), ["greet", "explode", "add"]),
        (("--until", "1h"), []),
        (("--since", "2100-01-01T00:00Z"), []),
    ],
)
def test_options_sieve(line: Line, words: tuple[str, ...], found: list[str]) -> None:
    line.enqueued("add", "1")
    line.enqueued("explode")
    line.work()
    line.enqueued("greet", "name=x", "--tag", "red")
    assert [run["task"] for run in line.json("runs", "list", *words)["runs"]] == found


def test_a_run_shows_its_attempts_its_error_and_its_log(line: Line) -> None:
    run_id = line.enqueued("explode", "message=bang")
    line.work()
    run = line.json("runs", "show", run_id, "--log")
    assert (run["state"], run["failures"], run["dead_letter"], run["why"]) == ("failed", 1, "default-dlq", None)
    assert [attempt["error"]["message"] for attempt in run["failed_attempts"]] == ["bang"]
    assert run["log"][-1]["kind"] == "finished"
    shown = line.shop("runs", "show", run_id, "--log").out
    assert "Traceback" in shown
    assert "attempt 1" in shown


def test_a_run_that_waits_shows_why(line: Line) -> None:
    run_id = line.enqueued("add", "1", "--delay", "1h")
    assert line.json("runs", "show", run_id)["why"]["reason"] == "due"
    assert "not due yet" in line.shop("runs", "show", run_id).out


def test_nothing_in_the_data_steers_the_terminal(line: Line) -> None:
    """X10: control characters and escapes are spelled out, in every form of output."""
    run_id = line.enqueued("explode", f"message={HOSTILE}")
    line.work()
    shown = [
        line.shop("runs", "show", run_id, "--log").out,
        line.shop("runs", "list").out,
        line.shop("runs", "list", "-o", "json").out,
        line.shop("dead", "list").out,
        line.shop("why", run_id).out,
        line.shop("runs", "show", f"{HOSTILE}").err,
    ]
    assert all("\x1b" not in text and "\x07" not in text and "\u202e" not in text for text in shown)
    assert "\\x1b[31m" in shown[0]


def test_an_id_that_nobody_has_is_not_found(line: Line) -> None:
    for verb in ("show", "cancel", "redrive", "remove", "promote"):
        told = line.shop("runs", verb, "nobody")
        assert told.status == 3, verb
        assert "nobody" in told.err


def test_a_cancel_keeps_its_reason(line: Line) -> None:
    run_id = line.enqueued("add", "1")
    assert line.shop("runs", "cancel", run_id, "--reason", "wrong").status == 0
    run = line.json("runs", "show", run_id)
    assert (run["state"], run["reason"]) == ("cancelled", "wrong")


def test_what_the_state_forbids_exits_with_6(line: Line) -> None:
    run_id = line.enqueued("add", "1")
    assert line.shop("runs", "redrive", run_id).status == 6
    assert line.shop("runs", "promote", run_id).status == 6
    line.work()
    told = line.shop("runs", "cancel", run_id)
    assert told.status == 6
    assert "finished" in told.err


def test_a_redrive_begins_another_life(line: Line) -> None:
    run_id = line.enqueued("explode")
    line.work()
    assert line.shop("runs", "redrive", run_id).status == 0
    run = line.json("runs", "show", run_id)
    assert (run["state"], run["life"]) == ("queued", 2)


def test_a_removed_run_is_gone(line: Line) -> None:
    run_id = line.enqueued("add", "1")
    assert line.shop("runs", "remove", run_id).status == 0
    assert line.shop("runs", "show", run_id).status == 3


def test_a_scheduled_run_is_promoted_and_put_off(line: Line) -> None:
    run_id = line.enqueued("add", "1", "--delay", "1h")
    assert line.shop("runs", "promote", run_id).status == 0
    assert line.json("runs", "show", run_id)["state"] == "queued"
    assert line.shop("runs", "reschedule", run_id, "--at", "2100-01-31T12:00Z").status == 0
    assert line.json("runs", "show", run_id)["due_at"] == 4105080000.0
    assert line.shop("runs", "reschedule", run_id, "--delay", "10m").status == 0
    assert line.json("runs", "show", run_id)["due_at"] < 4105080000.0
    assert line.shop("runs", "reschedule", run_id).status == 2


def test_a_priority_is_changed(line: Line) -> None:
    run_id = line.enqueued("add", "1")
    assert line.shop("runs", "reprioritise", run_id, "7").status == 0
    assert line.json("runs", "show", run_id)["priority"] == 7
    assert line.shop("runs", "reprioritise", run_id, "7000").status == 2


def test_a_run_that_has_not_begun_gets_other_arguments(line: Line) -> None:
    """B-083."""
    run_id = line.enqueued("add", "1")
    assert line.shop("runs", "update", run_id, "5", "b:=7").status == 0
    assert line.json("runs", "show", run_id)["input"] == {"a": 5, "b": 7}
    told = line.shop("runs", "update", run_id, "a=text")
    assert told.status == 2
    assert "a=" in told.err
    line.work()
    assert line.json("runs", "show", run_id)["result"] == 12
    assert line.shop("runs", "update", run_id, "1").status == 6


def test_what_a_run_has_logged_is_dropped(line: Line) -> None:
    """B-085."""
    run_id = line.enqueued("chatter")
    line.work()
    assert "log" in {one["kind"] for one in line.json("runs", "show", run_id, "--log")["log"]}
    assert line.shop("runs", "clear-log", run_id).status == 0
    assert "log" not in {one["kind"] for one in line.json("runs", "show", run_id, "--log")["log"]}


def test_one_of_many_that_is_refused_spares_the_others(line: Line) -> None:
    first, last = line.enqueued("add", "1"), line.enqueued("add", "2")
    told = line.shop("runs", "cancel", first, "nobody", last, "-o", "json")
    assert told.status == 1
    assert told.document["done"] == [first, last]
    assert [(one["id"], one["exit"]) for one in told.document["refused"]] == [("nobody", 3)]


def test_ids_come_from_stdin_once_that_is_agreed(line: Line) -> None:
    ids = [line.enqueued("add", str(n)) for n in range(150)]
    told = line.shop("runs", "cancel", "-", stdin="\n".join(ids))
    assert told.status == 2
    assert "--yes" in told.err
    assert line.json("runs", "cancel", "-", "--yes", stdin="\n".join([*ids, ""]))["done"] == ids
    assert {run["state"] for run in line.json("runs", "list", "--limit", "1000")["runs"]} == {"cancelled"}


def test_a_store_that_fails_in_the_middle_says_so(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = line.enqueued("add", "1")

    async def gone(*_: object, **__: object) -> None:
        raise Unavailable("no route", applied="no")

    monkeypatch.setattr("penstock.backends.memory.MemoryStore.cancel", gone)
    told = line.shop("runs", "cancel", run_id)
    assert told.status == 4
    assert "nothing was changed" in told.err
