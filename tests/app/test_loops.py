"""One app in several loops and threads: each has the store for itself, and all see the same runs."""

import asyncio
import threading

import pytest

from penstock import App, Closed


@pytest.fixture
def shared(url: str) -> App:
    """An app with one task."""
    app = App(url)

    @app.task
    async def double(n: int) -> int:
        return 2 * n

    return app


def test_an_app_lives_through_one_loop_after_another(shared: App) -> None:
    async def enqueue(n: int) -> str:
        return (await shared.enqueue("double", n)).id

    async def work(run_ids: list[str]) -> list[int]:
        async with shared.worker():
            return [await shared.run(run_id).result(timeout=20) for run_id in run_ids]

    async def close() -> None:
        await shared.close()

    runs = [asyncio.run(enqueue(n)) for n in range(3)]
    assert asyncio.run(work(runs)) == [0, 2, 4]
    assert len(shared._client.stores._open) == 1
    asyncio.run(close())
    asyncio.run(close())


def test_loops_in_threads_share_the_runs_and_one_close_ends_them_all(shared: App) -> None:
    over = asyncio.Event()
    ready = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        async with shared.worker():
            loops.append(asyncio.get_running_loop())
            ready.set()
            await over.wait()

    async def ask() -> int:
        run = await shared.enqueue("double", 21)
        return await run.result(timeout=20)  # type: ignore[no-any-return]

    async def close() -> None:
        await shared.close()

    worker = threading.Thread(target=lambda: asyncio.run(work()))
    worker.start()
    assert ready.wait(20)
    assert asyncio.run(ask()) == 42
    assert shared.sync.enqueue("double", 4).result(timeout=20) == 8
    asyncio.run(close())
    loops[0].call_soon_threadsafe(over.set)
    worker.join(20)
    assert not worker.is_alive()
    assert shared._client.stores._open == {}


def test_a_lone_program_needs_no_close(url: str) -> None:
    app = App(url)

    @app.task
    def task(n: int) -> int:
        return n

    runs = [task.sync.enqueue(n) for n in range(3)]
    assert [run.status().state for run in runs] == ["queued"] * 3
    assert sum(one.n for one in app.sync.counts()) == 3
    app.sync.close()
    app.sync.close()
    with pytest.raises(Closed):
        task.sync.enqueue(1)
    app.sync.close()
