"""What programs read has the fields that the reference names, all of them and no others."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli import reference
from tests.cli.conftest import Line
from tests.cli.test_questions import register

PAGE = reference.PAGE.read_text(encoding="utf-8")


def documented(name: str) -> set[str]:
    """The fields that the page names for a document, in its own row."""
    (row,) = re.findall(rf"^\| {re.escape(name)} \|[^|]*\|([^|;]*)", PAGE, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", row))


def show(line: Line) -> Any:
    run_id = line.enqueued("explode")
    line.work()
    return line.json("runs", "show", run_id, "--log")


def why(line: Line) -> Any:
    return line.json("why", line.enqueued("add", "1"))


def worker(line: Line) -> Any:
    register()
    return line.json("workers", "list")["workers"][0]


def tolerant(line: Line, *words: str) -> Any:
    """As `Line.json`, of a question to which the answer may be no."""
    return json.loads(line.shop(*words, "-o", "json").out)


READ: dict[str, Callable[[Line], Any]] = {
    "run": lambda line: (line.enqueued("add", "1"), line.json("runs", "list")["runs"][0])[1],
    "why": lambda line: why(line)["why"],
    "answer to why": why,
    "attempt": lambda line: show(line)["failed_attempts"][0],
    "line of a log": lambda line: show(line)["log"][0],
    "error": lambda line: show(line)["error"],
    "verb on runs": lambda line: line.json("runs", "cancel", line.enqueued("add", "1")),
    "queue": lambda line: (line.enqueued("add", "1"), line.json("queues", "list")["queues"][0])[1],
    "removal": lambda line: line.json("queues", "drain", "default", "--yes"),
    "switch": lambda line: line.json("queues", "pause", "default"),
    "new run": lambda line: line.json("enqueue", "add", "1"),
    "pass": lambda line: line.json("reconcile"),
    "finding": lambda line: tolerant(line, "doctor")["findings"][0],
    "audit": lambda line: line.json("check"),
    "setting": lambda line: line.json("config")["settings"][0],
    "worker": worker,
    "metrics": lambda line: line.json("metrics"),
    "look": lambda line: line.json("top"),
    "changes": lambda line: line.json("sync"),
    "probe": lambda line: tolerant(line, "worker", "--check"),
}


@pytest.mark.parametrize("name", READ)
def test_a_document_has_the_fields_that_the_reference_names(line: Line, name: str) -> None:
    assert set(READ[name](line)) == documented(name)


def test_a_run_in_full_has_those_of_a_run_and_more(line: Line) -> None:
    assert set(show(line)) == documented("run") | documented("run in full")


def test_every_document_of_the_reference_is_read() -> None:
    table = PAGE.partition("## Documents")[2].partition("## ")[0]
    named = re.findall(r"^\| ([a-z][a-z ]*) \|", table, re.MULTILINE)
    assert set(named) - {"document"} == {*READ, "run in full"}
