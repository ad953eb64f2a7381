"""`penstock worker` in this process: what it loads, carries out and says. Real processes are in `test_processes.py`."""

import json
import sys
from pathlib import Path

import pytest

from penstock import App
from tests.cli import shop
from tests.cli.conftest import Line
from tests.cli.test_questions import register


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def test_a_burst_carries_out_what_there_is_and_ends(line: Line) -> None:
    ids = [line.enqueued("add", str(n)) for n in range(3)]
    told = line("worker", "tests.cli.shop:app", "--burst")
    assert told.status == 0
    assert [line.json("runs", "show", run_id)["result"] for run_id in ids] == [2, 3, 4]


def test_a_worker_says_when_it_starts_and_when_it_stops(line: Line) -> None:
    told = line("worker", "tests.cli.shop:app", "--burst", "--concurrency", "3")
    started, stopped = told.err.splitlines()
    assert "4 tasks (add, chatter, explode, greet) of queues default, mail; concurrency 3; store memory://" in started
    assert "stopped" in stopped
    assert told.out == ""


def test_what_it_says_can_be_json(line: Line) -> None:
    told = line("worker", "tests.cli.shop:app", "--burst", "-o", "json")
    assert [json.loads(one)["event"] for one in told.err.splitlines()] == ["started", "stopped"]


def test_only_the_queues_named_are_served(line: Line) -> None:
    served, left = line.enqueued("greet", "name=a"), line.enqueued("add", "1")
    line("worker", "tests.cli.shop:app", "--burst", "--queues", "mail")
    assert line.json("runs", "show", served)["state"] == "succeeded"
    assert line.json("runs", "show", left)["state"] == "queued"


def test_a_check_asks_whether_somebody_serves_the_app(line: Line) -> None:
    told = line("worker", "tests.cli.shop:app", "--check")
    assert told.status == 1
    assert "nobody knows add, chatter, explode, greet" in told.out
    register()
    assert line("worker", "tests.cli.shop:app", "--check").status == 0
    assert line("worker", "tests.cli.shop:app", "--check", "--queues", "other").status == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--concurrency", "0"), "concurrency=0"),
        (("--lease", "0.5s"), "lease=0.5"),
        (("--queues", ","), "queues="),
        (("--queues", "a b"), "queues="),
        (("--grace", "soon"), "grace="),
        (("--health", "here"), "health="),
    ],
)
def test_a_worker_that_cannot_be_is_refused(line: Line, words: tuple[str, ...], named: str) -> None:
    told = line("worker", "tests.cli.shop:app", "--burst", *words)
    assert told.status == 2
    assert named in told.err


def test_an_app_without_tasks_is_no_work(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop, "app", App("memory://"))
    told = line("worker", "tests.cli.shop:app")
    assert told.status == 2
    assert "no tasks" in told.err
    assert line("worker").status == 2


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("shop", "say MODULE:APP"),
        ("shop.py:app", "not the name of a file: shop:app"),
        ("cli/shop.py", "not the name of a file: cli.shop:app"),
        ("tests.cli.shop:", "say MODULE:APP"),
        ("nowhere:app", "no module nowhere in"),
        ("tests.cli.nowhere:app", "no module tests.cli.nowhere"),
        ("tests.cli.shop:ap", "has no ap; there is tests.cli.shop:app"),
        ("tests.cli.shop:number", "is a int, no App; there is tests.cli.shop:app"),
        ("tests.cli.conftest:Line", "there is no App in it"),
    ],
)
def test_what_leads_to_no_app_is_named_with_what_is_there(line: Line, target: str, told: str) -> None:
    answer = line("worker", target)
    assert answer.status == 7
    assert told in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import nothing_of_that_name\n", "broken.py:1 imports nothing_of_that_name, which is not installed here"),
        ("x = 1\n1 / 0\n", "importing broken raised ZeroDivisionError: division by zero, at broken.py:2"),
        ("def f(:\n", "SyntaxError"),
        ("raise SystemExit('no')\n", "raised SystemExit: no"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_with_the_line(
    line: Line, folder: Path, code: str, told: str
) -> None:
    (folder / "broken.py").write_text(code, encoding="utf-8")
    answer = line("worker", "broken:app")
    assert answer.status == 7
    assert told in answer.err
    assert "Traceback" not in answer.err


def test_a_module_beside_a_misspelt_one_is_named(line: Line, folder: Path) -> None:
    (folder / "market.py").write_text("", encoding="utf-8")
    assert "here are market" in line("worker", "markt:app").err


def test_a_store_beside_the_one_in_the_code_is_refused(line: Line) -> None:
    told = line("worker", "tests.cli.shop:app", "--url", "memory://x", "--burst")
    assert told.status == 2
    assert "as its code says" in told.err
    assert line("worker", "tests.cli.shop:app", "--namespace", "other", "--burst").status == 2
