"""Streams: a run's log as it grows, each line once, from anywhere, to the end."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, cast

import pytest

from penstock import App, Closed, Context, Invalid, Line, NotFound, Purged, Retry, Run, inject
from penstock.app.tails import PAGE
from penstock.backends.sqlite import connect
from penstock.ports.store import Store
from penstock.testing import Rehearsal

PATIENCE = 20


async def lines_of(run: Run[Any], after: int = 0) -> list[Line]:
    async with asyncio.timeout(PATIENCE):
        return [line async for line in run.stream(after=after)]


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not there():  # noqa: ASYNC110 (many streams, one condition)
            await asyncio.sleep(0.01)


class Steps:
    """Lets a handler say one thing after another, each when it is told to."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[object] = asyncio.Queue()

    def tell(self, *said: object) -> None:
        for one in said:
            self._told.put_nowait(one)

    async def play(self, ctx: Context) -> None:
        while (said := await self._told.get()) is not None:
            ctx.emit(said)


async def test_a_stream_begun_before_the_worker_brings_all_in_order(app: App) -> None:
    """S2-29."""

    @app.task
    async def work(*, ctx: Context = inject()) -> None:
        ctx.progress(0.5)
        ctx.log("half")
        ctx.emit({"token": "a"})
        ctx.emit("b")

    run = await work.enqueue()
    reading = asyncio.create_task(lines_of(run))
    async with app.worker():
        lines = await reading
    assert [line.kind for line in lines] == ["enqueued", "claimed", "progress", "log", "chunk", "chunk", "finished"]
    assert [line.data for line in lines[4:]] == [{"token": "a"}, "b", "succeeded"]
    assert [line.seq for line in lines] == list(range(1, 8))
    assert lines == await run.log()


async def test_a_stream_goes_on_after_any_line_and_brings_each_once(worked: App) -> None:
    """S2-30: stored ones, live ones, then the end."""
    steps = Steps()

    @worked.task
    async def work(*, ctx: Context = inject()) -> None:
        await steps.play(ctx)

    run = await work.enqueue()
    seen: list[Line] = []
    steps.tell(*range(5))
    for number in range(4, 25):
        async with asyncio.timeout(PATIENCE), aclosing(run.stream(after=seen[-1].seq if seen else 0)) as stream:
            async for line in stream:
                seen.append(line)
                if line.data == number:
                    break  # the connection is lost here
        steps.tell(number + 1)  # live: it comes after the next stream has looked, or just before
    steps.tell(None)
    seen += await lines_of(run, seen[-1].seq)
    assert seen == await run.log()
    assert await lines_of(run, seen[-1].seq) == []  # it is over, and all was seen
    assert await lines_of(run, 10_000) == []


async def test_the_numbers_grow_through_retries_and_later_lives(worked: App) -> None:
    """S2-31."""
    steps = Steps()

    @worked.task(retry=Retry(2, delay=0))
    async def work(*, ctx: Context = inject()) -> None:
        ctx.emit(ctx.attempt)
        if ctx.attempt == 1:
            raise OSError
        await steps.play(ctx)

    run = await work.enqueue()
    steps.tell(None)
    first = await lines_of(run)
    assert [line.data for line in first if line.kind == "chunk"] == [1, 2]
    assert [line.seq for line in first] == sorted({line.seq for line in first})
    await run.redrive()
    steps.tell(None)
    later = await lines_of(run, first[-1].seq)
    assert later[0].kind == "redriven"
    assert later[-1].kind == "finished"
    assert [(line.seq, line.kind) for line in first + later] == [(line.seq, line.kind) for line in await run.log()]


async def test_a_stream_ends_with_a_cancel(app: App) -> None:
    run = await app.enqueue("nobody_knows", unchecked=True)
    reading = asyncio.create_task(lines_of(run))
    await run.cancel("enough")
    assert [(line.kind, line.data) for line in await reading][-1] == ("finished", "cancelled")


async def test_a_stream_ends_when_the_run_expires(worked: App) -> None:
    run = await worked.named("nobody_knows", unchecked=True).opts(expires=0.05).enqueue()
    assert [(line.kind, line.data) for line in await lines_of(run)][-1] == ("finished", "failed")


async def test_a_stream_ends_when_the_worker_dies_for_good(app: App) -> None:
    """S2-33: whoever works for other queues notices that."""
    run = await app.named("work", unchecked=True).opts(crashes=1, queue="elsewhere").enqueue()
    claimed = await app.claim("elsewhere", tasks=["work"], lease="1s")
    assert claimed is not None
    async with app.worker(queues=["other"]):
        lines = await lines_of(run)
    assert [(line.kind, line.data) for line in lines][-1] == ("finished", "failed")
    assert (await run.status()).cause == "crashed"


async def test_a_stream_of_a_run_that_is_removed_says_so(app: App) -> None:
    run = await app.enqueue("nobody_knows", unchecked=True)
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in app.run(run.id).stream():
            begun.set()

    reading = asyncio.create_task(read())
    await begun.wait()
    await run.remove()
    with pytest.raises(Purged):
        await asyncio.wait_for(reading, PATIENCE)
    with pytest.raises(Purged):
        await lines_of(run)
    with pytest.raises(NotFound):
        await lines_of(app.run("nobody"))


