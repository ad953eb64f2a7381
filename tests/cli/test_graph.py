"""`penstock graph`: what is wrong with a blueprint, and drawings of those with which nothing is."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Line

MODERATE: dict[str, Any] = {
    "id": "moderate",
    "version": "2",
    "nodes": [
        {"id": "score", "uses": "classify", "config": {"fallback": "guess"}},
        {"id": "guess", "uses": "guess"},
        {"id": "again", "uses": "loop", "params": {"condition": "turn < 3"}},
        {"id": "draft", "uses": "draft"},
        {"id": "ask", "uses": "wait", "params": {"signal": "verdict"}},
        {"id": "reject", "uses": "reject"},
        {"id": "publish", "uses": "publish"},
        {"id": "audit", "uses": "audit", "config": {"join": "any"}},
    ],
    "edges": [
        {"source": "score", "target": "again"},
        {"source": "again", "target": "draft", "action": "continue"},
        {"source": "draft", "target": "again"},
        {"source": "again", "target": "ask"},
        {"source": "ask", "target": "reject", "action": "no"},
        {"source": "ask", "target": "publish", "when": "output.score <= 0.8"},
        {"source": "reject", "target": "audit"},
        {"source": "publish", "target": "audit"},
    ],
}
DRAWN = """\
moderate@2: 8 nodes, 8 edges

score: classify
├─ again: loop turn < 3
│  ├─ draft  (continue)
│  │  └─ ↺ again
│  └─ ask: wait verdict
│     ├─ reject  (no)
│     │  └─ → audit
│     └─ publish  (when output.score <= 0.8)
│        │
│        audit [any]
└─ guess  (if it fails)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "graph.json"


def test_a_blueprint_with_which_nothing_is_wrong(line: Line, file: Path) -> None:
    file.write_text(json.dumps(MODERATE), encoding="utf-8")
    told = line("graph", "lint", str(file))
    assert (told.status, told.out) == (0, f"{file}: nothing is wrong\n")
    assert line("graph", "lint", str(file), "-o", "json").document == {
        "ok": True,
        "id": "moderate",
        "problems": [],
        "warnings": [],
    }


def test_all_that_is_wrong_is_listed_and_the_status_says_so(line: Line) -> None:
    """S0-04, S0-05"""
    wrong = {
        "id": "g",
        "nodes": [{"id": "a", "uses": "t"}, {"id": "a", "uses": "t"}],
        "edges": [{"source": "a", "target": "\x1b[31mb"}],
    }
    told = line("graph", "lint", "-", stdin=json.dumps(wrong))
    assert told.status == 1
    assert told.out.splitlines() == [
        "error: 2 nodes have the id 'a' [duplicate-id]",
        "error: edge 0 (a -> \\x1b[31mb): there is no node '\\x1b[31mb' [dangling-edge]",
        "-: 2 problems",
    ]
    found = line("graph", "lint", "-", "-o", "json", stdin=json.dumps(wrong)).document
    assert [(one["code"], one["node"], one["edge"]) for one in found["problems"]] == [
        ("duplicate-id", "a", None),
        ("dangling-edge", None, 0),
    ]


def test_warnings_are_a_failure_only_if_asked(line: Line, file: Path) -> None:
    """S0-09"""
    nodes = [{"id": one, "uses": "t"} for one in "abc"]
    odd = {"id": "g", "nodes": nodes, "edges": [{"source": "a", "target": "b"}], "colour": 1}
    file.write_text(json.dumps(odd), encoding="utf-8")
    told = line("graph", "lint", str(file))
    assert told.status == 0
    assert "warning: blueprint 'g': dropped what is not known here: colour [dropped]" in told.out
    assert "warning: node 'c': no edge leads to it or from it [alone]" in told.out
    assert line("graph", "lint", str(file), "--strict").status == 1


def test_with_an_app_its_tasks_are_the_ones_that_are_known(line: Line) -> None:
    """S0-06"""
    data = json.dumps({"id": "g", "nodes": [{"id": "a", "uses": "no_such_task"}]})
    assert line("graph", "lint", "-", stdin=data).status == 0
    told = line.shop("graph", "lint", "-", stdin=data)
    assert told.status == 1
    assert "there is no task 'no_such_task'" in told.out


@pytest.mark.parametrize(("data", "says"), [("{", "it is no JSON"), ("[]", "an object is expected")])
def test_what_is_no_blueprint_is_said_to_be_none(line: Line, data: str, says: str) -> None:
    for command in ("lint", "show"):
        told = line("graph", command, "-", stdin=data)
        assert told.status == 1
        assert says in told.out


