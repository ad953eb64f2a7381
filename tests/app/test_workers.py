"""An app's workers: how many, whose, and how they come and go."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from penstock import App, Blocking, Closed, Event, Invalid, Retry, RunFailed, WorkerFailed
from penstock.app import working
from penstock.backends.memory import MemoryStore


async def test_no_run_is_worked_on_twice_by_two_workers(app: App) -> None:
    """B-061."""
    seen: list[int] = []

    @app.task
    async def task(n: int) -> int:
        seen.append(n)
        await asyncio.sleep(0)
        return n

    async with app.worker(concurrency=3), app.worker(concurrency=3):
        runs = await app.enqueue_many([task.call(n) for n in range(100)])
        assert await asyncio.gather(*(run.result(timeout=30) for run in runs)) == list(range(100))
    assert sorted(seen) == list(range(100))


async def test_a_worker_that_fails_ends_what_waits_for_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would do what the body waits for."""

    async def broken(*_: object) -> Any:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(MemoryStore, "claim", broken)
    monkeypatch.setattr(MemoryStore, "turn", broken)
    async with App("memory://") as app:
        run = await app.enqueue("unknown", unchecked=True)
        with pytest.raises(WorkerFailed):
            async with app.worker():
                await run.result()
    current = asyncio.current_task()
    assert current is not None
    assert not current.cancelling()


