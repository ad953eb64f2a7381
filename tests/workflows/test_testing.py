"""What users' tests have: crashes after each record, assertions on what is enqueued, fixtures; histories replayed."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

import penstock
from penstock import App, History, Invalid, NotFound, Run, Signal, UnknownTask
from tests.workflows.support import Stage

pytest_plugins = ["pytester"]
approval = Signal("approval", str)


def flow_of(stage: Stage, broken: str = "") -> Any:
    calls: list[int] = []

    @stage.app.task
    async def ship(n: int) -> int:
        return n + 1

    @stage.app.workflow
    async def flow(n: int) -> list[object]:
        first = await penstock.step("first", lambda: n)
        await penstock.sleep("1d")
        said = await penstock.wait(approval)
        calls.append(1)
        if broken == "way" and len(calls) % 2 == 0:
            await penstock.step("another", lambda: n)
        if broken == "result":
            return [len(calls)]
        return [first, said, await ship(n)]

    return flow


async def approve(run: Run[Any]) -> None:
    await run.signal(approval, "yes")


async def test_a_sound_workflow_passes_all_its_crashes(stage: Stage) -> None:
    assert await stage.play.check_crashes(flow_of(stage).call(1), play=approve) == 5
    assert await stage.play.runs() == []


@pytest.mark.parametrize(("broken", "says"), [("way", "does not end: mismatch"), ("result", "ends otherwise")])
async def test_one_that_depends_on_what_is_not_recorded_does_not(stage: Stage, broken: str, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        await stage.play.check_crashes(flow_of(stage, broken).call(1), play=approve)


async def test_one_that_waits_for_ever_says_for_what(stage: Stage) -> None:
    with pytest.raises(AssertionError, match="signal approval"):
        await stage.play.check_crashes(flow_of(stage).call(1))


async def test_what_is_enqueued_is_asserted(stage: Stage) -> None:
    @stage.app.task
    async def mail(to: str, body: str) -> None: ...

    await mail.opts(delay="1h").enqueue("a@b", "hi")
    assert (await stage.play.assert_enqueued(mail, to="a@b")).input["body"] == "hi"
    assert (await stage.play.assert_enqueued("mail")).task == "mail"
    with pytest.raises(AssertionError, match="hi"):
        await stage.play.assert_enqueued(mail, to="b@c")
    with pytest.raises(AssertionError, match="nothing"):
        await stage.play.assert_enqueued("other")


def test_fixtures_for_pytest(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        shop="""
        from penstock import App
        app = App("sqlite:///never.db")
        @app.task
        async def add(a: int, b: int) -> int:
            return a + b
        """,
        test_shop="""
        import pytest
        from shop import add
        @pytest.mark.asyncio
        async def test_it(rehearsal):
            await add.opts(delay="1d").enqueue(1, 2)
            await rehearsal.advance("25h")
            assert (await rehearsal.runs(add))[0].result == 3
        """,
    )
    pytester.makeini("[pytest]\npenstock_app = shop:app\npythonpath = .\n")
    done = pytester.runpytest_subprocess("-p", "no:randomly", "-q")
    done.assert_outcomes(passed=1)


async def test_a_history_tells_what_was_recorded(stage: Stage) -> None:
    flow = flow_of(stage)
    run = await flow.enqueue(7)
    await approve(run)
    await stage.play.advance("2d")
    history = await run.history()
    assert [(one.name, one.kind) for one in history.steps] == [
        ("first", "step"),
        ("sleep", "moment"),
        ("sleep", "sleep"),
        ("approval", "wait"),
        ("ship", "call"),
    ]
    assert [one.value for one in history.steps][0::2] == [7, None, 8]
    assert (history.input, history.signals[0].value) == ({"n": 7}, "yes")
    with pytest.raises(NotFound):
        await stage.app.run("nobody").history()


@pytest.mark.parametrize("upto", [None, 0, 1, 2, 3, 4, 5])
async def test_a_history_fits_its_own_code_however_long_it_is(stage: Stage, upto: int | None) -> None:
    """Also through JSON, and in an app that has nothing stored."""
    flow = flow_of(stage)
    run = await flow.enqueue(7)
    await approve(run)
    await stage.play.advance("2d")
    data = msgspec.json.encode(await run.history())
    history = msgspec.json.decode(data, type=History)
    part = msgspec.structs.replace(history, steps=history.steps[:upto])
    assert (await stage.app.replay(part)).fits


async def test_a_changed_workflow_does_not_fit_and_nothing_of_it_is_carried_out(stage: Stage) -> None:
    """V1."""
    flow = flow_of(stage)
    run = await flow.enqueue(7)
    await approve(run)
    await stage.play.advance("2d")
    history = await run.history()
    changes: dict[str, Any] = {}

    def change(function: Any) -> Any:
        other = App("memory://")
        changes[function.__name__] = other
        other.workflow(name="flow")(function)
        return function

    @change
    async def renamed(n: int) -> None:
        await penstock.step("second", stage.tell, "executed")

    @change
    async def another_kind(n: int) -> None:
        await penstock.step("first", lambda: n)
        await penstock.step("sleep", stage.tell, "executed")

    @change
    async def too_short(n: int) -> None:
        await penstock.step("first", lambda: n)
        await penstock.sleep("1d")

    @change
    async def raises(n: int) -> None:
        await penstock.step("first", lambda: n)
        raise ValueError("no")

    @change
    def in_a_thread(n: int) -> None:
        penstock.sync.step("first", lambda: n)
        penstock.sync.wait(approval)

    for name, app in changes.items():
        replayed = await app.replay(history)
        assert not replayed.fits, name
        assert replayed.recorded, name
    assert stage.ran == []
    with pytest.raises(UnknownTask):
        await App("memory://").replay(history)
    with pytest.raises(Invalid, match="format"):
        await stage.app.replay(msgspec.structs.replace(history, format=99))
    with pytest.raises(Invalid, match="task"):
        await stage.app.replay(msgspec.structs.replace(history, task="ship"))


def test_the_plugin_s_module_is_named(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert 'penstock = "penstock.testing.plugin"' in text