@pytest.mark.parametrize("after", [-1, 1.5, True, "3"])
async def test_a_number_that_is_none_is_refused(app: App, after: Any) -> None:
    run = await app.enqueue("nobody_knows", unchecked=True)
    with pytest.raises(Invalid, match="after"):
        await lines_of(run, after)


@pytest.mark.parametrize("chunk", [float("nan"), "\ud800", object(), "x" * 70_000])
async def test_a_chunk_that_can_not_be_stored_is_refused(stage: Rehearsal, rehearsed: App, chunk: Any) -> None:
    @rehearsed.task
    async def work(*, ctx: Context = inject()) -> str:
        try:
            ctx.emit(chunk)
        except Invalid as error:
            return error.parameter
        return "stored"

    run = await work.enqueue()
    assert await run.result() == "chunk"


async def test_a_stream_in_a_rehearsal_finds_what_happened(stage: Rehearsal, rehearsed: App) -> None:
    @rehearsed.task
    async def work(*, ctx: Context = inject()) -> None:
        ctx.emit(1)

    assert [line.data for line in await lines_of(await work.enqueue())] == [None, None, 1, "succeeded"]


async def test_a_closed_app_ends_its_streams(url: str) -> None:
    app = App(url)
    run = await app.enqueue("nobody_knows", unchecked=True)
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in run.stream():
            begun.set()

    reading = asyncio.create_task(read())
    await begun.wait()
    await app.close()
    with pytest.raises(Closed):
        await asyncio.wait_for(reading, PATIENCE)


async def counted_looks(app: App, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the app's store is read for streams, from now on."""
    store: Store = await app._client.store()
    calls: Counter[str] = Counter()

    def counting(name: str) -> Callable[..., Awaitable[Any]]:
        real = cast("Callable[..., Awaitable[Any]]", getattr(store, name))

        async def call(*args: Any, **named: Any) -> Any:
            calls[name] += 1
            return await real(*args, **named)

        return call

    for name in ("watch", "log"):
        monkeypatch.setattr(store, name, counting(name))
    return calls


async def test_five_hundred_streams_look_together_on_few_connections(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 4 connections to the store for each process, and one look for all who stand at the same line."""
    opened: list[object] = []
    real = connect.connect

    def opening(*args: Any, **named: Any) -> sqlite3.Connection:
        opened.append(args)
        return real(*args, **named)

    monkeypatch.setattr(connect, "connect", opening)
    app, worker_app, steps = App(url), App(url), Steps()
    if url.startswith("memory"):
        worker_app = app

    @worker_app.task
    async def work(*, ctx: Context = inject()) -> None:
        await steps.play(ctx)

    run = await app.named("work", unchecked=True).enqueue()
    calls = await counted_looks(app, monkeypatch)
    seen: list[list[Line]] = [[] for _ in range(500)]

    async def read(mine: list[Line]) -> None:
        async for line in run.stream():
            mine.append(line)  # noqa: PERF401 (looked at meanwhile)

    reading = [asyncio.create_task(read(mine)) for mine in seen]
    await until(lambda: all(len(mine) == 1 for mine in seen))
    assert calls["watch"] <= 3, calls  # a bell may ring once more when it is hung up
    assert calls["log"] <= 3, calls
    in_use = len(opened)
    assert in_use <= 4
    async with worker_app.worker():
        for number in range(20):
            steps.tell(number)
            await until(lambda: all(mine[-1].data == number for mine in seen))  # noqa: B023 (asked at once)
        steps.tell(None)
        await asyncio.wait_for(asyncio.gather(*reading), PATIENCE)
        assert all(mine == seen[0] for mine in seen)
        assert [line.data for line in seen[0] if line.kind == "chunk"] == list(range(20))
        assert calls["log"] < 200, calls  # 500 that looked for themselves would have read 10,000 times
    await app.close()
    await worker_app.close()


async def test_a_slow_stream_holds_one_page_and_misses_nothing(worked: App, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = await counted_looks(worked, monkeypatch)

    @worked.task
    async def work(*, ctx: Context = inject()) -> None:
        for number in range(1000):
            ctx.emit(number)
        await ctx.flush()

    run = await work.enqueue()
    slow = run.stream()
    first = await anext(slow)
    await run.result(timeout=PATIENCE)
    looked = calls["log"]
    assert looked <= 2  # what was not asked for was not read
    lines = [first, *[line async for line in slow]]
    assert [line.data for line in lines if line.kind == "chunk"] == list(range(1000))
    assert calls["log"] - looked >= 1000 // PAGE


def test_a_stream_for_code_without_a_loop(url: str) -> None:
    app = App(url)
    run = app.sync.enqueue("nobody_knows", unchecked=True)
    with run.stream() as lines:
        assert next(lines).kind == "enqueued"
        run.cancel()
        assert [line.data for line in lines] == ["cancelled"]
    assert list(run.stream(after=3)) == []
    with run.stream() as lines:
        assert next(lines).seq == 1  # and left early
    app.sync.close()
