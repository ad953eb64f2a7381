"""Workflows with a real worker on every backend: signals, children, a lost worker, and many that sleep."""

import asyncio
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import penstock
from penstock import App, RunCancelled, State
from penstock.core.requests import Send
from penstock.engine.memory import memory_used

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


@pytest.mark.slow
async def test_many_sleeping_workflows_cost_storage_only(tmp_path: Path) -> None:
    """S4-34, S4-39: one slot is enough for all, and for a task beside them; SLEEPERS=100000 for the whole number."""
    count = int(os.environ.get("SLEEPERS", "2000"))
    app = App(f"sqlite:///{tmp_path}/app.db?fast=1")

    @app.workflow
    async def flow(n: int) -> int:
        await penstock.sleep("9d")
        return n

    @app.task
    async def beside() -> str:
        return "done"

    store = await app._client.store()
    began, memory = time.monotonic(), memory_used()
    for start in range(0, count, 1_000):
        await app.enqueue_many([flow.call(n) for n in range(start, min(start + 1_000, count))])
    async with app.worker(concurrency=50):
        assert await (await beside.enqueue()).result(timeout="10m") == "done"  # behind all of them, once
        async with asyncio.timeout(600):
            await _asleep(app, count)
        grown = (memory_used() - memory) / 1e6
        calls = _counted(store)
        await asyncio.sleep(IDLE)
        idle = sum(calls.values()) / IDLE
        print(f"\n{count} asleep after {time.monotonic() - began:.1f} s; +{grown:.1f} MB; {idle:.1f} calls/s: {calls}")  # noqa: T201
        assert await (await beside.enqueue()).result(timeout="10s") == "done"
        assert await _count(app, State.RUNNING) == 0
    assert await app.check() == []
    await app.close()


IDLE = 5.0  # seconds for which a worker among sleepers is watched


def _counted(store: Any) -> Counter[str]:
    """From now on the calls of the store's operations are counted."""
    calls: Counter[str] = Counter()
    for name in (
        "claim",
        "turn",
        "settle",
        "extend",
        "tend",
        "register",
        "flush",
        "steps",
        "signals",
        "get",
        "schedules",
    ):
        found = getattr(store, name)

        async def counting(*args: Any, _name: str = name, _found: Any = found, **named: Any) -> Any:
            calls[_name] += 1
            return await _found(*args, **named)

        setattr(store, name, counting)
    return calls


async def _asleep(app: App, wanted: int) -> None:
    while await _count(app, State.WAITING) < wanted:  # noqa: ASYNC110 (nothing rings when a run goes to sleep)
        await asyncio.sleep(0.02)


async def _count(app: App, state: State) -> int:
    store = await app._client.store()
    return sum(count.n for count in await store.counts() if count.state is state)
