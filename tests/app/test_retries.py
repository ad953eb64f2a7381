"""Failures: tried again after growing gaps, as the policy or the handler itself says. Time is moved by hand."""

from datetime import timedelta
from itertools import pairwise

import pytest

from penstock import App, Context, Failure, Never, Retry, RetryIn, RunFailed, Snooze, Success, inject
from penstock.testing import Rehearsal


async def test_gaps_grow_as_the_policy_says(rehearsed: App, stage: Rehearsal) -> None:
    """B-096, S0-35."""
    begun: list[float] = []

    @rehearsed.task(retry=Retry(5, delay="10s", factor=3, cap="1m", jitter=0))
    async def fail() -> None:
        begun.append(stage.now)
        raise OSError

    run = await fail.enqueue()
    await stage.advance("1h")
    assert [later - earlier for earlier, later in pairwise(begun)] == [10, 30, 60, 60]
    status = await run.status()
    assert (status.state, status.attempts, status.failures) == ("failed", 5, 5)


@pytest.mark.parametrize(("jitter", "least"), [(1.0, 0.0), (0.5, 30.0)])
async def test_jitter_shortens_a_gap_within_its_bounds(
    rehearsed: App, stage: Rehearsal, jitter: float, least: float
) -> None:
    """B-096."""

    @rehearsed.task(retry=Retry(2, delay=60, backoff="fixed", jitter=jitter))
    async def fail() -> None:
        raise OSError

    runs = [await fail.enqueue() for _ in range(30)]
    await stage.drain()
    gaps = [((await run.status()).due_at or 0) - stage.now for run in runs]
    assert all(least <= gap <= 60 for gap in gaps)
    assert len(set(gaps)) > 1


async def test_a_strategy_of_ones_own_is_taken_at_its_word(rehearsed: App, stage: Rehearsal) -> None:
    """B-097."""

    async def strategy(attempt: int, error: BaseException) -> float:
        return {1: 0, 2: 90}.get(attempt, -1)

    begun: list[float] = []

    @rehearsed.task(retry=Retry(9, backoff=strategy))
    async def fail() -> None:
        begun.append(stage.now - 1_800_000_000)
        raise OSError

    run = await fail.enqueue()
    await stage.advance("1h")
    assert begun == [0, 0, 90]
    assert (await run.status()).state == "failed"


async def test_success_after_failures_is_the_only_end(rehearsed: App, stage: Rehearsal) -> None:
    """S0-34, S2-19."""
    tries: list[int] = []

    @rehearsed.task(retry=Retry(4, delay="1s"))
    async def third_time(*, ctx: Context = inject()) -> int:
        tries.append(ctx.attempt)
        if len(tries) < 3:
            raise OSError(len(tries))
        return len(tries)

    run = await third_time.enqueue()
    await stage.advance("1m")
    assert await run.result() == 3
    assert tries == [1, 2, 3]
    assert [one.error.message for one in await run.attempts() if one.error] == ["1", "2"]
    assert [line.kind for line in await run.log()].count("finished") == 1


@pytest.mark.parametrize(
    ("policy", "error"),
    [
        (Retry(5, on=OSError), ValueError("not one of these")),
        (Retry(5, never=LookupError), KeyError("one of those")),
        (Retry(5), Never("hopeless")),
        (Retry(1), OSError("the only attempt")),
    ],
)
async def test_what_is_not_to_be_retried_fails_at_once(
    rehearsed: App, stage: Rehearsal, policy: Retry, error: Exception
) -> None:
    """S0-37, S4-49, B-099."""

    @rehearsed.task(retry=policy)
    async def fail() -> None:
        raise error

    run = await fail.enqueue()
    with pytest.raises(RunFailed, match=type(error).__name__):
        await run.result()
    assert (await run.status()).attempts == 1


async def test_a_handler_says_when_to_try_again(rehearsed: App, stage: Rehearsal) -> None:
    begun: list[float] = []

    @rehearsed.task(retry=Retry(2, delay="1s"))
    def later() -> None:
        begun.append(stage.now)
        raise RetryIn(timedelta(minutes=5))

    run = await later.enqueue()
    await stage.advance("1h")
    assert begun[1] - begun[0] == 300
    assert (await run.status()).state == "failed"  # attempts count all the same


