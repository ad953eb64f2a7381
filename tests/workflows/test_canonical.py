"""One workflow with all that there is, its worker lost after each record in turn, and after all of them."""

from contextlib import suppress
from typing import Any

import pytest

import penstock
from penstock import Retry, StepFailed
from penstock.core.requests import Send
from tests.workflows.support import Stage, staged

approval = penstock.Signal("approval", str)
RECORDS = 20


def canonical(stage: Stage) -> Any:
    """Order handling: what is charged must be charged once."""

    @stage.app.step(name="charge", retry=Retry(2, delay="1m", jitter=0))
    async def charge(amount: int) -> int:
        stage.tell(f"charge {amount}")
        if stage.ran.count(f"charge {amount}") == 1:
            raise OSError("the bank sleeps")
        return amount

    @stage.app.step(name="label")
    async def label(parcel: int) -> str:
        return f"label {parcel}"

    @stage.app.task(name="ship", crashes=1000)
    async def ship(labels: list[str]) -> str:
        stage.tell("ship")
        return "/".join(labels)

    @stage.app.task(name="notify")
    async def notify() -> None:
        stage.tell("notify")

    @stage.app.workflow(name="fulfil", crashes=1000)
    async def fulfil(amount: int) -> list[object]:
        paid = await charge(amount)
        await penstock.on_rollback(stage.tell, "refund")
        rate = await penstock.step("fx rate", lambda: 2)
        with suppress(StepFailed):
            await penstock.step("broken", _broken)
        await penstock.sleep("3d")
        who = await penstock.wait(approval, timeout="7d", default="nobody")
        late = await penstock.wait(approval, timeout="1d", default="nobody")
        labels = await penstock.map(label, [1, 2, 3], concurrency=2)
        first, quick = await penstock.wait_any(penstock.sleep("9d"), penstock.step("quick", lambda: "quick"))
        tracking = await ship(labels)
        await notify.enqueue()
        return [paid * rate, who, late, tracking, first, quick]

    return fulfil


def _broken() -> None:
    raise ValueError("always")


async def carried_out(*lost_after: int) -> tuple[object, list[str], int]:
    async with staged() as stage:
        fulfil = canonical(stage)
        crashes = stage.crash_after(*lost_after)
        run = await fulfil.enqueue(10)
        await stage.store.signal(Send(name="approval", run_id=run.id, payload=approval.shape.encode("ann")))
        await stage.play.advance("30d")
        assert crashes.twice == []
        return await run.result(), stage.ran, crashes.count


WHOLE = [20, "ann", "nobody", "label 1/label 2/label 3", 1, "quick"]
EFFECTS = ["charge 10", "charge 10", "notify", "ship"]


@pytest.mark.parametrize("lost_after", range(RECORDS + 1))
async def test_losing_its_worker_after_any_record_changes_nothing(lost_after: int) -> None:
    """S4-19, S4-20: 0 loses none."""
    result, ran, _ = await carried_out(lost_after)
    assert result == WHOLE
    assert sorted(ran) == EFFECTS


async def test_losing_it_after_every_record_changes_nothing() -> None:
    result, ran, count = await carried_out(*range(1, 1000))
    assert result == WHOLE
    assert sorted(ran) == EFFECTS
    assert count == RECORDS
