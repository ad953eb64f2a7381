"""The command line as processes of its own: signals, pipes, a file shared by several."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import pytest

from penstock import App

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60.0  # seconds after which a process is killed, and its test fails

HOLDING = """
import asyncio, os, sys
from penstock import App

app = App("memory://")

@app.task
def hold() -> None:
    print("begun", flush=True)
    sys.stdin.readline()
    print("ended", flush=True)

@app.task
async def endless() -> None:
    print("begun", flush=True)
    await asyncio.Event().wait()

async def begin(_: object) -> None:
    if "TASK" in os.environ:
        await app.enqueue(os.environ["TASK"])

app.on("worker.started", begin)
"""
SHOP = """
from penstock import App

app = App(name="shop")

@app.task
async def add(a: int, b: int = 2) -> int:
    return a + b
"""

needs_file = pytest.mark.skipif(find_spec("penstock.backends.sqlite.store") is None, reason="no store in a file here")


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1", **more}


@contextmanager
def started(folder: Path, *words: str, **more: str) -> Generator[subprocess.Popen[str]]:
    """`penstock` with these words, in the folder. Killed if it does not end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "penstock.cli", *words],
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def said(stream: IO[str] | None, text: str) -> str:
    """The first line that has the text."""
    assert stream is not None
    lines: list[str] = []
    for line in stream:
        lines.append(line)
        if text in line:
            return line
    pytest.fail(f"{text!r} was never said, but {lines}")


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The whole command, ended."""
    command = [sys.executable, "-m", "penstock.cli", *words]
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.fixture
def holding(tmp_path: Path) -> Path:
    (tmp_path / "holding.py").write_text(HOLDING, encoding="utf-8")
    return tmp_path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_runs_end_and_exits_with_0(holding: Path, number: signal.Signals) -> None:
    """S0-64: nothing new is claimed, what runs ends, the process says so and goes."""
    with started(holding, "worker", "holding:app", TASK="hold") as process:
        said(process.stderr, "started")
        said(process.stdout, "begun")
        process.send_signal(number)
        said(process.stderr, "stopping")
        out, err = process.communicate("\n")
        assert process.returncode == 0
    assert "ended" in out
    assert "stopped" in err


def test_a_second_signal_cuts_the_grace_short(holding: Path) -> None:
    with started(holding, "worker", "holding:app", "--grace", "1h", TASK="endless") as process:
        said(process.stdout, "begun")
        process.terminate()
        said(process.stderr, "stopping")
        process.terminate()
        _, err = process.communicate()
        assert process.returncode == 0
    assert "goes on elsewhere" in err
    assert "stopped" in err


def test_health_is_served_while_it_works(holding: Path) -> None:
    with started(holding, "worker", "holding:app", "--health", "127.0.0.1:0") as process:
        port = said(process.stderr, "on port").split()[-1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            assert json.load(answer)["ok"] is True
        process.terminate()
        process.communicate()
        assert process.returncode == 0


def test_an_address_in_use_ends_the_worker_with_one_line(holding: Path) -> None:
    with started(holding, "worker", "holding:app", "--health", "127.0.0.1:0") as process:
        port = said(process.stderr, "on port").split()[-1]
        second = run(holding, "worker", "holding:app", "--health", f"127.0.0.1:{port}")
    assert second.returncode == 1
    assert "address already in use" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    """`penstock ... | head` ends quietly."""
    with started(tmp_path, "config", "--url", "memory://") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate()
        assert (process.returncode, err) == (0, "")


@needs_file
def test_processes_share_a_file(shop: Path) -> None:
    """The whole way: enqueue, work, look, each in a process of its own, with no set-up."""
    added = run(shop, "enqueue", "add", "40", "--app", "shop:app")
    assert added.returncode == 0, added.stderr
    worked = run(shop, "worker", "shop:app", "--burst")
    assert worked.returncode == 0, worked.stderr
    shown = run(shop, "runs", "show", added.stdout.strip(), "-o", "json")
    assert (json.loads(shown.stdout)["state"], json.loads(shown.stdout)["result"]) == ("succeeded", 42)
    assert run(shop, "check").returncode == 0
    by_name = run(shop, "enqueue", "add", "--a", "1")
    assert by_name.returncode == 0, by_name.stderr
    assert (shop / "penstock.db").exists()


@needs_file
def test_waiting_for_a_worker_in_another_process_gives_the_result(shop: Path) -> None:
    with started(shop, "worker", "shop:app") as worker:
        said(worker.stderr, "started")
        told = run(shop, "enqueue", "add", "40", "--app", "shop:app", "--wait", "--timeout", "30s")
        assert (told.returncode, told.stdout) == (0, "42\n")
        assert run(shop, "worker", "shop:app", "--check").returncode == 0
        worker.terminate()
        worker.communicate()
        assert worker.returncode == 0


@needs_file
def test_a_worker_that_has_done_enough_begins_anew(shop: Path) -> None:
    """As a fresh program in the same process: whoever watches that notices nothing."""
    app = App(shop / "penstock.db")
    with app.sync as jobs:
        jobs.enqueue_many([app.call("add", a=n, unchecked=True) for n in range(400)])
    words = ("worker", "shop:app", "--burst", "--concurrency", "1", "--recycle-runs", "20", "--name", "fresh")
    ended = run(shop, *words)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stderr.splitlines()
    assert len([line for line in lines if "begins anew, after" in line]) >= 2
    pids = {line.split("@", 1)[1].split(":")[1] for line in lines if " started: " in line}
    assert len(pids) == 1
    counted = json.loads(run(shop, "queues", "list", "-o", "json").stdout)["queues"]
    assert counted[0]["succeeded"] == 400


def test_a_worker_takes_another_loop_if_asked(holding: Path) -> None:
    pytest.importorskip("uvloop")
    with started(holding, "worker", "holding:app", "--loop", "uvloop", TASK="hold") as process:
        said(process.stdout, "begun")
        process.terminate()
        said(process.stderr, "stopping")
        out, _ = process.communicate("\n")
        assert process.returncode == 0
    assert "ended" in out


@needs_file
def test_a_url_that_names_no_store_is_refused_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "penstock.db").mkdir()
    told = run(tmp_path, "runs", "list")
    assert told.returncode == 2
    assert "this is a folder" in told.stderr
    assert told.stderr.count("\n") == 1