async def test_one_worker_started_twice_at_once_works_once(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """S2-06, S1-22: also while the app is being opened."""
    app = App(url)

    @app.task
    async def task(n: int) -> int:
        return n

    worker = app.worker()
    await asyncio.gather(worker.start(), worker.start(), app.open())
    assert "not started a second time" in caplog.text
    assert await (await task.enqueue(1)).result(timeout=20) == 1
    assert len(await app.workers()) == 1
    worker.stop()
    await worker.stopped()
    with pytest.raises(Closed, match="make another one"):
        await worker.start()
    await app.close()


async def test_a_worker_that_stops_lets_its_runs_end(app: App) -> None:
    """B-062, S0-64, S1-22."""
    started, gate = asyncio.Event(), asyncio.Event()

    @app.task
    async def slow() -> str:
        started.set()
        await gate.wait()
        return "whole"

    worker = app.worker(grace=30)
    await worker.start()
    run = await slow.enqueue()
    await started.wait()
    worker.stop()
    late = await slow.enqueue()
    gate.set()
    await worker.stopped()
    assert await run.result(timeout=10) == "whole"
    assert (await late.status()).state == "queued"
    assert app._client.workers == set()


async def test_a_run_that_does_not_end_is_handed_back_for_free(app: App) -> None:
    """S2-08."""
    started = asyncio.Event()

    @app.task
    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    async with app.worker(grace=0):
        run = await endless.enqueue()
        await started.wait()
    status = await run.status()
    assert (status.state, status.failures, status.releases) == ("queued", 0, 1)


async def test_closing_the_app_stops_its_workers(url: str) -> None:
    app = App(url)

    @app.task
    async def task() -> int:
        return 1

    worker = app.worker()
    await worker.start()
    assert await (await task.enqueue()).result(timeout=10) == 1
    await app.close()
    assert worker.health().state == "stopped"
    with pytest.raises(Closed):
        await task.enqueue()


async def test_a_burst_ends_when_nothing_is_left(app: App) -> None:
    """B-064, B-070."""

    @app.task
    async def grow(n: int) -> None:
        if n:
            await grow.enqueue(n - 1)

    await grow.enqueue(5)
    await app.worker(burst=True).run()
    assert [one.state for one in (await app.runs()).items] == ["succeeded"] * 6


async def test_a_task_registered_later_is_learned(app: App) -> None:
    async with app.worker():

        @app.task(queue="late")
        async def late() -> int:
            return 7

        assert await (await late.enqueue()).result(timeout=20) == 7


async def test_a_task_nobody_here_knows_waits_for_one_who_does(app: App) -> None:
    """S4-17."""
    run = await app.named("new", unchecked=True).enqueue()

    @app.task
    async def old() -> int:
        return 1

    async with app.worker():
        assert await (await old.enqueue()).result(timeout=10) == 1
        why = await run.why()
        assert why is not None
        assert why.reason == "no_worker"

        @app.task
        async def new() -> int:
            return 2

        assert await run.result(timeout=20) == 2


async def test_concurrency_is_a_bound_and_can_be_changed(app: App) -> None:
    """S0-65."""
    now = most = 0
    full, gate = asyncio.Event(), asyncio.Event()

    @app.task
    async def task() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == 4:
            full.set()
        await gate.wait()
        now -= 1

    async with app.worker(concurrency=2) as worker:
        runs = await app.enqueue_many([task.call() for _ in range(8)])
        worker.concurrency = 4
        await asyncio.wait_for(full.wait(), 10)
        gate.set()
        await asyncio.gather(*(run.result(timeout=10) for run in runs))
        with pytest.raises(Invalid, match="concurrency="):
            worker.concurrency = 0
    assert most == 4


def place_of(name: str | None, url: str, namespace: str) -> working.Place:
    return os.getpid(), name, url, namespace


async def test_a_newer_app_in_the_same_place_replaces_the_older_ones_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """S2-09."""
    caplog.set_level(logging.ERROR)
    monkeypatch.setattr("penstock.app.app.place_of", place_of)  # a store in memory is nobody else's place
    older, newer = App("memory://", name="shop"), App("memory://", name="shop")
    other = App("memory://", name="other")
    first, second, stranger = older.worker(), newer.worker(), other.worker()
    await first.start()
    await stranger.start()
    await second.start()
    await asyncio.wait_for(first.stopped(), 10)
    assert [worker.health().state for worker in (first, second, stranger)] == ["stopped", "running", "running"]
    for app in (older, newer, other):
        await app.close()


@pytest.mark.parametrize(
    "named",
    [
        {"queues": "mail"},
        {"queues": ["a b"]},
        {"queues": {"mail": 1}},
        {"concurrency": 0},
        {"concurrency": 10_001},
        {"concurrency": 2.5},
        {"concurrency": True},
        {"lease": "500ms"},
        {"lease": "soon"},
        {"grace": -1},
        {"burst": "yes"},
        {"fair_queues": 1},
        {"recycle_runs": 0},
        {"recycle_runs": "many"},
        {"recycle_memory": "much"},
        {"recycle_memory": 0},
        {"recycle_memory": 1.5},
        {"child_runs": "many"},
        {"child_memory": "0MB"},
        {"name": ""},
        {"threads": 3},
    ],
)
def test_a_worker_with_a_bad_option_is_refused(named: dict[str, Any]) -> None:
    """S4-06."""
    with pytest.raises(Invalid) as refused:
        App("memory://").worker(**named)
    assert refused.value.parameter in named


async def test_a_worker_has_no_say_before_it_works() -> None:
    worker = App("memory://").worker()
    with pytest.raises(Closed):
        worker.health()
    worker.stop()
    await worker.stopped()


async def test_hooks_hear_what_happens_and_disturb_nobody(app: App, caplog: pytest.LogCaptureFixture) -> None:
    """B-172."""
    caplog.set_level(logging.CRITICAL)
    heard: list[tuple[str, str]] = []

    @app.task(retry=Retry(2, delay=0))
    async def fail() -> None:
        raise OSError

    def hear(event: Event) -> None:
        heard.append((event.kind, event.task))

    async def spoil(event: Event) -> None:
        raise RuntimeError("a bad hook")

    app.on("run.failed", spoil)
    for kind in ("run.retried", "run.failed", "run.started"):
        off = app.on(kind, hear)
    off()
    async with app.worker():
        with pytest.raises(RunFailed):
            await (await fail.enqueue()).result(timeout=10)
    assert heard == [("run.retried", "fail"), ("run.failed", "fail")]
    with pytest.raises(Invalid, match="kind="):
        app.on("run.exploded", hear)
    with pytest.raises(Invalid, match="observer="):
        app.on("run.failed", "hear")  # type: ignore[arg-type]


async def test_a_blocking_worker_is_refused_where_a_loop_runs() -> None:
    with pytest.raises(Blocking, match="run_worker"):
        App("memory://").run_worker()


PROGRAM = """
import sys
from penstock import App

app = App("memory://")

@app.task
async def hold() -> None:
    print("started", flush=True)
    import asyncio
    await asyncio.sleep(0.2)
    print("ended", flush=True)

hold.sync.enqueue()
app.run_worker(grace=10)
print("closed", flush=True)
"""


def test_a_signal_stops_a_blocking_worker_gently(tmp_path: Path) -> None:
    """S0-64."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
    assert (rest.split(), process.returncode) == (["ended", "closed"], 0)
