"""What a handler knows and says about its own run, and what is injected into it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from penstock import App, Context, Depends, Invalid, NotInRun, Retry, RunFailed, context, inject
from penstock.testing import Rehearsal


async def test_the_context_says_which_run_this_is(rehearsed: App, stage: Rehearsal) -> None:
    seen: list[tuple[Any, ...]] = []

    @rehearsed.task(queue="q", retry=Retry(2, delay=0), tags=["t"])
    async def task(*, ctx: Context = inject()) -> None:
        seen.append((ctx.run_id, ctx.task, ctx.queue, ctx.key, ctx.tags, ctx.attempt, ctx.idempotency_key, ctx.fence))
        if ctx.attempt == 1:
            raise OSError

    run = await task.opts(key="k").enqueue()
    await stage.drain()
    first, second = seen
    assert first[:6] == (run.id, "task", "q", "k", ("t",), 1)
    assert second[5] == 2
    assert first[6] == second[6]  # the idempotency key stays
    assert first[7] < second[7]  # the fence grows


async def test_the_context_is_found_everywhere_in_a_run_and_nowhere_else(worked: App) -> None:
    left: list[asyncio.Task[None]] = []
    over = asyncio.Event()
    found: list[str] = []

    async def behind() -> None:
        await over.wait()
        try:
            context()
        except NotInRun:
            found.append("none")

    @worked.task
    async def on_loop() -> list[str]:
        left.append(asyncio.create_task(behind()))
        inner = await asyncio.to_thread(lambda: context().run_id)
        return [context().run_id, inner]

    @worked.task
    def in_thread() -> str:
        return context().run_id

    run, other = await on_loop.enqueue(), await in_thread.enqueue()
    assert await run.result(timeout=10) == [run.id, run.id]
    assert await other.result(timeout=10) == other.id
    over.set()
    await left[0]
    assert found == ["none"]
    with pytest.raises(NotInRun, match=r"penstock.context\(\)"):
        context()


async def test_progress_and_lines_are_in_the_log_in_order(worked: App) -> None:
    @worked.task
    def task(*, ctx: Context = inject()) -> None:
        ctx.progress(0.25)
        ctx.log("half way", parcel=7)
        ctx.progress((2, 4), "parcels")

    run = await task.enqueue()
    await run.result(timeout=10)
    lines = await run.log()
    assert [line.kind for line in lines] == ["enqueued", "claimed", "progress", "log", "progress", "finished"]
    assert [line.seq for line in lines] == sorted({line.seq for line in lines})
    assert lines[3].data == {"message": "half way", "parcel": 7}
    assert lines[4].data == {"done": 2, "total": 4, "message": "parcels"}
    assert await run.log(after=lines[3].seq) == lines[4:]
    assert await run.log(limit=2) == lines[:2]
    await run.clear_log()
    assert [line.kind for line in await run.log()] == ["enqueued", "claimed", "finished"]


@pytest.mark.parametrize("done", [-0.1, 1.1, float("nan"), (5, 4), (0, 0), "half", True, (1, "x")])
async def test_progress_that_is_none_is_refused(rehearsed: App, stage: Rehearsal, done: Any) -> None:
    @rehearsed.task(retry=Retry(1))
    async def task(*, ctx: Context = inject()) -> None:
        ctx.progress(done)

    with pytest.raises(RunFailed, match="done="):
        await (await task.enqueue()).result()


async def test_a_line_that_has_no_form_is_refused(rehearsed: App, stage: Rehearsal) -> None:
    @rehearsed.task
    async def task(*, ctx: Context = inject()) -> None:
        for fields in ({"it": object()}, {"it": float("nan")}, {"it": "x" * 70_000}):
            with pytest.raises(Invalid):
                ctx.log("line", **fields)
        with pytest.raises(Invalid, match="message="):
            ctx.log(7)  # type: ignore[arg-type]

    await (await task.enqueue()).result()


async def test_a_thread_is_told_of_a_cancel(worked: App) -> None:
    """B-179."""
    started = threading.Event()

    @worked.task
    def task(*, ctx: Context = inject()) -> str | None:
        assert not ctx.cancelled
        started.set()
        assert ctx.cancelled.wait(10)
        assert ctx.cancelled
        return ctx.cancelled.reason

    run = await task.enqueue()
    await asyncio.to_thread(started.wait, 10)
    await run.cancel("stop it")
    with pytest.raises(RunFailed, match="stop it"):
        await run.result(timeout=10)


async def test_providers_are_called_once_and_closed_when_the_run_ends(rehearsed: App, stage: Rehearsal) -> None:
    events: list[str] = []

    def settings() -> dict[str, int]:
        events.append("settings")
        return {"n": 1}

    async def database(*, said: dict[str, int] = Depends(settings)) -> AsyncIterator[str]:
        events.append("open")
        yield f"db{said['n']}"
        events.append("close")

    def cursor(*, db: str = Depends(database), ctx: Context = inject()) -> Iterator[str]:
        events.append(f"cursor of {ctx.task}")
        try:
            yield db + "!"
        finally:
            events.append("cursor closed")

    @rehearsed.task(name="async")
    async def on_loop(n: int, *, it: str = Depends(cursor), db: str = Depends(database)) -> str:
        events.append("task")
        return it + db

    @rehearsed.task(name="sync")
    def in_thread(n: int, *, it: str = Depends(cursor), db: str = Depends(database)) -> str:
        events.append("task")
        return it + db

    for task in (on_loop, in_thread):
        events.clear()
        assert await (await task.enqueue(1)).result() == "db1!db1"
        assert events == ["settings", "open", f"cursor of {task.name}", "task", "cursor closed", "close"]


async def test_a_provider_hears_of_the_error_and_the_run_fails_with_it(rehearsed: App, stage: Rehearsal) -> None:
    heard: list[str] = []

    def session() -> Iterator[int]:
        try:
            yield 1
        except ValueError as error:
            heard.append(str(error))
            raise

    @rehearsed.task(retry=Retry(1))
    def task(*, it: int = Depends(session)) -> None:
        raise ValueError(it)

    with pytest.raises(RunFailed, match="ValueError: 1"):
        await (await task.enqueue()).result()
    assert heard == ["1"]


async def test_providers_are_replaced_for_tests(rehearsed: App) -> None:
    def database() -> str:
        return "real"

    @rehearsed.task
    async def task(*, db: str = Depends(database)) -> str:
        return db

    async with rehearsed.testing(overrides={database: lambda: "fake"}):
        assert await (await task.enqueue()).result() == "fake"
    async with rehearsed.testing():
        assert await (await task.enqueue()).result() == "real"
        rehearsed.override(database, lambda: "other")
        assert await (await task.enqueue()).result() == "other"
        rehearsed.override(database, None)
        assert await (await task.enqueue()).result() == "real"


async def test_what_nothing_can_provide_is_refused_at_registration(app: App) -> None:
    def needs(it: int) -> int:
        return it

    def a(*, x: int = inject()) -> None: ...

    def b(*, x: int = Depends(needs)) -> None: ...

    def c(x: int = inject()) -> None: ...

    for function, parameter in ((a, "x"), (b, "it"), (c, "x")):
        with pytest.raises(Invalid) as refused:
            app.task(function)
        assert refused.value.parameter == parameter


def test_a_context_that_nobody_fills_in_is_told_how(rehearsed: App) -> None:
    async def task(ctx: Context) -> None: ...

    with pytest.raises(Invalid, match=r"such as a Context, has the default inject\(\)"):
        rehearsed.task(task)
