"""What handlers return and raise, and what becomes of the run: retries, delays, the end, handed back."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from penstock.core import error_record
from penstock.core.control import Never, RetryIn, Snooze
from penstock.core.errors import InvalidInput, LeaseLost, OutputError
from penstock.core.leases import Retry as RetryOutcome
from penstock.core.retry import Retry
from penstock.core.run import Cause, Run
from penstock.core.state import State
from penstock.engine.handler import Attempt
from tests.engine.support import TestHandler, enqueue, new_store, read, until_finished, worker_of
from tests.engine.virtual import now, passes, virtual


class SlowDownError(Exception):
    """An error of somebody's."""


def raising(*errors: BaseException | None, starts: list[float] | None = None) -> Callable[[Attempt], Any]:
    """A body that raises these in turn, the last one ever after; None: it returns."""
    calls = 0

    async def body(attempt: Attempt) -> bytes:
        nonlocal calls
        error = errors[min(calls, len(errors) - 1)]
        calls += 1
        if starts is not None:
            starts.append(now())
        if error is not None:
            raise error
        return b"1"

    return body


async def outcome_of(handler: TestHandler, **fields: Any) -> Run:
    store = new_store()
    run_ids = await enqueue(store, **fields)
    async with worker_of(store, handler):
        (run,) = await until_finished(store, run_ids)
    assert await store.check() == []
    return run


def error_of(run: Run) -> error_record.ErrorRecord:
    assert run.error is not None
    return error_record.decode(run.error)


@virtual
async def test_an_error_is_tried_again_until_attempts_are_used_up() -> None:
    """B-060, for handlers on the loop."""
    run = await outcome_of(TestHandler(raising(ValueError("no"))))
    assert (run.state, run.failures, run.claims, run.cause) == (State.FAILED, 3, 3, Cause.ERROR)
    assert (error_of(run).type, error_of(run).message) == ("ValueError", "no")
    assert "in body" in error_of(run).traceback


@virtual
async def test_a_later_attempt_may_succeed() -> None:
    run = await outcome_of(TestHandler(raising(ValueError(), None)))
    assert (run.state, run.failures, run.claims) == (State.SUCCEEDED, 1, 2)


@pytest.mark.parametrize(
    ("policy", "gaps"),
    [
        (Retry(4, delay=2, backoff="fixed", jitter=0), [2, 2, 2]),
        (Retry(4, delay=2, jitter=0), [2, 4, 8]),
        (Retry(4, delay=2, cap=5, jitter=0), [2, 4, 5]),
    ],
)
def test_gaps_between_attempts_follow_the_curve(policy: Retry, gaps: list[float]) -> None:
    """B-096: fixed and exponential backoff (the k-th delay = d, d * 2^(k-1)). Jitter is tested with the policy."""

    @virtual
    async def test() -> None:
        starts: list[float] = []
        await outcome_of(TestHandler(raising(ValueError(), starts=starts), policy=policy))
        found = [later - earlier for earlier, later in pairwise(starts)]
        assert found == pytest.approx(gaps, abs=0.05)

    test()


@virtual
async def test_a_backoff_of_ones_own_decides() -> None:
    """B-097: custom strategy, async, by error class; -1, then fail now; 0, then immediate."""

    async def backoff(attempt: int, error: BaseException) -> float:
        await asyncio.sleep(0.001)
        match error:
            case SlowDownError():
                return 30
            case OSError():
                return 0
            case _:
                return -1

    starts: list[float] = []
    errors = (SlowDownError(), OSError(), ValueError())
    run = await outcome_of(TestHandler(raising(*errors, starts=starts), policy=Retry(10, backoff=backoff)))
    assert run.failures == 3
    assert starts[1] - starts[0] == pytest.approx(30, abs=0.1)
    assert starts[2] - starts[1] < 0.1


