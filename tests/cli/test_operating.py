"""`penstock workers`, `logs`, `metrics`, `top` and `sync`: what those who run an app look at and do."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from penstock import App
from penstock.core.views import Rollup
from tests.cli import shop
from tests.cli.conftest import Line, at_the_shop
from tests.cli.test_questions import register, store_of

ROOT = Path(__file__).parent.parent.parent


def flush(*rows: Rollup) -> None:
    async def work(app: App) -> None:
        await store_of(app).flush(rows, worker="w", number=1)

    at_the_shop(work)


def test_workers_are_listed(line: Line) -> None:
    register()
    [one] = line.json("workers", "list")["workers"]
    assert (one["worker"], one["host"], one["pid"], one["queues"]) == ("w", "h", 1, ["default", "mail"])
    assert one["tasks"] == ["add", "chatter", "explode", "greet"]
    assert {"running", "runs", "loop_lag", "memory", "concurrency"} <= set(one)
    told = line.shop("workers", "list").out
    assert "h:1" in told
    assert "default, mail" in told


def test_a_log_is_printed_from_any_line_on(line: Line) -> None:
    run_id = line.enqueued("chatter")
    line.work()
    told = line.shop("logs", run_id)
    assert told.status == 0
    assert [text.split("  ")[1] for text in told.out.splitlines()] == [
        "enqueued",
        "claimed",
        "so it goes",
        "finished succeeded",
    ]
    lines = [json.loads(text) for text in line.shop("logs", run_id, "--after", "2", "-o", "lines").out.splitlines()]
    assert [(one["seq"], one["kind"]) for one in lines] == [(3, "log"), (4, "finished")]
    assert line.shop("logs", "nobody").status == 3


def test_a_log_is_followed_to_the_end_of_the_run(tmp_path: Path) -> None:
    """S2-29, on the command line: asked before the run starts."""
    environment = {**os.environ, "PENSTOCK_URL": f"sqlite:///{tmp_path}/jobs.db", "PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    (tmp_path / "work.py").write_text(
        "from penstock import App, context\napp = App()\n@app.task\ndef chatter():\n    context().log('so it goes')\n"
    )

    def penstock(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "penstock.cli", "--app", "work:app", *words]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE)

    run_id = penstock("enqueue", "chatter").communicate(timeout=60)[0].strip()
    following = penstock("logs", "-f", run_id)
    assert following.stdout is not None
    assert "enqueued" in following.stdout.readline()
    working = penstock("worker", "--burst")
    out = following.communicate(timeout=60)[0]
    working.communicate(timeout=60)
    assert (following.returncode, working.returncode) == (0, 0)
    assert [text.split("  ")[1].strip() for text in out.splitlines()][-2:] == ["so it goes", "finished succeeded"]


def test_what_is_named_like_a_secret_is_not_shown(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop, "app", keeping_secrets())
    run_id = line.enqueued("pay", "card_number=4111", "holder=Ann", "pin=1234")
    line.work()
    for words in (["runs", "list"], ["runs", "show", run_id], ["logs", run_id]):
        told = line.shop(*words, "-o", "lines").out
        assert "4111" not in told
        assert "s3cret" not in told
    assert "4111" not in line.shop("runs", "show", run_id).out
    shown = line.json("runs", "show", run_id, "--log")
    assert shown["input"] == {"card_number": "[redacted]", "holder": "Ann", "pin": "1234"}
    assert shown["result"] == {"token": "[redacted]"}
    assert shown["log"][-2]["data"] == {"password": "[redacted]", "step": 1}
    revealed = line.json("runs", "show", run_id, "--reveal")
    assert (revealed["input"]["card_number"], revealed["result"]) == ("4111", {"token": "s3cret"})
    monkeypatch.setenv("PENSTOCK_REDACT", "pin, holder")
    assert line.json("runs", "show", run_id)["input"] == dict.fromkeys(("card_number", "holder", "pin"), "[redacted]")


def keeping_secrets() -> App:
    app = App("memory://", name="shop")

    @app.task
    async def pay(card_number: str, holder: str, pin: str) -> dict[str, str]:
        from penstock import context  # noqa: PLC0415

        context().emit({"password": "s3cret", "step": 1})
        return {"token": "s3cret"}

    return app


def test_metrics_by_task_and_by_minute(line: Line) -> None:
    """B-176."""
    now = int(time.time() // 60)
    flush(Rollup(minute=now - 1, queue="mail", task="greet", succeeded=7, failed=1, waits=(8,), times=(0, 0, 0, 8)))
    [one] = line.json("metrics", "--last", "10m")["tasks"]
    assert (one["task"], one["succeeded"], one["failed"], one["time"]["p99"]) == ("greet", 7, 1, 0.008)
    told = line.shop("metrics", "--last", "10m").out
    assert "greet" in told
    assert "TIME P99" in told
    minutes = line.shop("metrics", "--last", "10m", "--minutes", "-o", "lines").out.splitlines()
    assert 10 <= len(minutes) <= 11
    assert sum(json.loads(text)["succeeded"] for text in minutes) == 7
    assert line.shop("metrics", "--last", "10m", "--minutes").out.count("\n") >= 11
    assert line.json("metrics", "--last", "10m", "--queue", "default")["tasks"] == []
    assert line.json("metrics", "--last", "10m", "--until", "1h")["succeeded"] == 0
    assert line.shop("metrics", "--last", "8d").status == 2


def test_top_shows_queues_workers_and_tasks_once(line: Line) -> None:
    register()
    line.enqueued("add", "1")
    flush(Rollup(minute=int(time.time() // 60), queue="mail", task="greet", succeeded=7))
    told = line.shop("top", "--once")
    assert told.status == 0
    assert "1 worker, 7 runs ended in 5m" in told.out
    for word in ("QUEUE", "WORKER", "TASK", "greet", "h:1"):
        assert word in told.out
    found = line.json("top")
    assert {queue["queue"]: queue["queued"] for queue in found["queues"]}["default"] == 1
    assert [one["worker"] for one in found["workers"]] == ["w"]
    assert [one["task"] for one in found["tasks"]] == ["greet"]
    assert line.shop("top", "--every", "1ms").status == 2


def test_top_looks_again_until_it_is_interrupted(tmp_path: Path) -> None:
    environment = {**os.environ, "PENSTOCK_URL": "memory://", "PYTHONPATH": f"{ROOT}/src"}
    watching = subprocess.Popen(
        [sys.executable, "-m", "penstock.cli", "top", "--every", "200ms", "-o", "lines"],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
    )
    assert watching.stdout is not None
    seen = [json.loads(watching.stdout.readline())["at"] for _ in range(3)]
    assert seen == sorted(set(seen))
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=60)
    assert watching.returncode == 0


def test_a_deploy_says_what_it_would_change_and_changes_it(line: Line) -> None:
    """S4-02."""
    told = line.shop("sync", "--dry-run")
    assert "definition greet would be stored" in told.out
    assert line.shop("sync", "tests.cli.shop:app").out.count(" stored") == 4
    assert "nothing to change" in line.shop("sync").out
    found = line.json("sync", "--dry-run")
    assert found["dry_run"] is True
    assert found["definitions"] == {"stored": [], "removed": []}


def test_sync_needs_an_app_and_its_name(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4-01."""
    assert line("--url", "memory://", "sync").status == 2
    monkeypatch.setattr(shop, "app", App("memory://"))
    told = line.shop("sync")
    assert told.status == 2
    assert "App(name=...)" in told.err
