"""Claims by hand: for programs with a loop of their own."""

from typing import Any

import pytest

from penstock import App, Invalid, LeaseLost, OutputError, RunFailed
from penstock.testing import Rehearsal


async def test_a_run_is_claimed_and_settled_by_hand(app: App) -> None:
    """B-080."""

    @app.task
    async def task(n: int) -> int:
        return n

    assert await app.claim() is None
    runs = [await task.enqueue(n) for n in range(4)]
    await app.pause(queue="default")
    assert await app.claim() is None
    await app.resume(queue="default")
    first = await app.claim(lease="10s")
    assert first is not None
    assert (first.id, first.task, first.input, first.attempt) == (runs[0].id, "task", {"n": 0}, 1)
    assert (await runs[0].status()).state == "running"
    assert await first.extend("1m")
    await runs[0].cancel()
    assert not await first.extend()
    with pytest.raises(OutputError):
        await first.complete(object())
    await first.release()
    assert (await runs[0].status()).state == "cancelled"
    for settle in ("complete", "fail", "retry"):
        claimed = await app.claim()
        assert claimed is not None
        match settle:
            case "complete":
                await claimed.complete(7)
            case "fail":
                await claimed.fail("broken")
            case _:
                await claimed.retry("1h", error=OSError("later"))
    assert await runs[1].result(timeout=10) == 7
    with pytest.raises(RunFailed, match="broken"):
        await runs[2].result(timeout=10)
    assert (await runs[3].status()).state == "scheduled"
    assert [one.error.message for one in await runs[3].attempts() if one.error] == ["later"]
    assert await app.claim() is None


async def test_a_lease_that_is_over_settles_nothing(rehearsed: App, stage: Rehearsal) -> None:
    """B-076, B-077, S4-56, X-04."""

    @rehearsed.task
    async def task() -> int:
        return 1

    run = await task.enqueue()
    slow = await rehearsed.claim(lease=5)
    assert slow is not None
    await stage.advance(10)
    assert await run.result() == 1
    for late in (slow.complete(2), slow.fail("x"), slow.retry(error="x"), slow.release()):
        with pytest.raises(LeaseLost):
            await late
    with pytest.raises(LeaseLost):
        await slow.extend()
    assert await run.result() == 1


@pytest.mark.parametrize(
    "named", [{"queue": "a b"}, {"tasks": "task"}, {"tasks": []}, {"tasks": [7]}, {"lease": "10ms"}, {"lease": None}]
)
async def test_a_bad_claim_is_refused(app: App, named: dict[str, Any]) -> None:
    @app.task
    async def task() -> None: ...

    await task.enqueue()
    with pytest.raises(Invalid) as refused:
        await app.claim(**named)
    assert refused.value.parameter in named
    for error in ("", 7, None):
        claimed = await app.claim()
        assert claimed is not None
        with pytest.raises(Invalid, match="error="):
            await claimed.fail(error)  # type: ignore[arg-type]
        await claimed.release()