@virtual
async def test_a_backoff_that_fails_fails_the_run_and_both_errors_are_kept() -> None:
    def backoff(attempt: int, error: BaseException) -> float:
        raise ZeroDivisionError("oops")

    run = await outcome_of(TestHandler(raising(ValueError("first")), policy=Retry(5, backoff=backoff)))
    assert (run.failures, error_of(run).type) == (1, "ZeroDivisionError")
    assert [cause.message for cause in error_of(run).causes] == ["first"]


@virtual
async def test_a_retry_at_once_goes_behind_those_that_wait() -> None:
    """B-098: retry without backoff goes behind already waiting jobs of its class; with priority, its class."""
    store, order = new_store(), list[str]()

    async def work(attempt: Attempt) -> bytes:
        order.append(attempt.claim.input.decode())
        if attempt.claim.input == b"bad" and attempt.claim.attempt < 3:
            raise ValueError
        return b"1"

    run_ids = [(await enqueue(store, input=name.encode()))[0] for name in ("bad", "a", "b")]
    run_ids += await enqueue(store, input=b"high", priority=5)
    policy = Retry(3, backoff=lambda _attempt, _error: 0)
    async with worker_of(store, TestHandler(work, policy=policy), concurrency=1):
        await until_finished(store, run_ids)
    assert order == ["high", "bad", "a", "b", "bad", "bad"]


@virtual
async def test_never_ends_the_run_at_the_first_attempt() -> None:
    """B-099: Unrecoverable at attempt 1 of 5: failed, no more runs."""
    run = await outcome_of(TestHandler(raising(Never("bad address")), policy=Retry(5)))
    assert (run.state, run.failures) == (State.FAILED, 1)
    assert error_of(run).message == "bad address"


@pytest.mark.parametrize("error", [InvalidInput("to", 1, "a text"), OutputError("a lambda"), SystemExit(1)])
def test_what_would_fail_again_is_not_tried_again(error: BaseException) -> None:
    run = virtual_outcome(TestHandler(raising(error), policy=Retry(5)))
    assert (run.state, run.failures) == (State.FAILED, 1)


@pytest.mark.parametrize(
    ("policy", "failures"),
    [
        (Retry(3, on=OSError), 1),
        (Retry(3, on=(OSError, ValueError)), 3),
        (Retry(3, never=ValueError), 1),
    ],
)
def test_the_policy_chooses_by_class(policy: Retry, failures: int) -> None:
    assert virtual_outcome(TestHandler(raising(ValueError()), policy=policy)).failures == failures


def virtual_outcome(handler: TestHandler) -> Run:
    found: list[Run] = []

    @virtual
    async def test() -> None:
        found.append(await outcome_of(handler))

    test()
    return found[0]


@virtual
async def test_retry_in_says_exactly_when_and_uses_an_attempt() -> None:
    starts: list[float] = []
    handler = TestHandler(raising(RetryIn("45s", "told so"), starts=starts), policy=Retry(2))
    run = await outcome_of(handler)
    assert starts[1] - starts[0] == pytest.approx(45, abs=0.1)
    assert (run.state, run.failures) == (State.FAILED, 2)


@virtual
async def test_snooze_uses_no_attempt() -> None:
    """B-100: a job that moves itself to delayed: attemptsMade unchanged, attemptsStarted +1. Raised or returned."""
    seen: list[tuple[int, int]] = []

    async def work(attempt: Attempt) -> bytes | RetryOutcome:
        seen.append((attempt.claim.attempt, attempt.claim.claims))
        if attempt.claim.claims == 1:
            raise Snooze("10m", "not yet")
        return RetryOutcome(lease=attempt.lease, delay=60) if attempt.claim.claims == 2 else b"1"

    store = new_store()
    since = now()
    run_ids = await enqueue(store)
    async with worker_of(store, TestHandler(work, policy=Retry(1))):
        (run,) = await until_finished(store, run_ids)
    assert seen == [(1, 1), (1, 2), (1, 3)]
    assert (run.state, run.failures, run.releases) == (State.SUCCEEDED, 0, 2)
    assert now() - since == pytest.approx(660, abs=1)
    (line,) = [entry for entry in await store.log(run_ids[0]) if entry.kind == "snooze"]
    assert msgspec.json.decode(line.data) == {"delay": 600.0, "reason": "not yet"}


