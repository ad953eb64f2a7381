"""`penstock graph events` and `nodes`: what has happened in a graph run, and how it stood."""

import json
from typing import Any

from tests.cli.conftest import Line

SUM: dict[str, Any] = {
    "id": "sum",
    "nodes": [
        {"id": "first", "uses": "add", "params": {"b": 5}},
        {"id": "ask", "uses": "wait"},
        {"id": "double", "uses": "add", "inputs": {"a": "first", "b": "first"}},
    ],
    "edges": [{"source": "first", "target": "ask"}, {"source": "ask", "target": "double"}],
}


def started(line: Line) -> None:
    words = ("graph", "run", "-", "--id", "this", "--input", "2", "--context", '{"api_key": "k", "tenant": "a"}')
    assert line.shop(*words, stdin=json.dumps(SUM)).status == 0


def test_the_events_of_a_run_and_how_it_stood(line: Line) -> None:
    """S0-82."""
    started(line)
    assert line.shop("graph", "nodes", "this").out.startswith("running and not begun\n")
    line.work()
    assert line.shop("runs", "signal", "this", "ask", '{"token": "t"}').status == 0
    line.work()
    found = line.json("graph", "events", "this")
    events = found["events"]
    assert found["after"] is None
    assert [(one["kind"], one["node"]) for one in events] == [
        ("graph.started", None),
        ("node.started", "first"),
        ("node.finished", "first"),
        ("node.waiting", "ask"),
        ("node.signalled", "ask"),
        ("node.started", "double"),
        ("node.finished", "double"),
        ("graph.succeeded", None),
    ]
    assert events[4]["data"] == {"token": "[redacted]"}
    assert {one["key"]: one["value"] for one in events[0]["changes"]} == {"api_key": "[redacted]", "tenant": "a"}
    page = line.json("graph", "events", "this", "--after", "2", "--limit", "2")
    assert ([one["seq"] for one in page["events"]], page["after"]) == ([3, 4], "4")
    then = line.json("graph", "nodes", "this", "--at", "4")
    assert {name: one["status"] for name, one in then["nodes"].items()} == {
        "first": "succeeded",
        "ask": "running",
        "double": "pending",
    }
    assert (then["status"], then["outputs"]) == ("running", {"first": 7})
    assert then["context"] == {"api_key": "[redacted]", "tenant": "a"}
    now = line.shop("graph", "nodes", "this").out
    assert now.startswith("succeeded at event 8, ")
    assert "double  succeeded" in now
    assert "node.finished    double  14" in line.shop("graph", "events", "this").out


def test_what_is_no_graph_run_has_no_events(line: Line) -> None:
    told = line.shop("graph", "events", line.enqueued("add", "1"))
    assert (told.status, "the run of a graph" in told.err) == (2, True)
    assert line.shop("graph", "nodes", "nobody").status == 3
    started(line)
    line.work()
    told = line.shop("graph", "nodes", "this", "--at", "99")
    assert (told.status, "seq=99" in told.err) == (2, True)


def test_a_run_is_brought_back(line: Line) -> None:
    """S0-86."""
    started(line)
    assert line.shop("runs", "signal", "this", "ask").status == 0
    line.work()
    assert line.shop("reconcile").status == 0
    assert line.shop("graph", "rerun", "this", "double", "--input", '{"a": 1, "b": 1}').status == 0
    line.work()
    assert line.json("graph", "nodes", "this")["outputs"]["double"] == 2
    assert line.shop("reconcile").status == 0
    told = line.shop("graph", "rollback", "this", "double")
    assert (told.status, told.out) == (0, "brought back to the start of double\n")
    line.work()
    found = line.json("graph", "nodes", "this")
    assert (found["status"], found["outputs"]["double"]) == ("succeeded", 2)  # what it was given then
    kinds = [one["kind"] for one in line.json("graph", "events", "this")["events"] if one["kind"].startswith("graph.")]
    assert kinds == [
        "graph.started",
        "graph.succeeded",
        "graph.rerun",
        "graph.succeeded",
        "graph.rolled_back",
        "graph.succeeded",
    ]


def test_what_can_not_be_brought_back_is_refused(line: Line) -> None:
    started(line)
    assert line.shop("graph", "rerun", "this", "double").status == 6
    line.work()
    line.shop("runs", "cancel", "this")
    assert line.shop("reconcile").status == 0
    for words, named in (
        (("rerun", "this", "double"), "never was"),
        (("rollback", "this", "nobody"), "node="),
        (("rerun", "this", "first", "--input", "{"), "input="),
    ):
        told = line.shop("graph", *words)
        assert (told.status, named in told.err) == (2, True)
