"""A queue removed as a whole, and removal that meets runs which move on."""

import asyncio

import pytest

from penstock import App, Invalid, Purged, ResultTimeout, Retry, RunFailed, State, WrongState
from penstock.app import upkeep
from penstock.app.selection import Selection


async def test_a_deleted_queue_leaves_no_trace_and_others_stay(app: App) -> None:
    """B-149."""

    @app.task(queue="old", retry=Retry(1))
    async def task(n: int) -> int:
        return 1 // n

    @app.task
    async def other() -> None: ...

    ended = [await task.enqueue(1), await task.opts(dead_letter=True).enqueue(0)]
    stays = await other.enqueue()
    await app.worker(queues=["old"], burst=True).run()
    waiting = await app.enqueue_many([task.opts(delay="1h").call(1), task.call(2)])
    told: list[int] = []
    assert await app.delete("old", told=told.append) == 4
    assert told[-1] == 4
    assert [run.id for run in (await app.runs()).items] == [stays.id]
    assert (await app.dead()).items == ()
    assert await app.paused() == []
    for run in [*ended, *waiting]:
        with pytest.raises(Purged):
            await run.status()
    assert await app.delete("old") == 0
    with pytest.raises(Invalid, match="queue="):
        await app.delete("a b")


async def test_a_queue_with_a_running_run_is_deleted_only_by_force(app: App) -> None:
    """B-149."""
    started, may_leave = asyncio.Event(), asyncio.Event()

    @app.task
    async def slow() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await may_leave.wait()  # asked to end, it takes its time

    async with app.worker(concurrency=1, lease="3s"):
        run = await slow.enqueue()
        second = await slow.enqueue()
        await started.wait()
        with pytest.raises(WrongState, match="force=True"):
            await app.delete("default")
        assert await app.paused() == []
        assert [(await one.status()).state for one in (run, second)] == ["running", "queued"]
        with pytest.raises(ResultTimeout):
            await app.delete("default", force=True, timeout=0)
        may_leave.set()
        assert await app.delete("default", force=True) == 2
    assert (await app.runs()).items == ()


async def test_a_refused_deletion_leaves_a_paused_queue_paused(app: App) -> None:
    started = asyncio.Event()

    @app.task
    async def slow() -> None:
        started.set()
        await asyncio.Event().wait()

    async with app.worker(lease="3s"):
        run = await slow.enqueue()
        await started.wait()
        await app.pause(queue="default")
        with pytest.raises(WrongState):
            await app.delete("default")
        assert [one.name for one in await app.paused()] == ["default"]
        await run.cancel()
        with pytest.raises(RunFailed):
            await run.result(timeout=20)


async def test_what_moves_on_between_finding_and_removing_stays(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-147: cleaning removes what has failed, and not what somebody redrives at that moment."""

    @app.task(retry=Retry(1))
    async def explode() -> None:
        raise RuntimeError

    runs = await app.enqueue_many([explode.call() for _ in range(3)])
    await app.worker(burst=True).run()
    store = await app._client.store()
    find = store.find

    async def found_then_redriven(*args: object, **named: object) -> object:
        page = await find(*args, **named)  # type: ignore[arg-type]
        await store.redrive([runs[1].id])
        return page

    monkeypatch.setattr(store, "find", found_then_redriven)
    selection = Selection({"state": State.FAILED})
    assert await upkeep.remove(store, selection) == 2
    monkeypatch.undo()
    (left,) = (await app.runs()).items
    assert (left.id, left.state) == (runs[1].id, "queued")
