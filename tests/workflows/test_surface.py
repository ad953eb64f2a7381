"""What users call: signals with types and keys, children of every sort, several versions of one workflow."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

import penstock
from penstock import (
    DuplicateTask,
    Invalid,
    InvalidInput,
    NotFound,
    NotInRun,
    RunFailed,
    Signal,
    State,
    StepFailed,
    WrongState,
)
from penstock.app.workflows import Workflow
from penstock.core.leases import Step
from tests.workflows.support import Stage

approval = Signal("approval", int)


def heard(stage: Stage) -> Workflow[[], list[int]]:
    @stage.app.workflow(name="heard")
    async def flow() -> list[int]:
        return [await penstock.wait(approval), await penstock.wait(approval)]

    return flow


async def test_a_signal_is_typed_and_a_repeated_one_is_dropped(stage: Stage) -> None:
    run = await heard(stage).enqueue()
    assert await run.signal(approval, 1, once="a")
    assert not await run.signal(approval, 9, once="a")
    assert await run.signal("approval", 2)
    assert await run.result() == [1, 2]
    with pytest.raises(WrongState, match="finished"):
        await run.signal(approval, 3)


async def test_a_signal_that_can_t_be_is_refused_before_anything_is_stored(stage: Stage) -> None:
    run = await heard(stage).enqueue()
    wrong: Any = "text"
    with pytest.raises(InvalidInput):
        await run.signal(approval, wrong)
    with pytest.raises(Invalid, match="signal"):
        await run.signal("no name!", 1)
    with pytest.raises(Invalid, match="once"):
        await run.signal(approval, 1, once="")
    with pytest.raises(NotFound):
        await stage.app.run("nobody").signal(approval, 1)
    assert await stage.store.signals(run.id) == []


async def test_a_signal_finds_its_run_by_key_and_begins_it_if_need_be(stage: Stage) -> None:
    flow = heard(stage)
    with pytest.raises(NotFound, match="order:1"):
        await flow.signal(approval, 1, key="order:1")
    call = flow.opts(key="order:1").call()
    first = await flow.signal(approval, 1, start=call)
    again = await flow.signal(approval, 2, start=flow.opts(key="order:1").call())
    assert first == again
    assert await first.result() == [1, 2]
    with pytest.raises(Invalid, match="key"):
        await flow.signal(approval, 1)


async def test_a_signal_from_workflow_code_is_sent_once(stage: Stage) -> None:
    inner = heard(stage)

    @stage.app.workflow(crashes=100)
    async def outer() -> list[int]:
        run = await inner.enqueue()
        await run.signal(approval, 1)
        await run.signal(approval, 2)
        await penstock.sleep("1d")
        return [len(await penstock.step("look", stage.store.signals, run.id))]

    stage.crash_after(2, 3)
    run = await outer.enqueue()
    await stage.play.advance("2d")
    assert await run.result() == [2]
    (child,) = await stage.play.runs(inner)
    assert child.result == [1, 2]


async def test_a_signal_from_workflow_code_to_nobody_is_a_failed_step(stage: Stage) -> None:
    @stage.app.workflow
    async def flow() -> str:
        try:
            await stage.app.run("nobody").signal(approval, 1)
        except StepFailed as error:
            return error.error_type
        return "?"

    assert await (await flow.enqueue()).result() == "penstock.NotFound"


async def test_any_task_is_a_child_that_can_be_awaited(stage: Stage) -> None:
    """A `def`, one by its name, and one with options."""

    @stage.app.task
    def double(n: int) -> int:
        return 2 * n

    @stage.app.workflow
    async def flow() -> list[int]:
        first = await penstock.call(double, 1)
        second = await penstock.call(stage.app.named("double"), n=first)
        return [first, second, await penstock.call(double.opts(priority=3), second)]

    assert await (await flow.enqueue()).result() == [2, 4, 8]
    assert [one.priority for one in await stage.play.runs("double")] == [0, 0, 3]
    with pytest.raises(NotInRun):
        await penstock.call(double, 1)
    nonsense: Any = len
    with pytest.raises(Invalid, match="task"):
        await penstock.call(nonsense, 1)


async def test_children_are_started_once_however_they_are_named(stage: Stage) -> None:
    """S4-30: by name, many at once, and with an id of their own."""
    seen: list[list[str]] = []

    @stage.app.task
    async def notify(n: int) -> None:
        stage.tell(f"notify {n}")

    @stage.app.workflow(crashes=100)
    async def flow() -> None:
        one = await stage.app.enqueue("notify", n=1)
        calls: list[Any] = [notify.call(2), notify.opts(id="third").call(3), stage.app.call("notify", 4)]
        seen.append([run.id for run in [one, *await stage.app.enqueue_many(calls)]])
        await penstock.sleep("1d")

    stage.crash_after(1, 2)
    await flow.enqueue()
    await stage.play.advance("2d")
    assert sorted(stage.ran) == ["notify 1", "notify 2", "notify 3", "notify 4"]
    assert seen == [seen[0]] * len(seen)
    assert seen[0][2] == "third"


async def test_gather_cancels_the_others_when_one_fails(stage: Stage) -> None:
    ends: list[str] = []

    @stage.app.workflow
    async def flow() -> tuple[int, str]:
        async def fails() -> int:
            await penstock.sleep("1h")
            raise ValueError("no")

        async def sleeps() -> str:
            try:
                await penstock.sleep("9h")
            except asyncio.CancelledError:
                ends.append("cancelled")
                raise
            return "slept"

        nothing: list[Any] = []
        assert await penstock.gather(*nothing) == ()
        number, _ = await penstock.gather(penstock.random(), penstock.uuid())
        assert 0 <= number < 1
        return await penstock.gather(fails(), sleeps())

    run = await flow.enqueue()
    await stage.play.advance("10h")
    with pytest.raises(RunFailed, match="no"):
        await run.result()
    assert ends == ["cancelled"]


async def test_two_versions_stand_side_by_side(stage: Stage) -> None:
    """Each run is carried out by the code of its own version; new ones are of the one that was called."""

    @stage.app.workflow(name="flow", version="1")
    async def old() -> str:
        await penstock.sleep("1d")
        return "old"

    run = await old.enqueue()
    await stage.play.drain()

    @stage.app.workflow(name="flow", version="2")
    async def new() -> str:
        await penstock.step("another", stage.tell, "new")
        await penstock.sleep("1d")
        return "new"

    other, named = await new.enqueue(), await stage.app.enqueue("flow")
    await stage.play.advance("2d")
    assert [await one.result() for one in (run, other, named)] == ["old", "new", "new"]
    with pytest.raises(DuplicateTask):
        stage.app.workflow(name="flow", version="2")(new.fn)
    with pytest.raises(DuplicateTask):
        stage.app.task(name="flow")(new.fn)


async def test_a_run_of_a_version_that_nobody_has_waits_and_says_so(stage: Stage) -> None:
    @stage.app.workflow(version="1")
    async def flow() -> str:
        return "old"

    run = await flow.enqueue()
    stage.app._client.versions.clear()

    @stage.app.workflow(name="flow", version="2")
    async def new() -> str:
        return "new"

    await stage.play.drain()
    assert (await run.status()).state is State.QUEUED
    why = await run.why()
    assert why is not None
    assert why.reason == "no_worker"


def test_what_a_step_or_workflow_can_t_be_is_refused(stage: Stage) -> None:
    app: Any = stage.app

    async def _work() -> None: ...

    for refused in (
        lambda: app.step(retry=3)(_work),
        lambda: app.step(timeout="long")(_work),
        lambda: app.step(queue="q")(_work),
        lambda: app.step(name="no name!")(_work),
        lambda: app.workflow(version="")(_work).opts(version="2"),
        lambda: app.workflow(name="w", version=2)(_work),
        lambda: app.workflow(name="w", executor="process")(_work),
        lambda: app.workflow(5),
    ):
        with pytest.raises(Invalid):
            refused()  # type: ignore[no-untyped-call]


def test_without_a_loop_the_same_verbs_block() -> None:
    app = penstock.App("memory://")

    @app.workflow
    async def flow() -> int:
        return await penstock.wait(approval)

    with app.sync:
        run = flow.sync.signal(approval, 1, start=flow.opts(key="k").call())
        assert flow.sync.enqueue().signal(approval, 2)
        assert run.signal(approval, 3)
        assert not run.signal(approval, 3, once="a") or not run.signal(approval, 3, once="a")


async def test_a_workflow_that_begins_reads_no_history(stage: Stage) -> None:
    """One round trip for each step, and none to look for what can't be there; later lives read it once."""
    asked: list[str] = []
    read = stage.store.steps

    async def steps(run_id: str, *, paths: Sequence[str] | None = None) -> list[Step]:
        asked.append(run_id)
        return await read(run_id, paths=paths)

    stage.store.steps = steps  # type: ignore[method-assign]

    @stage.app.workflow
    async def flow() -> None:
        await penstock.step("one", stage.tell, "one")
        await penstock.sleep("1h")

    run = await flow.enqueue()
    await stage.play.drain()
    assert asked == []
    await stage.play.advance("2h")
    assert asked == [run.id]