def test_a_file_that_is_not_there(line: Line) -> None:
    told = line("graph", "lint", "nowhere.json")
    assert told.status == 1
    assert "nowhere.json" in told.err


def test_a_blueprint_is_drawn(line: Line, file: Path) -> None:
    file.write_text(json.dumps(MODERATE), encoding="utf-8")
    assert line("graph", "show", str(file)).out == DRAWN
    assert line("graph", "show", str(file), "--mermaid").out.startswith("flowchart TD\n")
    found = line("graph", "show", str(file), "-o", "json").document
    assert (found["starts"], found["terminals"], found["loops"]) == (["score"], ["audit"], {"again": ["draft"]})


def test_a_blueprint_that_is_wrong_is_not_drawn(line: Line) -> None:
    told = line("graph", "show", "-", stdin='{"id": "g", "nodes": []}')
    assert told.status == 1
    assert "there are no nodes [empty]" in told.out


def test_a_long_chain_is_drawn_in_one_column(line: Line, file: Path) -> None:
    ids = [f"n{i}" for i in range(3000)]
    edges = [{"source": a, "target": b} for a, b in itertools.pairwise(ids)]
    file.write_text(json.dumps({"id": "g", "nodes": [{"id": one, "uses": one} for one in ids], "edges": edges}))
    told = line("graph", "show", str(file)).out.splitlines()
    assert told[2:5] == ["n0", "│", "n1"]
    assert len(told) == 2 + 2 * 3000 - 1


SUM = {
    "id": "sum",
    "nodes": [
        {"id": "first", "uses": "add", "params": {"b": 5}},
        {"id": "double", "uses": "add", "inputs": {"a": "first", "b": "first"}},
    ],
    "edges": [{"source": "first", "target": "double"}],
}


def test_a_blueprint_is_carried_out_here(line: Line) -> None:
    told = line.shop("graph", "run", "-", "--here", "--input", "2", "--timeout", "1m", stdin=json.dumps(SUM))
    assert (told.status, told.err) == (0, "")
    assert (
        told.out
        == """\
sum: 2 nodes, 1 edge

first: add [succeeded]
│
double: add [succeeded]

output: 14
"""
    )


def test_a_blueprint_that_fails_says_where(line: Line) -> None:
    wrong = {"id": "g", "nodes": [{"id": "a", "uses": "explode", "params": {"message": "oh no"}}]}
    told = line.shop("graph", "run", "-", "--here", stdin=json.dumps(wrong))
    assert told.status == 1
    assert "a: explode [failed]" in told.out
    assert "oh no" in told.out


def test_a_blueprint_is_started_for_the_workers(line: Line, file: Path) -> None:
    file.write_text(json.dumps(SUM), encoding="utf-8")
    words = ("graph", "run", str(file), "--id", "this", "--context", '{"tenant": "a"}', "--input", "1")
    assert line.shop(*words).out == "this\n"
    assert line.json(*words) == {"id": "this", "created": False}
    line.work()
    told = line.json(*words, "--wait")
    assert (told["ok"], told["output"], told["context"]) == (True, 12, {"tenant": "a"})
    assert {name: one["status"] for name, one in told["nodes"].items()} == {"first": "succeeded", "double": "succeeded"}


@pytest.mark.parametrize(
    ("words", "named"),
    [(("--input", "{"), "input="), (("--context", "[]"), "context="), (("--timeout", "1m"), "timeout=")],
)
def test_what_does_not_fit_a_graph_is_refused(line: Line, words: tuple[str, ...], named: str) -> None:
    told = line.shop("graph", "run", "-", *words, stdin=json.dumps(SUM))
    assert (told.status, named in told.err) == (2, True)
    assert line.json("runs", "list")["runs"] == []


def test_what_could_only_wait_for_ever_is_not_begun_here(line: Line) -> None:
    unknown = {"id": "g", "nodes": [{"id": "a", "uses": "no_such_task"}]}
    told = line.shop("graph", "run", "-", "--here", stdin=json.dumps(unknown))
    assert (told.status, "there is no task 'no_such_task'" in told.err) == (2, True)
    told = line("graph", "run", "-", "--here", stdin=json.dumps(SUM))
    assert (told.status, "say --app" in told.err) == (2, True)
    assert line.json("runs", "list")["runs"] == []
