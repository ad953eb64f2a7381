"""A worker that has done enough stops gently; loops of other makes."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from penstock import App, Blocking, Invalid
from penstock.app import recycling
from penstock.app.loops import run
from penstock.app.recycling import Recycling, bytes_of
from penstock.engine import memory
from penstock.engine.memory import memory_used


async def test_a_worker_stops_after_so_many_runs_and_loses_none(app: App) -> None:
    @app.task
    async def task(n: int) -> int:
        return n

    runs = await app.enqueue_many([task.call(n) for n in range(1000)])
    workers = 0
    while sum(one.n for one in await app.counts() if one.state == "queued"):
        worker = app.worker(concurrency=2, recycle_runs=8, burst=True)
        await worker.run()
        workers += 1
        assert worker.recycled is None or int(worker.recycled.split()[0]) >= 8
    assert workers >= 2
    assert await asyncio.gather(*(one.result(timeout=30) for one in runs)) == list(range(1000))


async def test_other_workers_of_the_app_are_not_counted(app: App) -> None:
    @app.task
    async def task() -> None: ...

    busy = app.worker(queues=["default"])
    idle = app.worker(queues=["other"], recycle_runs=1)
    async with busy, idle:
        await asyncio.gather(*[(await task.enqueue()).result(timeout=20) for _ in range(3)])
        assert [one.recycled for one in (busy, idle)] == [None, None]
        last = await task.opts(queue="other").enqueue()
        await last.result(timeout=20)
        await asyncio.wait_for(idle.stopped(), 20)
        assert idle.recycled == "1 runs"
        assert busy.health().state == "running"


async def test_a_worker_stops_above_so_much_memory(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    @app.task
    async def task() -> None: ...

    used = iter([100 * 2**20, 700 * 2**20])
    monkeypatch.setattr(recycling, "memory_used", lambda: next(used))
    async with app.worker(recycle_memory="512MB") as worker:
        for _ in range(2):
            await (await task.enqueue()).result(timeout=20)
        await asyncio.wait_for(worker.stopped(), 20)
        assert worker.recycled == "700 MB in use"


def test_memory_in_use_is_known_here() -> None:
    assert not Path("/proc/self/statm").exists() or 2**20 < memory_used() < 2**40


def test_where_the_system_says_less_the_peak_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_STATM", tmp_path / "nothing")
    assert memory_used() > 2**20


@pytest.mark.parametrize(
    ("said", "size"), [("512MB", 512 * 2**20), ("1 gb", 2**30), ("64kb", 2**16), (4096, 4096), ("70", 70)]
)
def test_sizes_are_said_in_many_ways(said: object, size: int) -> None:
    assert bytes_of(said, "recycle_memory") == size
    assert Recycling(memory=said).memory == size


@pytest.fixture
def uvloop_app(url: str) -> App:
    pytest.importorskip("uvloop")
    return App(url)


def test_a_program_may_run_on_another_loop(uvloop_app: App) -> None:
    loops: list[str] = []

    @uvloop_app.lifespan
    async def look() -> AsyncGenerator[None]:
        loops.append(type(asyncio.get_running_loop()).__module__)
        yield

    @uvloop_app.task
    async def on_loop(n: int) -> int:
        return n

    @uvloop_app.task
    def in_thread(n: int) -> int:
        return n

    async def enqueue() -> None:
        await uvloop_app.enqueue_many([on_loop.call(1), in_thread.call(2)])

    if uvloop_app.url.startswith("memory:"):
        pytest.skip("a store in memory ends with its app")
    run(enqueue(), "uvloop")
    uvloop_app.run_worker(burst=True, loop="uvloop")
    assert loops == ["uvloop"]
    with uvloop_app.sync as jobs:
        assert {one.state for one in jobs.counts()} == {"succeeded"}


async def test_a_loop_that_is_not_there_is_refused(app: App) -> None:
    with pytest.raises(Invalid, match="loop="):
        app.run_worker(loop="trio")
    with pytest.raises(Blocking):
        app.run_worker(loop="asyncio")
