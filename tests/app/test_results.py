"""Waiting for results: any number, woken by notification, and an error that says why there is none."""

import asyncio
import logging
from typing import Any

import pytest

from penstock import App, Invalid, NotFound, Purged, ResultTimeout, Retry, RunCancelled, RunFailed
from penstock.app import waiting


async def test_any_number_may_wait_and_share_their_looks(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """S0-60."""
    monkeypatch.setattr(waiting, "LOOK", 3600.0)  # only the bell wakes them
    gate = asyncio.Event()

    @app.task
    async def slow() -> int:
        await gate.wait()
        return 7

    runs = await app.enqueue_many([slow.call() for _ in range(5)])
    connection = await app._client.here()
    looked = asyncio.Event()
    calls = {"watching": 0, "getting": 0}
    for name in calls:
        _count(monkeypatch, getattr(connection, name), name, calls, looked)
    waiters = [asyncio.create_task(run.result(timeout=30)) for run in runs for _ in range(40)]
    async with app.worker():
        await asyncio.wait_for(looked.wait(), 10)
        gate.set()
        assert await asyncio.gather(*waiters) == [7] * 200
    assert calls["watching"] <= 10
    assert calls["getting"] <= 50


def _count(patch: pytest.MonkeyPatch, batcher: Any, name: str, calls: dict[str, int], looked: asyncio.Event) -> None:
    call = batcher._call

    async def counted(ids: list[str]) -> Any:
        calls[name] += 1
        looked.set()
        await asyncio.sleep(0)  # as if it took time
        return await call(ids)

    patch.setattr(batcher, "_call", counted)


async def test_a_waiters_timeout_is_its_own(app: App) -> None:
    """S4-15."""
    gate = asyncio.Event()

    @app.task
    async def slow() -> str:
        await gate.wait()
        return "done"

    async with app.worker():
        run = await slow.enqueue()
        with pytest.raises(ResultTimeout) as late:
            await run.result(timeout="10ms")
        assert isinstance(late.value, TimeoutError)
        gate.set()
        assert await run.result(timeout=10) == "done"


async def test_a_handle_made_from_an_id_gives_the_same_result(worked: App) -> None:
    @worked.task
    async def one() -> dict[int, str]:
        return {1: "a"}

    run = await one.enqueue()
    assert await run.result(timeout=10) == {1: "a"}
    again = worked.run(run.id)
    assert await again.result(timeout=10) == {1: "a"}
    assert again == run
    assert again.created is None


async def test_the_result_of_code_that_is_elsewhere_is_plain_data(app: App, url: str) -> None:
    @app.task
    async def pair() -> tuple[int, bytes]:
        return 1, b"x"

    await app.worker(burst=True).run()
    run = await pair.enqueue()
    await app.worker(burst=True).run()
    assert await run.result(timeout=10) == (1, b"x")
    app._client.handlers.clear()
    app._client.versions.clear()
    assert await app.run(run.id).result(timeout=10) == [1, "eA=="]


async def test_a_failure_says_what_was_raised_and_where(worked: App) -> None:
    """S0-42, B-093."""

    @worked.task(retry=Retry(2, delay=0))
    async def fail() -> None:
        raise LookupError("no such thing")

    run = await fail.enqueue()
    with pytest.raises(RunFailed, match="no such thing") as failed:
        await run.result(timeout=10)
    assert (failed.value.run_id, failed.value.task) == (run.id, "fail")
    assert "raise LookupError" in failed.value.traceback
    attempts = await run.attempts()
    assert [one.number for one in attempts] == [1, 2]
    assert all(one.error is not None and one.error.type == "LookupError" for one in attempts)
    assert all(one.worker is not None and one.started_at is not None for one in attempts)


async def test_a_cancelled_run_tells_its_waiters_the_reason(app: App) -> None:
    """S0-62, S4-51, B-179."""

    @app.task
    async def never() -> None: ...

    run = await never.enqueue()
    waiter = asyncio.create_task(run.result(timeout=10))
    await asyncio.sleep(0)
    assert await run.cancel("changed my mind")
    with pytest.raises(RunCancelled, match="changed my mind") as cancelled:
        await waiter
    assert cancelled.value.reason == "changed my mind"
    assert not await run.cancel()
    assert (await run.status()).state == "cancelled"
    with pytest.raises(NotFound):
        await app.run("nobody").cancel()


async def test_a_running_run_is_cancelled_within_a_beat(worked: App) -> None:
    """S2-34, B-179."""
    started = asyncio.Event()
    interrupted = asyncio.Event()

    @worked.task(retry=Retry(5))
    async def endless() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            interrupted.set()

    run = await endless.enqueue()
    await started.wait()
    assert await run.cancel("enough")
    with pytest.raises(RunCancelled, match="enough"):
        await run.result(timeout=10)
    assert interrupted.is_set()


async def test_removal_ends_the_wait(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LOOK", 0.01)

    @app.task
    async def never() -> None: ...

    run = await never.enqueue()
    waiter = asyncio.create_task(run.result(timeout=10))
    await asyncio.sleep(0)
    await run.remove()
    with pytest.raises(Purged):
        await waiter
    with pytest.raises(Purged):
        await run.status()
    with pytest.raises(NotFound):
        await app.run(run.id).result(timeout=10)


async def test_waiting_in_a_task_is_refused_unless_it_is_meant(worked: App) -> None:
    @worked.task
    async def one() -> int:
        return 1

    @worked.task(retry=Retry(1))
    async def waits(*, meant: bool) -> int:
        return await (await one.enqueue()).result(timeout=10, allow_block=meant)

    assert await (await waits.enqueue(meant=True)).result(timeout=10) == 1
    with pytest.raises(RunFailed, match="Blocking"):
        await (await waits.enqueue(meant=False)).result(timeout=10)


@pytest.mark.parametrize("timeout", ["soon", -1, True, float("nan"), "10"])
async def test_a_timeout_that_is_none_is_refused(app: App, timeout: Any) -> None:
    with pytest.raises(Invalid, match="timeout="):
        await app.run("x").result(timeout=timeout)


async def test_a_waiter_hears_of_the_second_life(worked: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    lives: list[int] = []

    @worked.task(retry=Retry(1))
    async def second() -> int:
        lives.append(1)
        if len(lives) == 1:
            raise OSError("first")
        return len(lives)

    run = await second.enqueue()
    with pytest.raises(RunFailed):
        await run.result(timeout=10)
    await run.redrive()
    assert await run.result(timeout=10) == 2
    assert (await run.status()).life == 2


async def test_a_wait_of_no_time_is_a_look(app: App) -> None:
    """S4-15."""

    @app.task
    async def task() -> int:
        return 7

    run = await task.enqueue()
    with pytest.raises(ResultTimeout):
        await run.result(timeout=0)
    await app.worker(burst=True).run()
    assert await run.result(timeout=0) == 7
    with pytest.raises(NotFound):
        await app.run("nobody").result(timeout=0)
