"""What type checkers see of workflows: steps, signals and children keep their types. It also runs."""

from datetime import datetime
from typing import assert_type
from uuid import UUID

import pytest

import penstock
from penstock import App, InvalidInput, Retry, Run, Signal, Step, SyncRun, ThreadWorkflow, Workflow, sync

app = App("memory://")
approval = Signal("approval", bool)


@app.step(retry=Retry(3), timeout="30s")
async def charge(order: int) -> str:
    return f"charge {order}"


@app.task
async def ship(order: int) -> int:
    return order


@app.task
def label(order: int) -> str:
    return f"label {order}"


def rate(currency: str) -> float:
    return len(currency) / 2


@app.workflow(version="1", queue="orders")
async def fulfil(order: int, fast: bool = False) -> str:
    assert_type(await charge(order), str)
    assert_type(await penstock.step("rate", rate, "EUR"), float)
    assert_type(await penstock.wait(approval), bool)
    assert_type(await penstock.wait(approval, timeout="1h", default=None), bool | None)
    assert_type(await penstock.map(charge, [1, 2]), list[str])
    assert_type(await penstock.gather(charge(1), ship(2)), tuple[str, int])
    assert_type(await ship(order), int)
    assert_type(await penstock.call(label, order), str)
    assert_type(await ship.enqueue(order), Run[int])
    assert_type((await penstock.now(), await penstock.random(), await penstock.uuid()), tuple[datetime, float, UUID])
    if order < 0:
        await charge("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await penstock.step("rate", rate, 5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
        await penstock.map(charge, ["x"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await penstock.call(label, "x")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    return "done"


async def test_workflow_code_is_typed() -> None:
    async with app.testing() as t:
        assert isinstance(fulfil, Workflow)
        assert isinstance(charge, Step)
        run = await fulfil.enqueue(1, fast=True)
        assert_type(run, Run[str])
        assert_type(await run.signal(approval, True), bool)
        started = await fulfil.signal(approval, True, start=fulfil.opts(key="k").call(2))
        assert_type(started, Run[str])
        await t.advance("2h")
        assert_type(await run.result(), str)
        with pytest.raises(InvalidInput):
            await run.signal(approval, "no")  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
        assert_type(await charge(1), str)
    if False:  # a loop is running
        assert_type(fulfil.sync.enqueue(1), SyncRun[str])  # type: ignore[unreachable]
        assert_type(fulfil.sync.signal(approval, True, key="k"), SyncRun[str])


@app.step
def resize(picture: int) -> bytes:
    return bytes(picture)


@app.workflow
def pictures(count: int) -> list[bytes]:
    assert_type(resize(1), bytes)
    assert_type(charge.sync(1), str)
    assert_type(sync.step("rate", rate, "EUR"), float)
    assert_type(sync.wait(approval, timeout=0, default=None), bool | None)
    assert_type(sync.map(resize.fn, [1]) if count < 0 else [], list[bytes])
    assert_type(sync.call(ship, 1), int)
    assert_type(sync.call(pictures, 0) if count else [], list[bytes])
    return [resize(n) for n in range(count)]


async def test_def_workflow_code_is_typed() -> None:
    async with app.testing():
        assert isinstance(pictures, ThreadWorkflow)
        run = await pictures.enqueue(2)
        assert_type(run, Run[list[bytes]])
        assert await run.result() == [b"", b"\x00"]
        assert_type(resize(1), bytes)
