"""Workflows with a real worker on every backend: signals, children, a lost worker."""

import asyncio

import pytest

import penstock
from penstock import App, RunCancelled, State
from penstock.core.requests import Send

approval = penstock.Signal("approval", str)


async def test_a_whole_workflow(app: App) -> None:
    """Steps, a sleep, a child, a signal that is late and one that is early, on one slot."""
    ran: list[int] = []

    @app.step
    async def work(n: int) -> int:
        ran.append(n)
        return n * 10

    @app.task
    async def ship(n: int) -> int:
        return n + 1

    @app.workflow(version="2")
    async def flow() -> list[object]:
        first = await work(1)
        some = await asyncio.gather(work(2), work(3), ship(7))
        await penstock.sleep(0.05)
        many = await penstock.map(work, [4, 5, 6])
        await penstock.on_rollback(work, 9)
        return [first, some, many, await penstock.wait(approval), await penstock.wait(approval)]

    async with app.worker(concurrency=1):
        run = await flow.enqueue()
        store = await app._client.store()
        for text in ("early", "late"):
            await store.signal(Send(name="approval", run_id=run.id, payload=approval.shape.encode(text)))
        assert await run.result(timeout="30s") == [10, [20, 30, 8], [40, 50, 60], "early", "late"]
    assert sorted(ran) == [1, 2, 3, 4, 5, 6]


async def test_a_step_under_way_does_not_hide_a_signal_or_a_child(app: App) -> None:
    """Nothing is suspended while a step runs; what else stands is asked for."""
    heard = asyncio.Event()

    @app.step
    async def until_heard() -> str:
        await heard.wait()
        return "heard"

    @app.task
    async def ship() -> str:
        return "shipped"

    @app.workflow
    async def flow() -> list[str]:
        async def listener() -> str:
            text = await penstock.wait(approval)
            await ship()
            heard.set()
            return text

        return list(await asyncio.gather(until_heard(), listener()))

    async with app.worker():
        run = await flow.enqueue()
        store = await app._client.store()
        await store.signal(Send(name="approval", run_id=run.id, payload=approval.shape.encode("yes")))
        assert await run.result(timeout="30s") == ["heard", "yes"]


async def test_a_running_workflow_is_cancelled(app: App) -> None:
    begun, undone = asyncio.Event(), asyncio.Event()

    @app.step
    async def hangs() -> None:
        begun.set()
        await asyncio.Event().wait()

    async def undo() -> None:
        undone.set()

    @app.workflow
    async def flow() -> None:
        await penstock.on_rollback(undo)
        await hangs()

    async with app.worker(lease="3s"):
        run = await flow.enqueue()
        await begun.wait()
        await run.cancel("enough")
        async with asyncio.timeout(30):
            await undone.wait()
        with pytest.raises(RunCancelled, match="enough"):
            await run.result(timeout="30s")
    assert (await run.status()).state is State.CANCELLED


async def test_another_worker_goes_on_where_one_stopped(app: App) -> None:
    """Handed back by a worker that stops in the middle of a step: what is recorded stays."""
    ran: list[str] = []
    begun = asyncio.Event()

    @app.step
    async def quick() -> int:
        ran.append("quick")
        return 1

    @app.step
    async def slow() -> int:
        ran.append("slow")
        begun.set()
        if ran.count("slow") == 1:
            await asyncio.Event().wait()
        return 2

    @app.workflow
    async def flow() -> list[int]:
        return [await quick(), await slow()]

    run = await flow.enqueue()
    async with app.worker(grace=0.05):
        await begun.wait()
    status = await run.status()
    assert (status.state, status.failures, status.crashes) == (State.QUEUED, 0, 0)
    async with app.worker():
        assert await run.result(timeout="30s") == [1, 2]
    assert ran == ["quick", "slow", "slow"]
