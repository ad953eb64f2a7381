"""Rehearsals: the real engine on a store in memory and a clock that is moved by hand."""

import threading

import pytest

from penstock import App, Invalid, ResultTimeout, Retry, RunFailed


async def test_the_app_is_the_stages_own_until_it_ends() -> None:
    app = App("memory://")

    @app.task
    async def task(n: int) -> int:
        return n

    real = await task.opts(id="real").enqueue(1)
    async with app.testing() as stage:
        assert (await app.runs()).items == ()
        run = await task.enqueue(2)
        (waiting,) = await stage.enqueued(task)
        assert (waiting.id, waiting.input, waiting.state) == (run.id, {"n": 2}, "queued")
        assert await stage.enqueued("task") == [waiting]
        await stage.drain()
        assert await stage.enqueued(task) == []
        assert [one.result for one in await stage.runs()] == [2]
    assert [one.id for one in (await app.runs()).items] == [real.id]
    await app.close()


async def test_nothing_works_in_the_background(rehearsed: App) -> None:
    @rehearsed.task
    async def task() -> None: ...

    before = threading.active_count()
    async with rehearsed.testing() as stage:
        run = await task.enqueue()
        await stage.drain()
        assert threading.active_count() == before
        assert (await run.status()).state == "succeeded"


async def test_whoever_waits_has_the_work_done(rehearsed: App) -> None:
    @rehearsed.task
    async def child(n: int) -> int:
        return n + 1

    @rehearsed.task
    async def parent(n: int) -> int:
        return await (await child.opts(queue="elsewhere").enqueue(n)).result(allow_block=True)

    async with rehearsed.testing():
        assert await (await child.enqueue(1)).result() == 2
        late = await child.opts(delay="1s").enqueue(1)
        with pytest.raises(ResultTimeout):
            await late.result()


async def test_time_stands_until_it_is_moved(rehearsed: App) -> None:
    begun: list[float] = []

    @rehearsed.task(retry=Retry(3, delay="10m", jitter=0, cap="1h"))
    async def fail() -> None:
        begun.append(stage.now)
        raise OSError

    async with rehearsed.testing() as stage:
        start = stage.now
        run = await fail.enqueue()
        await stage.drain()
        await stage.drain()
        assert begun == [start]
        await stage.advance("1d")
        assert begun == [start, start + 600, start + 1800]
        assert stage.now == start + 86_400
        with pytest.raises(RunFailed):
            await run.result()
        for duration in (-1, "soon", None):
            with pytest.raises(Invalid, match="duration="):
                await stage.advance(duration)  # type: ignore[arg-type]
        assert await stage.check() == []


async def test_a_second_rehearsal_of_one_app_is_refused(rehearsed: App) -> None:
    async with rehearsed.testing():
        with pytest.raises(Invalid, match="rehearsal already"):
            async with rehearsed.testing():
                pass
    async with rehearsed.testing() as stage:
        assert await stage.runs() == []


async def test_time_may_pass_while_nobody_works() -> None:
    """S4-45: after an outage the newest tick fires, and no burst of those before it."""
    rehearsed = App("memory://", name="shop")

    @rehearsed.cron("0 * * * *", missed="latest", name="hourly")
    @rehearsed.task
    async def hourly() -> None: ...

    @rehearsed.task
    async def soon() -> None: ...

    async with rehearsed.testing() as stage:
        run = await soon.opts(delay="1m", expires="5m").enqueue()
        await stage.outage("3h")
        assert (await run.status()).state == "scheduled"
        await stage.advance(0)
        assert (await run.status()).cause == "expired"
        assert len(await stage.runs(hourly)) == 1
        assert (await rehearsed.schedules.get("hourly")).skipped == 2
        with pytest.raises(Invalid, match="duration="):
            await stage.outage(-1)
