"""Workflows on the command line: the timeline of steps, signals, forks, histories, replays, lint."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from penstock import App
from tests.cli.conftest import Line, Told

SHOP = """
import penstock
from penstock import App

app = App("sqlite:///shop.db")


@app.workflow
async def order(number: int) -> str:
    await penstock.step("{step}", len, "abc")
    said = await penstock.wait(penstock.Signal("approval", str), timeout="7d")
    return f"{{number}} {{said}}"
"""
BAD = """
import random, time
from datetime import datetime
import penstock
from penstock import App

app = App("sqlite:///shop.db")


@app.step
async def fine() -> float:
    return time.time()


@app.workflow
async def order(number: int) -> float:
    import_time = datetime.now()
    time.sleep(1)
    print(open("x"), random.random())
    await fine()
    return number
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def write(folder: Path, name: str, text: str) -> str:
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return f"{name}:app"


def test_the_way_of_an_order(shop: Path, line: Line) -> None:
    """Worked on, signalled, shown, forked, exported, replayed against the same code and against another."""
    at = ("--app", write(shop, "shop_of_orders", SHOP.format(step="count")))
    run_id = json.loads(line("enqueue", "order", "number:=7", *at, "--output", "json").out)["id"]
    assert line("worker", "--burst", *at).status == 0
    assert line("runs", "signal", run_id, "approval", '"yes"', "--once", "a", *at).out.strip() == "sent"
    assert "dropped" in line("runs", "signal", run_id, "approval", '"no"', "--once", "a", *at).out
    assert line("runs", "signal", run_id, "approval", "{", *at).status == 2
    assert line("worker", "--burst", *at).status == 0
    shown = line("runs", "show", run_id, *at).out
    assert "count: 3" in shown
    assert "moment approval: until 20" in shown
    assert 'wait approval: "yes"' in shown
    document = line("runs", "show", run_id, *at, "--output", "json").document
    assert [step["name"] for step in document["steps"]] == ["count", "approval", "approval"]
    forked = line("runs", "fork", run_id, "--from-step", "approval", "--id", "again", *at)
    assert (forked.status, forked.out.strip()) == (0, "again")
    assert line("runs", "fork", run_id, "--from-step", "nothing", *at).status == 2
    assert line("history", "export", "--task", "order", "--to", "histories.jsonl", *at).status == 0
    assert line("history", "export", run_id, *at).out.count("\n") == 1
    assert line("history", "export", *at).status == 2
    assert line("replay", "histories.jsonl", *at).status == 0
    other = write(shop, "shop_of_others", SHOP.format(step="weigh"))
    replayed: Told = line("replay", "histories.jsonl", "--app", other)
    assert replayed.status == 1
    assert "step /count#1" in replayed.out
    assert "step /weigh#1" in replayed.out
    (shop / "nonsense").write_text("nonsense\n", encoding="utf-8")
    assert line("replay", "nonsense", *at).status == 2


def test_lint_names_what_a_replay_would_not_repeat(shop: Path, line: Line) -> None:
    """V3."""
    bad = write(shop, "shop_of_chance", BAD)
    told: Any = line("lint", "--app", bad, "--output", "json")
    assert told.status == 1
    found = {(one["found"], one["line"]) for one in told.document["findings"]}
    assert found == {
        ("datetime.datetime.now()", 17),
        ("time.sleep()", 18),
        ("print()", 19),
        ("open()", 19),
        ("random.random()", 19),
    }
    good = write(shop, "shop_without", SHOP.format(step="count"))
    assert line("lint", "--app", good).status == 0


def test_lint_reads_no_more_than_it_can() -> None:
    app = App("memory://")
    made: dict[str, Any] = {"__name__": "nowhere"}
    exec("async def typed_in() -> None: print()", made)
    app.workflow(made["typed_in"])
    assert app.lint() == []
