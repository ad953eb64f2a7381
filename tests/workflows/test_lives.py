"""Children, endings, rollbacks, another history, other code: what becomes of a workflow's run."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

import penstock
from penstock import (
    Context,
    Limit,
    NotInRun,
    Retry,
    RunCancelled,
    RunFailed,
    State,
    StepFailed,
    context,
    inject,
)
from penstock.core.requests import Send
from tests.workflows.support import LEASE, Stage, staged

approval = penstock.Signal("approval", str)


async def test_parent_and_child_share_one_slot() -> None:
    """S4-28, S4-31, S4-34: nothing is held while a child is awaited."""
    async with staged(concurrency=1) as stage:

        @stage.app.task
        async def ship(n: int) -> int:
            return n + 1

        @stage.app.workflow(name="inner")
        async def inner(n: int) -> int:
            return await ship(n) + await ship(n)

        @stage.app.workflow(name="outer")
        async def outer() -> list[int]:
            return [await inner(1), *await penstock.map(inner, [10, 20])]

        run = await outer.enqueue()
        assert await run.result() == [4, 22, 42]


async def test_a_child_s_error_is_heard_and_the_child_redriven_if_it_left_the_body(stage: Stage) -> None:
    """S4-29."""

    @stage.app.task(retry=Retry(1))
    async def ship() -> str:
        stage.tell("ship")
        if len(stage.ran) == 1:
            raise OSError("no ship")
        return "shipped"

    @stage.app.workflow(retry=Retry(2, delay="1s"))
    async def flow() -> str:
        return await ship()

    run = await flow.enqueue()
    await stage.play.advance("1m")
    assert await run.result() == "shipped"
    assert len(await stage.play.runs("ship")) == 1


async def test_a_child_that_was_cancelled_says_so(stage: Stage) -> None:
    @stage.app.task
    async def ship() -> None: ...

    @stage.app.workflow
    async def flow() -> str:
        try:
            await ship.opts(delay="1h")()
        except RunCancelled as error:
            return f"{error.reason}"
        return "?"

    run = await flow.enqueue()
    await stage.play.drain()
    (child,) = await stage.play.runs("ship")
    await stage.app.run(child.id).cancel("no ships")
    assert await run.result() == "no ships"


async def test_a_started_child_is_started_once_and_not_awaited(stage: Stage) -> None:
    """S4-30."""
    ids: list[str] = []

    @stage.app.task
    async def notify() -> None:
        stage.tell("notify")

    @stage.app.workflow(crashes=100)
    async def flow() -> None:
        ids.append((await notify.opts(delay="5d").enqueue()).id)
        await penstock.sleep("1h")

    stage.crash_after(1, 2)
    run = await flow.enqueue()
    await stage.play.advance("2h")
    assert (await run.status()).state is State.SUCCEEDED
    assert len(set(ids)) == 1
    assert len(await stage.play.runs("notify")) == 1
    assert stage.ran == []


async def test_cancelling_the_parent_cancels_its_children(stage: Stage) -> None:
    """S4-33, S4-35."""

    @stage.app.task(queue="nobody")
    async def ship() -> None: ...

    @stage.app.workflow
    async def flow() -> None:
        await ship.opts(delay="1h")()

    run = await flow.enqueue()
    await stage.play.drain()
    assert await run.cancel("enough")
    await stage.play.advance("1m")
    assert (await run.status()).state is State.CANCELLED
    assert [one.state for one in await stage.play.runs("ship")] == [State.CANCELLED]


async def test_a_workflow_that_fails_runs_its_rollbacks_last_first(stage: Stage) -> None:
    @stage.app.step
    async def undo(n: int) -> None:
        stage.tell(f"undo {n}")

    @stage.app.workflow(crashes=100)
    async def flow() -> None:
        for n in (1, 2, 3):
            await penstock.step(f"do {n}", stage.tell, f"do {n}")
            await penstock.on_rollback(undo, n)
        await penstock.sleep("1h")
        raise RuntimeError("no")

    stage.crash_after(9, 10, 11)
    run = await flow.enqueue()
    await stage.play.advance("2h")
    with pytest.raises(RunFailed, match="no"):
        await run.result()
    assert stage.ran == ["do 1", "do 2", "do 3", "undo 3", "undo 2", "undo 1"]


async def test_a_cancelled_workflow_runs_its_rollbacks_first(stage: Stage) -> None:
    @stage.app.workflow
    async def flow() -> None:
        await penstock.step("do", stage.tell, "do")
        await penstock.on_rollback(stage.tell, "undo")
        await penstock.wait(approval)
        await penstock.step("more", stage.tell, "more")

    run = await flow.enqueue()
    await stage.play.drain()
    assert await run.cancel("enough")
    await stage.play.drain()
    status = await run.status()
    assert (status.state, status.reason) == (State.CANCELLED, "enough")
    assert stage.ran == ["do", "undo"]


async def test_a_cancelled_workflow_that_would_be_tried_again_ends_after_its_rollbacks(stage: Stage) -> None:
    @stage.app.workflow(retry=Retry(5, delay="1h"))
    async def flow() -> None:
        await penstock.on_rollback(stage.tell, "undo")
        raise OSError

    run = await flow.enqueue()
    await stage.play.drain()
    assert (await run.status()).state is State.SCHEDULED
    assert await run.cancel()
    await stage.play.drain()
    assert (await run.status()).state is State.CANCELLED
    assert stage.ran == ["undo"]
    assert len(await run.attempts()) == 2  # the one that failed, and the one for the rollbacks


async def test_a_rollback_that_fails_for_good_does_not_stop_the_others(stage: Stage) -> None:
    def broken() -> None:
        stage.tell("broken")
        raise OSError

    @stage.app.workflow
    async def flow() -> None:
        await penstock.on_rollback(stage.tell, "undo")
        await penstock.on_rollback(broken)
        raise RuntimeError("no")

    run = await flow.enqueue()
    await stage.play.advance("1h")
    with pytest.raises(RunFailed, match="no"):
        await run.result()
    assert stage.ran == ["broken"] * 3 + ["undo"]


async def test_continue_as_new_begins_an_empty_history(stage: Stage) -> None:
    @stage.app.task
    async def ship(n: int) -> int:
        return n * 2

    @stage.app.workflow(crashes=100)
    async def flow(n: int, total: int) -> int:
        total += await ship(n)
        if n < 5:
            penstock.continue_as_new(n + 1, total)
        return total

    stage.crash_after(2, 3)
    run = await flow.enqueue(1, 0)
    await stage.play.advance(6 * LEASE)
    assert await run.result() == 30
    assert len(await stage.play.runs("ship")) == 5
    assert len(await stage.store.steps(run.id)) == 1


async def test_signals_that_were_not_read_stay_over_continue_as_new(stage: Stage) -> None:
    @stage.app.workflow
    async def flow(heard: list[str]) -> list[str]:
        heard.append(await penstock.wait(approval))
        if len(heard) < 3:
            penstock.continue_as_new(heard)
        return heard

    run = await flow.enqueue([])
    for text in ("one", "two", "three"):
        await stage.store.signal(Send(name="approval", run_id=run.id, payload=approval.shape.encode(text)))
    assert await run.result() == ["one", "two", "three"]


async def test_code_that_does_not_fit_executes_nothing_and_the_right_code_goes_on() -> None:
    """S4-27, V1: renamed, removed, another kind; the run stays, with the reason."""
    async with staged() as stage:
        code = ["first"]

        async def flow() -> str:
            match code[0]:
                case "renamed":
                    await penstock.step("other", stage.tell, "other")
                case "inserted":
                    await penstock.random()
                    await penstock.step("one", stage.tell, "one")
                case "gone":
                    return "too early"
                case _:
                    await penstock.step("one", stage.tell, "one")
            await penstock.sleep("1h")
            await penstock.step("two", stage.tell, "two")
            return code[0]

        task = stage.app.workflow(flow)
        handler: Any = task.handler
        run = await task.enqueue()
        await stage.play.drain()
        for changed in ("renamed", "inserted", "gone"):
            code[0], handler.ability = changed, _fingerprinted(handler.ability, changed)
            await stage.play.advance("2h")
            status = await run.status()
            assert (status.state, status.failures, status.crashes) == (State.QUEUED, 0, 0)
            why = await run.why()
            assert why is not None
            assert why.reason == "mismatch"
        assert stage.ran == ["one"]
        assert [line.kind for line in await run.log()].count("mismatch") == 3
        code[0], handler.ability = "fixed", _fingerprinted(handler.ability, "fixed")
        await stage.play.drain()
        assert await run.result() == "fixed"
        assert stage.ran == ["one", "two"]


def _fingerprinted(ability: Any, fingerprint: str) -> Any:
    return replace(ability, fingerprint=fingerprint)


async def test_code_that_is_thrown_away_unwinds_and_records_nothing(stage: Stage) -> None:
    @stage.app.workflow
    async def flow() -> str:
        try:
            await penstock.sleep("1h")
        except Exception:  # noqa: BLE001 (as users write)
            stage.tell("caught")
        finally:
            stage.tell("finally")
            await penstock.step("clean up", stage.tell, "clean up")
        return "done"

    run = await flow.enqueue()
    await stage.play.advance("2h")
    assert await run.result() == "done"
    assert stage.ran == ["finally", "finally", "clean up"]


async def test_code_that_will_not_go_is_left_behind(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()

    @stage.app.workflow
    async def flow() -> None:
        try:
            await penstock.sleep("1h")
        except BaseException:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    stage.tell("no")
            with pytest.raises(NotInRun):
                await penstock.sleep("1h")
            raise

    run = await flow.enqueue()
    await stage.play.drain()
    assert (await run.status()).state is State.WAITING
    assert "left behind" in caplog.text
    release.set()
    await stage.play.advance("2h")
    assert (await run.status()).state is State.SUCCEEDED


async def test_one_branch_is_cancelled_and_the_others_go_on(stage: Stage) -> None:
    @stage.app.workflow
    async def flow() -> list[str]:
        async def branch(name: str, days: int) -> str:
            try:
                await penstock.sleep(f"{days}d")
            except asyncio.CancelledError:
                await penstock.step("cancelled", stage.tell, f"cancelled {name}")
                raise
            return name

        slow, quick = asyncio.create_task(branch("slow", 9)), asyncio.create_task(branch("quick", 1))
        first = await quick
        slow.cancel()
        await asyncio.wait([slow])
        await penstock.sleep("1d")
        return [first, str(slow.cancelled())]

    run = await flow.enqueue()
    await stage.play.advance("3d")
    assert await run.result() == ["quick", "True"]
    assert stage.ran == ["cancelled slow"]


async def test_steps_know_the_run_that_they_belong_to(stage: Stage) -> None:
    @stage.app.step
    async def work() -> str:
        return context().run_id

    @stage.app.workflow
    async def flow(*, ctx: Context = inject()) -> bool:
        return ctx.run_id == await work()

    assert await (await flow.enqueue()).result() is True


async def test_a_group_s_error_leaves_as_a_group_and_is_tried_again(stage: Stage) -> None:
    @stage.app.step(retry=Retry(1))
    async def work(name: str) -> str:
        stage.tell(name)
        if name == "bad" and stage.ran.count(name) == 1:
            raise OSError
        return name

    @stage.app.workflow(retry=Retry(2, delay="1s"))
    async def flow() -> list[str]:
        good = await work("good")
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work("bad"))
        return [good, task.result()]

    run = await flow.enqueue()
    await stage.play.advance("1m")
    assert await run.result() == ["good", "bad"]
    assert stage.ran == ["good", "bad", "bad"]


async def test_a_redrive_forgets_what_made_it_fail(stage: Stage) -> None:
    @stage.app.step(retry=Retry(1))
    async def work(name: str) -> None:
        stage.tell(name)
        if stage.ran.count("bad") == 1 and name == "bad":
            raise OSError

    @stage.app.workflow
    async def flow() -> str:
        await work("good")
        await work("bad")
        return "done"

    run = await flow.enqueue()
    with pytest.raises(RunFailed):
        await run.result()
    await run.redrive()
    assert await run.result() == "done"
    assert stage.ran == ["good", "bad", "bad"]


def test_a_failure_says_what_failed() -> None:
    assert str(StepFailed("charge", error_type="ValueError", message="no")) == "step charge failed: ValueError: no"


async def test_parent_and_child_of_one_workflow_share_a_limit_of_one(stage: Stage) -> None:
    """S4-32: who waits holds no slot of the limit either."""

    @stage.app.workflow(limits=[Limit(1)])
    async def countdown(n: int) -> int:
        inner: Any = countdown
        return n + (await inner(n - 1) if n else 0)

    run = await countdown.enqueue(5)
    assert await run.result() == 15
