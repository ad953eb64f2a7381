"""What workflow code asks of the library beside durable calls: that is no branch of it, and does not end with it."""

import asyncio
from typing import Any

from msgspec.structs import replace

import penstock
from penstock import App, Run

GO = penstock.Signal("go", str)


async def until_waiting(run: Run[Any]) -> None:
    """Return when it waits for its signal."""
    await until(run, "signal")


async def until(run: Run[Any], reason: str) -> None:
    """Return when the run stands for this reason."""
    async with asyncio.timeout(60):
        while (why := await run.why()) is None or why.reason != reason:  # noqa: ASYNC110 (nothing rings for this)
            await asyncio.sleep(0.01)


async def test_lines_and_questions_are_no_branches(app: App) -> None:
    """Whether a call of the store is begun for a line depends on what else is under way: scopes must not."""

    @app.step
    async def half(n: int) -> int:
        return n // 2

    async def branch(n: int) -> int:
        return await half(n)

    @app.task
    async def other() -> None: ...

    @app.workflow
    async def flow(asked: str) -> list[int]:
        ctx = penstock.context()
        for n in range(3):
            ctx.log(f"line {n}")
            ctx.progress(n / 3)
            await asyncio.sleep(0)
        await app.run(asked).status()
        halves = list(await asyncio.gather(branch(4), branch(6)))
        ctx.log("halves")
        await penstock.wait(GO)
        return [*halves, await half(8)]

    async with app.worker():
        asked = await other.enqueue()
        runs = await app.enqueue_many([flow.call(asked.id) for _ in range(5)])
        for run in runs:
            await until_waiting(run)
        for run in runs:
            await run.signal(GO, "on")
            assert await run.result(timeout="1m") == [2, 3, 4]
            steps = (await run.history()).steps
            assert [step.scope for step in steps if step.name == "half"] == ["1", "2", ""]
            said = [line.data["message"] for line in await run.log() if line.kind == "log"]
            assert said == ["line 0", "line 1", "line 2", "halves"] * 2  # once in each pass


async def test_the_line_of_a_mismatch_is_stored(app: App) -> None:
    """V1: it is what the code says last, before it is thrown away."""
    called = ["first"]

    async def changing() -> str:
        await penstock.step(called[0], abs, -1)
        return await penstock.wait(GO)

    task = app.workflow(changing)
    handler: Any = task.handler
    async with app.worker():
        run = await task.enqueue()
        await until_waiting(run)
    called[0], handler.ability = "second", replace(handler.ability, fingerprint="second")
    await run.signal(GO, "on")
    async with app.worker():
        await until(run, "mismatch")
    (line,) = [line for line in await run.log() if line.kind == "mismatch"]
    assert line.data == {"recorded": "step /first#1", "called": "step /second#1", "code": "second"}
