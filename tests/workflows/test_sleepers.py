"""Workflows that sleep cost storage and nothing else. SLEEPERS=100000 for the whole number."""

import asyncio
import os
import time
from collections import Counter
from typing import Any, Final

import pytest

import penstock
from penstock import App, State
from penstock.backends.memory.store import MemoryStore
from penstock.engine.memory import memory_used
from penstock.ports.doorbell import UPKEEP
from tests.builders import new_run
from tests.clock import FakeClock
from tests.conformance.acts import put, suspend, tend

SLEEPERS: Final = int(os.environ.get("SLEEPERS", "5000"))
SOME: Final = 2_000  # asleep when the worker is warm: from then on its memory is compared
LOOK: Final = 1.0  # seconds between two looks at how many sleep: each counts them all
IDLE: Final = 10.0  # seconds for which a worker among sleepers is watched
CALLS: Final = 2.0  # a second, of an idle worker
MEMORY: Final = 20.0  # MB
OPERATIONS: Final = ("claim", "turn", "settle", "extend", "tend", "register", "flush", "steps", "signals", "get")


@pytest.mark.slow
async def test_many_sleeping_workflows_cost_storage_only(app: App) -> None:
    """S4-34, S4-39: a task beside them finds a slot at once; the first to be woken goes on."""

    @app.workflow
    async def flow(n: int, span: str) -> int:
        await penstock.sleep(span)
        return n

    @app.task(priority=1)
    async def beside() -> str:
        return "done"

    store = await app._client.store()
    for start in range(0, SLEEPERS, 1_000):
        await app.enqueue_many([flow.call(n, "9d") for n in range(start, min(start + 1_000, SLEEPERS))])
    began = time.monotonic()
    async with app.worker(concurrency=50):
        await _asleep(store, min(SOME, SLEEPERS))
        memory = memory_used()
        await _asleep(store, SLEEPERS)
        spent, grown = time.monotonic() - began, (memory_used() - memory) / 1e6
        calls = _counted(store)
        await asyncio.sleep(IDLE)
        idle = sum(calls.values()) / IDLE
        said = f"{SLEEPERS} asleep after {spent:.0f} s; +{grown:.1f} MB; {idle:.1f} calls/s: {dict(calls)}"
        print(f"\n{said}")  # noqa: T201 (-s shows it)
        assert await (await beside.enqueue()).result(timeout="30s") == "done"
        assert await (await flow.enqueue(7, "10ms")).result(timeout="30s") == 7
        assert await _count(store, State.RUNNING) == 0
    assert grown <= MEMORY, said
    assert idle <= CALLS, said


async def test_upkeep_in_memory_is_not_rung_for_what_is_due_after_its_next_round() -> None:
    """A round there looks at every run: thousands of sleeps must not bring thousands of rounds."""
    store = MemoryStore(clock=FakeClock())
    await put(store, new_run("a", delay=60))
    assert (await tend(store)).next_in == 60
    ear = store.doorbell.listen([UPKEEP])
    await put(store, new_run("b", delay=61))
    await put(store, new_run("c", queue="c"))
    await suspend(store, "c", delay=3_600)
    assert UPKEEP not in await ear.wait(0.0)
    await put(store, new_run("d", delay=59))
    assert UPKEEP in await ear.wait(0.0)
    ear.close()


def _counted(store: Any) -> Counter[str]:
    """From now on the calls of the store's operations are counted."""
    calls: Counter[str] = Counter()
    for name in OPERATIONS:
        found = getattr(store, name)

        async def counting(*args: Any, _name: str = name, _found: Any = found, **named: Any) -> Any:
            calls[_name] += 1
            return await _found(*args, **named)

        setattr(store, name, counting)
    return calls


async def _asleep(store: Any, wanted: int) -> None:
    while await _count(store, State.WAITING) < wanted:  # noqa: ASYNC110 (nothing rings for this)
        await asyncio.sleep(LOOK)


async def _count(store: Any, state: State) -> int:
    counts = await store.counts(cap=10 * SLEEPERS)
    return sum(count.n for count in counts if count.state is state)