@virtual
async def test_a_run_that_always_snoozes_is_bounded() -> None:
    """B-100: maxStartedAttempts bounds it. Ours: 1 000 claims without any progress."""
    run = await outcome_of(TestHandler(raising(Snooze(0)), policy=Retry(1)))
    assert (run.state, run.cause, run.claims) == (State.FAILED, Cause.LOOP, 1000)


@virtual
async def test_a_cancelled_error_nobody_asked_for_is_a_failure() -> None:
    run = await outcome_of(TestHandler(raising(asyncio.CancelledError())))
    assert (run.state, run.failures, run.cause) == (State.FAILED, 3, Cause.ERROR)
    assert error_of(run).type.endswith("CancelledError")


@virtual
async def test_an_attempt_is_stopped_at_its_timeout() -> None:
    store, ended = new_store(), list[float]()

    async def hang(attempt: Attempt) -> bytes:
        since = now()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(now() - since)
        return b"1"

    run_ids = await enqueue(store)
    async with worker_of(store, TestHandler(hang, seconds=5, policy=Retry(2, delay=1, jitter=0))):
        (run,) = await until_finished(store, run_ids)
    assert ended == pytest.approx([5, 5], abs=0.1)
    assert (run.state, run.failures) == (State.FAILED, 2)
    assert error_of(run).type == "penstock.Timeout"
    assert "in hang" in error_of(run).traceback, "it says where it hung"


@virtual
async def test_what_comes_after_the_timeout_is_too_late() -> None:
    async def swallow(attempt: Attempt) -> bytes:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return b"late"
        return b"1"

    run = await outcome_of(TestHandler(swallow, seconds=5, policy=Retry(1)))
    assert (run.state, run.result) == (State.FAILED, None)


@virtual
async def test_a_handler_that_never_ends_is_settled_without_and_keeps_its_slot() -> None:
    store, free = new_store(), asyncio.Event()

    async def deaf(attempt: Attempt) -> bytes:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
        return b"late"

    run_ids = await enqueue(store)
    async with worker_of(store, TestHandler(deaf, seconds=5, policy=Retry(1)), concurrency=1) as worker:
        (run,) = await until_finished(store, run_ids)
        assert (run.state, error_of(run).type) == (State.FAILED, "penstock.Timeout")
        assert (worker.health().running, worker.health().stuck) == (1, 1)
        (waiting,) = await enqueue(store)
        await passes(60)
        assert (await read(store, waiting)).state is State.QUEUED
        free.set()
        (run,) = await until_finished(store, [waiting])
        assert run.state is State.SUCCEEDED
        assert worker.health().stuck == 0
    assert (await read(store, run_ids[0])).result is None


@virtual
async def test_a_lost_lease_ends_the_attempt_without_a_word() -> None:
    store, calls = new_store(), 0

    async def work(attempt: Attempt) -> bytes:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise LeaseLost(attempt.claim.run_id)
        return b"1"

    run_ids = await enqueue(store)
    async with worker_of(store, TestHandler(work)):
        (run,) = await until_finished(store, run_ids)  # rescued when the lease ran out
    assert (run.state, run.failures, run.crashes, run.claims) == (State.SUCCEEDED, 0, 1, 2)


@virtual
async def test_options_that_can_not_be_read_harm_no_other_run() -> None:
    class Odd(TestHandler):
        def timeout(self, claim: Any) -> float | None:
            if claim.options == b"odd":
                raise ValueError("unreadable")
            return None

    store = new_store()
    (odd,) = await enqueue(store, options=b"odd")
    good = await enqueue(store, 5)
    async with worker_of(store, Odd()):
        await until_finished(store, [odd, *good])
    assert (await read(store, odd)).state is State.FAILED
    assert {(await read(store, run_id)).state for run_id in good} == {State.SUCCEEDED}
