"""Workflows and steps that are a `def`: by the same rules, in threads."""

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

import penstock
from penstock import Blocking, NotInRun, Retry, RunFailed, Signal, State, StepFailed, WaitTimeout, context
from penstock.sync import call, map, now, on_rollback, random, sleep, step, uuid, wait  # noqa: A004
from tests.workflows.support import LEASE, Stage, staged

approval = Signal("approval", str)


def in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def test_all_that_there_is_from_a_thread(stage: Stage) -> None:
    """Steps of both kinds, children, waits, values; the worker is lost after each record, and nothing runs twice."""
    seen: list[tuple[object, ...]] = []

    @stage.app.step
    def charge(n: int) -> str:
        assert not in_loop()
        stage.tell(f"charge {n}")
        return f"paid {n}"

    @stage.app.step
    async def label(n: int) -> str:
        assert in_loop()
        stage.tell(f"label {n}")
        return f"label {n}"

    @stage.app.task(crashes=1000)
    async def ship(n: int) -> int:
        return n + 1

    @stage.app.task(crashes=1000)
    def notify() -> None:
        stage.tell("notify")

    @stage.app.workflow(crashes=1000)
    def flow(n: int) -> list[object]:
        assert not in_loop()
        found: list[object] = [charge(n), label.sync(n), step("ad hoc", lambda: "ad hoc")]
        sleep("1d")
        found += map(charge, [7, 8], concurrency=2)
        found += map(ship, [1, 2])
        found += [call(ship, 5), wait(approval), wait(approval, timeout="1h", default="nobody")]
        notify.sync.enqueue()
        seen.append((now(), random(), uuid()))
        return found

    crashes = stage.crash_after(*range(1, 100))
    run = await flow.enqueue(1)
    await run.signal(approval, "yes")
    await stage.play.advance("9d")
    expected: list[object] = ["paid 1", "label 1", "ad hoc", "paid 7", "paid 8", 2, 3, 6, "yes", "nobody"]
    assert await run.result() == expected
    assert set(stage.ran) == {"charge 1", "charge 7", "charge 8", "label 1", "notify"}
    assert crashes.twice == []
    assert len(await stage.play.runs(notify)) == 1
    ((moment, number, identity),) = set(seen)
    assert isinstance(moment, datetime)
    assert isinstance(number, float)
    assert isinstance(identity, UUID)


async def test_an_error_is_heard_in_the_thread_and_what_leaves_it_fails_the_run(stage: Stage) -> None:
    @stage.app.step(retry=Retry(1))
    def broken(name: str) -> None:
        stage.tell(name)
        raise ValueError(name)

    @stage.app.workflow
    def flow() -> None:
        on_rollback(stage.tell, "undone")
        try:
            broken("caught")
        except StepFailed:
            stage.tell("heard")
        with pytest.raises(WaitTimeout):
            wait(approval, timeout="1h")
        broken("escaped")

    run = await flow.enqueue()
    await stage.play.advance("1d")
    with pytest.raises(RunFailed, match="escaped"):
        await run.result()
    assert stage.ran == ["caught", "heard", "heard", "escaped", "undone"]


async def test_a_cancelled_one_runs_its_rollbacks(stage: Stage) -> None:
    """Its code is replayed for them, in a thread, and goes no further than the records."""

    @stage.app.workflow
    def flow() -> None:
        on_rollback(stage.tell, "undone")
        sleep("1d")
        stage.tell("not here")

    run = await flow.enqueue()
    await stage.play.drain()
    assert await run.cancel()
    await stage.play.drain()
    assert (await run.status()).state is State.CANCELLED
    assert stage.ran == ["undone"]


async def test_a_thread_that_is_thrown_away_unwinds_and_records_nothing(stage: Stage) -> None:
    """`finally` runs, `except Exception` hears nothing, durable calls raise again; then the thread is gone."""
    alive = threading.active_count()

    @stage.app.workflow
    def flow() -> str:
        try:
            sleep("1h")
        except Exception:  # noqa: BLE001 (as users write)
            stage.tell("caught")
        finally:
            stage.tell("finally")
            step("clean up", stage.tell, "clean up")
        return "done"

    run = await flow.enqueue()
    await stage.play.advance("2h")
    assert await run.result() == "done"
    assert stage.ran == ["finally", "finally", "clean up"]
    assert threading.active_count() <= alive + 2


async def test_what_does_not_fit_a_thread_is_refused(stage: Stage) -> None:
    """S4-27 likewise: async steps and tasks can't be awaited there, and a `def` step can't block a loop."""

    @stage.app.step
    async def label() -> None: ...

    @stage.app.step
    def charge() -> str:
        return "paid"

    @stage.app.task
    async def ship() -> None: ...

    refused: list[Any] = [label, ship, lambda: penstock.sync.map(lambda one: one, [1])]

    @stage.app.workflow
    def threaded() -> list[str]:
        return [_error_of(one) for one in refused]

    @stage.app.workflow
    async def on_the_loop() -> list[str]:
        return [_error_of(charge), await penstock.step(charge), await penstock.step(charge)]

    assert await (await threaded.enqueue()).result() == ["Blocking", "Blocking", "Invalid"]
    assert await (await on_the_loop.enqueue()).result() == ["Blocking", "paid", "paid"]
    assert charge() == "paid"
    with pytest.raises(NotInRun):
        sleep("1h")
    with pytest.raises(NotInRun):
        label.sync()


def _error_of(function: Callable[[], object]) -> str:
    try:
        function()
    except (Blocking, penstock.Invalid) as error:
        return type(error).__name__
    return "nothing"


async def test_two_share_one_slot_with_their_children() -> None:
    """S4-31: who waits holds no thread and no slot."""
    async with staged(concurrency=1) as stage:

        @stage.app.workflow
        def inner(n: int) -> int:
            sleep("1h")
            return n + 1

        @stage.app.workflow
        def outer() -> list[int]:
            return map(inner, [1, 2, 3])

        run = await outer.enqueue()
        await stage.play.advance("2h")
        assert await run.result() == [2, 3, 4]


async def test_a_lost_worker_s_thread_hears_of_it_at_its_next_call(stage: Stage) -> None:
    @stage.app.workflow(crashes=100)
    def flow() -> str:
        step("one", stage.tell, "one")
        step("two", stage.tell, "two")
        return context().run_id

    stage.crash_after(1)
    run = await flow.enqueue()
    await stage.play.advance(3 * LEASE)
    assert await run.result() == run.id
    assert stage.ran == ["one", "two"]
