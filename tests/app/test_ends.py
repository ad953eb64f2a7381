"""How a run that no code ended is told of: to waiters, in its status, to its failure handler."""

from typing import Any

import pytest

from penstock import App, Failure, KeyConflict, Retry, RunCancelled, RunFailed
from penstock.app import endings, refusals
from penstock.core.answers import Answer, Refused
from penstock.core.errors import (
    Cascading,
    Duplicate,
    Invalid,
    LeaseLost,
    NotFound,
    PayloadTooLarge,
    PenstockError,
    WrongState,
)
from penstock.core.run import Cause, Key, NewRun, Run
from penstock.core.state import State
from penstock.testing import Rehearsal


def ended(state: State, **fields: Any) -> Run:
    values: dict[str, Any] = {
        "id": "r",
        "task": "t",
        "queue": "q",
        "version": "",
        "state": state,
        "life": 1,
        "history": 0,
        "input": b"{}",
        "options": b"",
        "priority": 0,
        "enqueued_at": 0.0,
        "since_at": 0.0,
        **fields,
    }
    return Run(**values)


@pytest.mark.parametrize(
    ("cause", "kind", "words"),
    [
        (Cause.CRASHED, "penstock.Crashed", "lost its worker 3 times"),
        (Cause.EXPIRED, "penstock.Expired", "before it expired"),
        (Cause.DEADLINE, "penstock.DeadlineExceeded", "before its deadline"),
        (Cause.LOOP, "penstock.PenstockError", "1,000 times"),
        (Cause.ABANDONED, "penstock.PenstockError", "never closed"),
        (Cause.CHILD, "penstock.PenstockError", "without a word"),
    ],
)
def test_an_end_by_the_store_is_told_by_its_cause(cause: Cause, kind: str, words: str) -> None:
    with pytest.raises(RunFailed, match=words) as failed:
        endings.result_of(ended(State.FAILED, cause=cause, crashes=3), None, None)
    assert failed.value.error_type == kind


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"reason": "by hand", "cause": Cause.CANCEL}, "by hand"),
        ({"cause": Cause.LIMIT}, "limit"),
        ({"cause": Cause.PARENT}, "its parent"),
        ({"cause": Cause.ABANDONED}, "never closed"),
    ],
)
def test_a_cancel_says_who_asked_for_it(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(RunCancelled, match=reason):
        endings.result_of(ended(State.CANCELLED, **fields), None, None)
    with pytest.raises(RunCancelled) as silent:
        endings.result_of(ended(State.CANCELLED, cause=Cause.CANCEL), None, None)
    assert silent.value.reason is None


def test_an_error_that_nobody_can_read_is_shown_as_it_is() -> None:
    with pytest.raises(RunFailed, match="not json"):
        endings.result_of(ended(State.FAILED, cause=Cause.ERROR, error=b"not json"), None, None)


async def test_what_was_raised_before_the_deadline_is_kept_with_its_attempt(rehearsed: App, stage: Rehearsal) -> None:
    heard: list[Failure] = []

    @rehearsed.task
    async def report(failure: Failure) -> None:
        heard.append(failure)

    @rehearsed.task(deadline="1m", retry=Retry(9, delay="2m", jitter=0), on_failure=report)
    async def task() -> None:
        raise OSError("the reason")

    run = await task.enqueue()
    await stage.advance("5m")
    with pytest.raises(RunFailed, match="DeadlineExceeded"):
        await run.result()
    error = (await run.status()).error
    assert error is not None
    assert heard[0].error == error
    assert [one.error.message for one in await run.attempts() if one.error] == ["the reason"]


async def test_a_handler_for_failures_hears_of_a_crash(rehearsed: App, stage: Rehearsal) -> None:
    """B-116, B-123."""
    heard: list[Failure] = []

    @rehearsed.task
    async def report(failure: Failure) -> None:
        heard.append(failure)

    @rehearsed.task(queue="q", crashes=2, on_failure=report)
    async def task() -> None: ...

    run = await task.enqueue()
    for _ in range(2):
        await rehearsed.claim("q", lease=5)  # and never heard of again
        stage._now += 10
        await rehearsed.reconcile()
    await stage.drain()
    with pytest.raises(RunFailed, match="lost its worker 2 times"):
        await run.result()
    assert (heard[0].error.type, heard[0].run_id) == ("penstock.Crashed", run.id)
    assert "lost its worker" in heard[0].error.message


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer.KEY_CONFLICT, KeyConflict),
        (Answer.CASCADING, Cascading),
        (Answer.NOT_FOUND, NotFound),
        (Answer.LOST, LeaseLost),
        (Answer.BIG, PayloadTooLarge),
        (Answer.INVALID, Invalid),
        (Answer.DEEP, Invalid),
        (Answer.HELD, Invalid),
    ],
)
def test_each_refusal_of_a_group_has_its_error(answer: Answer, kind: type[PenstockError]) -> None:
    new = NewRun(id="r", task="t", key=Key(key="k", input_hash=b""))
    error = refusals.refused(new, Refused(answer=answer, run_id="other", detail="the detail"), parameter="calls[3]")
    assert type(error) is kind
    if kind is Invalid:
        assert "calls[3]" in str(error)
        assert "the detail" in str(error)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer.NOT_FOUND, NotFound),
        (Answer.CASCADING, Cascading),
        (Answer.KEY_CONFLICT, Duplicate),
        (Answer.RUNNING, WrongState),
        (Answer.FINISHED, WrongState),
        (Answer.BIG, WrongState),
        (Answer.STATE, WrongState),
    ],
)
def test_each_refusal_of_an_operation_has_its_error(answer: Answer, kind: type[PenstockError]) -> None:
    with pytest.raises(kind, match="r"):
        refusals.raise_for(answer, "r", "remove")
    refusals.raise_for(Answer.OK, "r", "remove")
