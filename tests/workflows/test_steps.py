"""Steps, waits and recorded values: what is recorded is never done again, however often the code is called anew."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

import penstock
from penstock import Never, Retry, RunFailed, Snooze, State, StepFailed, WaitTimeout
from penstock.core.answers import Recorded
from penstock.core.leases import RecordStep
from penstock.core.requests import Send
from tests.workflows.support import LEASE, Stage

approval = penstock.Signal("approval", str)


async def test_steps_are_carried_out_once_though_the_worker_is_lost_after_each(stage: Stage) -> None:
    """S4-20, S4-26."""

    @stage.app.step
    async def work(n: int) -> int:
        stage.tell(f"work {n}")
        return n * 10

    @stage.app.workflow(crashes=100)
    async def flow() -> list[int]:
        first = await work(1)
        both = await asyncio.gather(work(2), work(3))
        return [first, *both, await work(4)]

    crashes = stage.crash_after(1, 2, 3, 4)
    run = await flow.enqueue()
    await stage.play.advance(10 * LEASE)
    assert await run.result() == [10, 20, 30, 40]
    assert [stage.ran.count(f"work {n}") for n in (1, 2, 4)] == [1, 1, 1]  # the third was never recorded, once
    assert crashes.count == 4


async def test_a_failed_attempt_of_the_workflow_keeps_the_steps(stage: Stage) -> None:
    """S4-19: the first two are not executed again."""

    @stage.app.step(retry=Retry(1))
    async def work(n: int) -> int:
        stage.tell(f"work {n}")
        if n == 3 and stage.ran.count("work 3") == 1:
            raise OSError("not yet")
        return n

    @stage.app.workflow(retry=Retry(2, delay="1s"))
    async def flow() -> list[int]:
        return [await work(1), await work(2), await work(3)]

    run = await flow.enqueue()
    await stage.play.advance("1m")
    assert await run.result() == [1, 2, 3]
    assert stage.ran == ["work 1", "work 2", "work 3", "work 3"]


async def test_a_step_is_tried_again_and_its_attempts_survive_a_crash(stage: Stage) -> None:
    @stage.app.step(retry=Retry(3, delay="10m", backoff="fixed", jitter=0))
    async def work() -> int:
        stage.tell("work")
        raise ValueError("never")

    @stage.app.workflow(crashes=100)
    async def flow() -> str:
        try:
            await work()
        except StepFailed as error:
            return f"{error.error_type} {error.message}"
        return "?"

    stage.crash_after(1, 2)
    run = await flow.enqueue()
    await stage.play.advance("1h")
    assert await run.result() == "ValueError never"
    assert stage.ran == ["work"] * 3


async def test_a_caught_error_stays_and_one_that_left_the_body_is_tried_again(stage: Stage) -> None:
    @stage.app.step(retry=Retry(1))
    async def fails(name: str) -> None:
        stage.tell(name)
        if stage.ran.count(name) == 1:
            raise ValueError(name)

    @stage.app.workflow(retry=Retry(2, delay="1s"))
    async def flow() -> str:
        caught = ""
        try:
            await fails("caught")
        except StepFailed as error:
            caught = error.message
        try:
            await fails("escaped")
        except StepFailed:
            await penstock.step("clean up", stage.tell, "clean up")
            raise
        return caught

    run = await flow.enqueue()
    await stage.play.advance("1m")
    assert await run.result() == "caught"
    assert stage.ran == ["caught", "escaped", "clean up", "escaped"]


async def test_a_step_that_says_never_ends_the_workflow(stage: Stage) -> None:
    """S4-49."""

    @stage.app.step
    async def work() -> None:
        stage.tell("work")
        raise Never("no use")

    @stage.app.workflow(retry=Retry(5, delay="1s"))
    async def flow() -> None:
        await work()

    run = await flow.enqueue()
    await stage.play.advance("1h")
    with pytest.raises(RunFailed, match="no use"):
        await run.result()
    assert stage.ran == ["work"]


async def test_a_result_that_can_t_be_stored_fails_the_step_at_once(stage: Stage) -> None:
    """S4-24."""

    @stage.app.step
    async def work() -> object:
        stage.tell("work")
        return object()

    @stage.app.workflow(retry=Retry(3, delay="1s"))
    async def flow() -> None:
        await work()

    run = await flow.enqueue()
    await stage.play.advance("1h")
    with pytest.raises(RunFailed, match="OutputError"):
        await run.result()
    assert stage.ran == ["work"]


async def test_a_step_has_its_own_timeout(stage: Stage) -> None:
    """S4-23."""

    @stage.app.step(timeout=0.01, retry=Retry(1))
    async def hangs() -> None:
        await asyncio.Event().wait()

    @stage.app.workflow
    async def flow() -> str:
        try:
            await hangs()
        except StepFailed as error:
            return error.error_type
        return "?"

    run = await flow.enqueue()
    assert await run.result() == "penstock.Timeout"


async def test_a_second_step_of_the_same_given_name_is_refused(stage: Stage) -> None:
    """S4-22."""

    @stage.app.workflow
    async def flow() -> None:
        await penstock.step("rate", stage.tell, "first")
        await penstock.step("rate", stage.tell, "second")

    run = await flow.enqueue()
    with pytest.raises(RunFailed, match="'rate'"):
        await run.result()
    assert stage.ran == ["first"]


async def test_a_def_is_a_step_in_a_thread(stage: Stage) -> None:
    def work(n: int) -> int:
        stage.tell("work")
        return n + 1

    @stage.app.workflow
    async def flow() -> int:
        value = await penstock.step("work", work, 1)
        await penstock.sleep("1h")
        return value

    run = await flow.enqueue()
    await stage.play.advance("1h")
    assert await run.result() == 2
    assert stage.ran == ["work"]


async def test_a_step_is_plain_outside_of_workflows_and_inside_of_steps(stage: Stage) -> None:
    @stage.app.step
    async def inner() -> int:
        stage.tell("inner")
        return 1

    @stage.app.step
    async def outer() -> int:
        return await inner() + await inner()

    @stage.app.workflow
    async def flow() -> int:
        return await outer()

    assert await inner() == 1
    run = await flow.enqueue()
    assert await run.result() == 2
    assert [step.path for step in await stage.store.steps(run.id)] == ["/outer#1"]


async def test_what_is_recorded_comes_back_as_annotated_the_first_time_as_later(stage: Stage) -> None:
    seen: list[object] = []

    @stage.app.step
    async def work() -> tuple[int, datetime]:
        return 1, datetime(2030, 1, 1, tzinfo=UTC)

    @stage.app.workflow
    async def flow() -> None:
        seen.append(await work())
        await penstock.sleep("1d")

    await (await flow.enqueue()).status()
    await stage.play.advance("1d")
    assert seen == [(1, datetime(2030, 1, 1, tzinfo=UTC))] * 2


async def test_now_random_and_uuid_are_recorded(stage: Stage) -> None:
    seen: list[object] = []

    @stage.app.workflow
    async def flow() -> None:
        seen.append((await penstock.now(), await penstock.random(), await penstock.uuid()))
        await penstock.sleep("1d")

    began = stage.play.now
    await flow.enqueue()
    await stage.play.advance("1d")
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert isinstance(seen[0], tuple)
    assert seen[0][0] == datetime.fromtimestamp(began, UTC)


async def test_a_sleep_ends_at_its_moment_whatever_was_lost(stage: Stage) -> None:
    @stage.app.workflow(crashes=100)
    async def flow() -> float:
        await penstock.sleep("3d")
        return (await penstock.now()).timestamp()

    began = stage.play.now
    stage.crash_after(1, 2)
    run = await flow.enqueue()
    await stage.play.advance("4d")
    assert 0 <= await run.result() - began - 3 * 86_400 <= 2 * LEASE


async def test_a_sleeping_workflow_holds_nothing(stage: Stage) -> None:
    """S4-34."""

    @stage.app.workflow
    async def flow() -> None:
        await penstock.sleep("3d")

    run = await flow.enqueue()
    await stage.play.drain()
    assert (await run.status()).state is State.WAITING
    assert (await run.status()).attempts == 0
    await stage.play.advance("3d")
    assert (await run.status()).state is State.SUCCEEDED


async def send(stage: Stage, run_id: str, what: str) -> None:
    await stage.store.signal(Send(name="approval", run_id=run_id, payload=approval.shape.encode(what)))


async def test_a_signal_may_come_early_or_late_and_is_read_once(stage: Stage) -> None:
    @stage.app.workflow
    async def flow() -> list[str]:
        first = await penstock.wait(approval)
        second = await penstock.wait(approval)
        third = await penstock.wait(approval, timeout="1d", default="nobody")
        return [first, second, third]

    run = await flow.enqueue()
    await send(stage, run.id, "early")
    await stage.play.drain()
    assert (await run.status()).state is State.WAITING
    await send(stage, run.id, "late")
    await stage.play.advance("1d")
    assert await run.result() == ["early", "late", "nobody"]


async def test_a_wait_without_default_raises_at_its_time_out(stage: Stage) -> None:
    @stage.app.workflow
    async def flow() -> str:
        try:
            await penstock.wait(approval, timeout="1d")
        except WaitTimeout:
            await penstock.sleep("1d")
            return "late"
        return "?"

    run = await flow.enqueue()
    await stage.play.advance("3d")
    assert await run.result() == "late"


async def test_a_signal_that_is_there_beats_an_expired_time_out(stage: Stage) -> None:
    @stage.app.workflow
    async def flow() -> str:
        return await penstock.wait(approval, timeout="1h", default="nobody")

    run = await flow.enqueue()
    await stage.play.drain()
    stage.play._now += 7200
    await send(stage, run.id, "somebody")
    await stage.play.drain()
    assert await run.result() == "somebody"


async def test_a_signal_between_the_last_look_and_the_time_out_is_not_lost(stage: Stage) -> None:
    """The store writes a time-out only if nothing has come that the workflow has not seen."""
    write = stage.store.record
    sent: list[bool] = []

    async def record(records: Sequence[RecordStep]) -> list[Recorded]:
        if any(one.silent for one in records) and not sent:
            sent.append(await stage.app.run(records[0].lease.run_id).signal(approval, "just now"))
        return await write(records)

    stage.store.record = record  # type: ignore[method-assign]

    @stage.app.workflow
    async def flow() -> str:
        return await penstock.wait(approval, timeout="1h", default="nobody")

    run = await flow.enqueue()
    await stage.play.advance("2h")
    assert await run.result() == "just now"
    assert sent == [True]


async def test_the_first_of_several_is_the_first_in_every_replay(stage: Stage) -> None:
    """The others are cancelled, and not begun again."""

    @stage.app.step
    async def slow() -> str:
        stage.tell("slow")
        await asyncio.Event().wait()
        return "slow"

    @stage.app.step
    async def quick() -> str:
        stage.tell("quick")
        return "quick"

    @stage.app.workflow
    async def flow() -> tuple[int, str]:
        first = await penstock.wait_any(slow(), quick(), penstock.wait(approval))
        await penstock.sleep("1d")
        return first

    run = await flow.enqueue()
    await stage.play.advance("2d")
    assert await run.result() == (1, "quick")
    assert stage.ran == ["slow", "quick"]


async def test_several_waits_suspend_together(stage: Stage) -> None:
    @stage.app.workflow
    async def flow() -> list[object]:
        async def branch(n: int) -> int:
            await penstock.sleep(f"{n}d")
            stage.tell(str(n))
            return n

        return list(await asyncio.gather(branch(3), branch(1), branch(2), penstock.wait(approval)))

    run = await flow.enqueue()
    await stage.play.drain()
    (stored,) = await stage.store.get([run.id])
    assert stored is not None
    assert stored.wake is not None
    assert stored.wake.at == stage.play.now + 86_400
    assert stored.wake.signals == {"approval": 1}
    await stage.play.advance("3d")
    await send(stage, run.id, "yes")
    assert await run.result() == [3, 1, 2, "yes"]


async def test_map_keeps_the_order_and_the_bound(stage: Stage) -> None:
    going, most = 0, 0

    @stage.app.step
    async def work(n: int) -> int:
        nonlocal going, most
        stage.tell(str(n))
        going += 1
        most = max(most, going)
        await asyncio.sleep(0)
        going -= 1
        return n * n

    @stage.app.workflow(crashes=100)
    async def flow(n: int) -> list[int]:
        return await penstock.map(work, range(n), concurrency=3)

    stage.crash_after(4, 9)
    run = await flow.enqueue(12)
    await stage.play.advance("5m")
    assert await run.result() == [n * n for n in range(12)]
    assert most == 3


async def test_waiting_steps_give_way_to_others(stage: Stage) -> None:
    """A back-off that is long suspends."""

    @stage.app.step(retry=Retry(2, delay="1h", jitter=0))
    async def work() -> int:
        stage.tell("work")
        if len(stage.ran) == 1:
            raise OSError
        return 1

    @stage.app.workflow
    async def flow() -> int:
        return await work()

    run = await flow.enqueue()
    await stage.play.drain()
    assert (await run.status()).state is State.WAITING
    await stage.play.advance("1h")
    assert await run.result() == 1


async def test_a_workflow_may_snooze(stage: Stage) -> None:
    @stage.app.workflow
    async def flow() -> int:
        stage.tell("flow")
        if len(stage.ran) == 1:
            raise Snooze("1h")
        return 1

    run = await flow.enqueue()
    await stage.play.advance("1h")
    assert await run.result() == 1
