"""Tasks in child processes: found by the name of their module, and part of their run like any other."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from penstock import App, Context, Depends, Invalid, Retry, RunFailed, context, inject

app = App("memory://")


@app.around_attempt
async def around(ctx: Context, proceed: Callable[[], Awaitable[Any]]) -> Any:
    ctx.log("around", pid=os.getpid())
    return await proceed()


async def number() -> AsyncIterator[int]:
    yield 40


def offset() -> Iterator[int]:
    yield 2


@app.task
async def child(n: int) -> int:
    return n


@app.task(executor="process")
def blocking(n: int, *, two: int = Depends(offset), ctx: Context = inject()) -> tuple[int, int, str]:
    ctx.progress(0.5, "half")
    started = child.sync.enqueue(n + two)
    return os.getpid(), n + two, started.id


@app.task(executor="process", retry=Retry(1))
async def on_its_loop(n: int, *, forty: int = Depends(number)) -> tuple[int, int]:
    if n < 0:
        raise ValueError(context().run_id)
    started = await child.enqueue(n)
    assert started.created
    return os.getpid(), n + forty


@app.task(executor="process")
def total(*, ctx: Context = inject()) -> list[int]:
    results = [one.result for one in ctx.children.sync.results().items]
    ctx.children.sync.add(child.opts(delay="1h").call(1))
    return [os.getpid(), sum(results), ctx.children.sync.cancel_pending()]


def test_a_def_in_a_process_has_no_loop_for_providers_that_yield() -> None:
    def task(*, forty: int = Depends(number)) -> None: ...

    with pytest.raises(Invalid, match="executor="):
        App("memory://").task(executor="process")(task)


@pytest.fixture
async def working() -> AsyncIterator[None]:
    async with app.worker():
        yield
    await app.close()
    await app.open()


async def test_tasks_run_in_a_process_and_enqueue_from_there(working: None) -> None:
    run = await blocking.enqueue(1)
    pid, result, started = await run.result(timeout=60)
    assert result == 3
    assert pid != os.getpid()
    assert await app.run(started).result(timeout=20) == 3
    assert (await app.run(started).status()).parent_id == run.id
    assert [line.data["message"] for line in await run.log() if line.kind == "progress"] == ["half"]
    assert [line.data["pid"] for line in await run.log() if line.kind == "log"] == [pid]
    other_pid, sum_ = await (await on_its_loop.enqueue(2)).result(timeout=60)
    assert (sum_, other_pid != os.getpid()) == (42, True)
    with pytest.raises(RunFailed, match="ValueError"):
        await (await on_its_loop.enqueue(-1)).result(timeout=60)


async def test_code_in_a_process_reads_its_children(working: None) -> None:
    """What it asks goes through its worker."""
    tree = await app.submit(total.call().after(*(child.call(n) for n in range(5))))
    pid, summed, dropped = await tree.run.result(timeout="60s")
    assert pid != os.getpid()
    assert (summed, dropped) == (10, 1)
