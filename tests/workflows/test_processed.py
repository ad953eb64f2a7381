"""Steps in processes of their own: what they take, return, raise and log goes there and back; time ends them."""

import os
import time

import pytest

import penstock
from penstock import App, Context, Invalid, Never, Retry, StepFailed, Tx

app = App("memory://")
FIXED = Retry(3, delay=0.001, jitter=0)


@app.step(executor="process")
def squared(n: int, *, ctx: Context = penstock.inject()) -> list[int]:
    ctx.log("squared", n=n)
    return [n * n, os.getpid()]


@app.step(executor="process")
async def doubled(n: int) -> list[int]:
    return [2 * n, os.getpid()]


@app.step(executor="process", retry=FIXED)
def second_time(*, ctx: Context = penstock.inject()) -> int:
    if ctx.attempt == 1:
        raise OSError("not yet")
    return ctx.attempt


@app.step(executor="process", retry=FIXED)
def never() -> None:
    raise Never("not for you")


@app.step(executor="process", retry=Retry(1))
def dies() -> None:
    os._exit(7)


@app.step(executor="process", retry=Retry(1), timeout="500ms")
def stuck() -> None:
    time.sleep(600)


@app.workflow
async def both(n: int) -> list[int]:
    one, other = await penstock.gather(penstock.step(squared, n), doubled(n))
    return [*one, *other]


@app.workflow
async def again() -> int:
    return await penstock.step(second_time)


@app.workflow
async def failing(which: str) -> str:
    try:
        await penstock.step({"never": never, "dies": dies, "stuck": stuck}[which])
    except StepFailed as error:
        return f"{error.error_type}: {error.message}"
    return "?"


async def test_they_run_elsewhere_and_their_results_are_recorded() -> None:
    async with app.testing():
        run = await both.enqueue(3)
        square, one, double, other = await run.result()
        assert (square, double) == (9, 6)
        assert len({one, other, os.getpid()}) == 3
        lines = [line async for line in run.stream() if line.kind == "log"]
        assert [line.data["message"] for line in lines] == ["squared"]


async def test_a_try_that_fails_there_is_tried_again() -> None:
    async with app.testing() as t:
        run = await again.enqueue()
        await t.advance("1m")
        assert await run.result() == 2


@pytest.mark.parametrize(
    ("which", "said"), [("never", "Never: not for you"), ("dies", "exit status 7"), ("stuck", "Timeout")]
)
async def test_what_goes_wrong_there_is_heard(which: str, said: str) -> None:
    async with app.testing() as t:
        run = await failing.enqueue(which)
        await t.advance("1m")
        assert said in await run.result()


async def test_outside_of_workflows_they_are_plain() -> None:
    assert await doubled.fn(3) == [6, os.getpid()]


def test_what_can_t_go_there_is_refused_when_it_is_declared() -> None:
    def takes(what: Context) -> None:
        del what

    def writes(*, tx: Tx = penstock.inject()) -> None:
        del tx

    for function in (takes, writes):
        with pytest.raises(Invalid):
            app.step(executor="process")(function)
    with pytest.raises(Invalid, match="executor"):
        app.step(executor="loop", name="plain")(lambda: None)