async def test_a_snooze_costs_no_attempt(rehearsed: App, stage: Rehearsal) -> None:
    """B-063, B-100."""
    attempts: list[int] = []

    @rehearsed.task(retry=Retry(2))
    async def patient(*, ctx: Context = inject()) -> str | Snooze:
        attempts.append(ctx.attempt)
        if len(attempts) == 1:
            raise Snooze("1m", "not yet")
        return "done" if len(attempts) > 3 else Snooze(60)

    run = await patient.enqueue()
    await stage.advance("10m")
    assert attempts == [1, 1, 1, 1]
    assert await run.result() == "done"
    status = await run.status()
    assert (status.attempts, status.failures, status.releases) == (1, 0, 3)


async def test_a_call_brings_its_own_numbers(rehearsed: App, stage: Rehearsal) -> None:
    tries: list[int] = []

    @rehearsed.task(retry=Retry(5, on=OSError, delay=0))
    async def fail(kind: str) -> None:
        tries.append(1)
        raise {"os": OSError, "value": ValueError}[kind]

    run = await fail.opts(retry=Retry(2, delay=0)).enqueue("os")
    await stage.drain()
    assert (len(tries), (await run.status()).state) == (2, "failed")
    run = await fail.opts(retry=Retry(9, delay=0)).enqueue("value")
    await stage.drain()
    assert (len(tries), (await run.status()).state) == (3, "failed")  # which errors is the task's word


async def test_a_handler_for_failures_hears_of_each_once(rehearsed: App, stage: Rehearsal) -> None:
    """S0-42."""
    heard: list[Failure] = []
    done: list[Success] = []

    @rehearsed.task(queue="alerts")
    async def alert(failure: Failure) -> None:
        heard.append(failure)

    @rehearsed.task
    def note(success: Success) -> None:
        done.append(success)

    @rehearsed.task(retry=Retry(2, delay=0), on_failure=alert, on_success=note)
    async def work(n: int) -> list[int]:
        if n < 0:
            raise ValueError("below zero")
        return [n]

    bad, good = await work.enqueue(-1), await work.enqueue(1)
    cancelled = await work.opts(delay=60).enqueue(2)
    await cancelled.cancel()
    await stage.advance("1h")
    (failure,), (success,) = heard, done
    assert (failure.run_id, failure.task, failure.input, failure.attempts) == (bad.id, "work", {"n": -1}, 2)
    assert (failure.error.type, failure.error.message) == ("ValueError", "below zero")
    assert (success.run_id, success.input, success.result) == (good.id, {"n": 1}, [1])
    await bad.redrive()
    await stage.drain()
    assert len(heard) == 2


async def test_an_error_in_a_failure_handler_changes_nothing(rehearsed: App, stage: Rehearsal) -> None:
    @rehearsed.task(name="alert", retry=Retry(1))
    async def alert(failure: Failure) -> None:
        raise RuntimeError("no pager")

    @rehearsed.task(retry=Retry(1), on_failure="alert")
    async def work() -> None:
        raise OSError("first")

    run = await work.enqueue()
    with pytest.raises(RunFailed, match="first"):
        await run.result()
    (follow_up,) = await stage.runs("alert")
    assert (follow_up.state, follow_up.error.message if follow_up.error else "") == ("failed", "no pager")


async def test_a_run_that_is_not_started_in_time_expires(rehearsed: App, stage: Rehearsal) -> None:
    @rehearsed.task(expires="1m")
    async def task() -> None: ...

    await rehearsed.pause(queue="default")
    run = await task.enqueue()
    await stage.advance("2m")
    with pytest.raises(RunFailed, match="Expired"):
        await run.result()
    assert (await run.status()).attempts == 0


async def test_a_run_that_is_not_finished_in_time_misses_its_deadline(rehearsed: App, stage: Rehearsal) -> None:
    @rehearsed.task(deadline="90s", retry=Retry(100, delay="1m", jitter=0))
    async def task(*, ctx: Context = inject()) -> None:
        assert ctx.deadline == 1_800_000_090.0
        raise OSError

    run = await task.enqueue()
    await stage.advance("10m")
    with pytest.raises(RunFailed):
        await run.result()
    status = await run.status()
    assert (status.attempts, status.cause) == (2, "deadline")
