"""What a verb that means nothing for a run says: how the run stands, and what to do instead."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from penstock import App, Run, WrongState
from penstock.app import refusals
from penstock.core.answers import Answer

Act = Callable[[Run[Any]], Awaitable[object]]
QUEUED: list[tuple[Act, str]] = [
    (lambda run: run.promote(), "promote .* not scheduled"),
    (lambda run: run.redrive(), "redrive .* not finished, .* wait for its end, or cancel it"),
    (lambda run: run.detach(), "detach .* waited for by no run"),
]
RUNNING: list[tuple[Act, str]] = [
    (lambda run: run.promote(), "promote .* not scheduled"),
    (lambda run: run.reschedule(delay=5), "reschedule .* under way, .* cancel it, or enqueue another"),
    (lambda run: run.reprioritise(5), "reprioritise .* running, .* cancel it, or enqueue another"),
    (lambda run: run.update_input(1), "update_input .* claimed already, .* cancel it, or enqueue another"),
    (lambda run: run.redrive(), "redrive .* not finished, .* wait for its end, or cancel it"),
    (lambda run: run.remove(), "remove .* running"),
]


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with App("memory://") as made:
        made.task(name="work")(_work)
        yield made


async def _work(n: int = 0) -> None: ...


@pytest.mark.parametrize(("act", "said"), QUEUED)
async def test_a_queued_run(app: App, act: Act, said: str) -> None:
    """B-089, B-101."""
    with pytest.raises(WrongState, match=said):
        await act(await app.enqueue("work"))


@pytest.mark.parametrize(("act", "said"), RUNNING)
async def test_a_running_run(app: App, act: Act, said: str) -> None:
    """B-089, B-090, B-101."""
    run = await app.enqueue("work")
    claimed = await app.claim("default")
    assert claimed is not None
    with pytest.raises(WrongState, match=said):
        await act(run)
    await claimed.complete(None)


@pytest.mark.parametrize("answer", [Answer.STATE, Answer.INVALID])
def test_none_is_without_advice(answer: Answer) -> None:
    for operation in refusals.MEANINGLESS:
        with pytest.raises(WrongState, match=rf"^{operation} to r0 is refused: run r1 is .*: ") as caught:
            refusals.raise_for(answer, "r1", f"{operation} to r0")
        assert caught.value.run_id == "r1"
