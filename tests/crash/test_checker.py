"""The checker's own exam: each thing that must never happen is planted in what it reads, and it says so."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pytest
from msgspec.structs import replace

from penstock.core.run import Cause, Run
from penstock.core.state import State
from tests.crash.checker import check
from tests.crash.oracle import Event
from tests.crash.work import Plan, plan_of, result_of

NUMBER = next(number for number in range(1000) if plan_of(number) is Plan.QUICK)
WORKER, ZOMBIE, PRODUCER = 1, 2, 3
Story: TypeAlias = tuple[list[Event], dict[str, Run | None]]


def events(*lines: tuple[int, str, dict[str, Any]]) -> list[Event]:
    return [Event(at=float(at), pid=pid, kind=kind, **named) for at, (pid, kind, named) in enumerate(lines)]


def run(**named: Any) -> Run:
    """The run as it stands in a good store."""
    plain: dict[str, Any] = {
        "id": "r",
        "task": "work",
        "queue": "work",
        "version": "",
        "state": State.SUCCEEDED,
        "life": 1,
        "history": 0,
        "input": b"",
        "options": b"",
        "priority": 0,
        "enqueued_at": 0.0,
        "since_at": 0.0,
        "claims": 2,
        "crashes": 1,
        "result": str(result_of(NUMBER)).encode(),
    }
    return Run(**{**plain, **named})


def story(**named: Any) -> Story:
    """A run whose first worker stood still, lost it, and was refused; the second has completed it."""
    told = {"run": "r", "number": NUMBER}
    first, second = {"run": "r", "token": "a"}, {"run": "r", "token": "b"}
    return events(
        (PRODUCER, "trying", told),
        (PRODUCER, "told", {**told, "answer": "created"}),
        (ZOMBIE, "claimed", {**first, "fence": 1}),
        (ZOMBIE, "started", {**told, "fence": 1}),
        (WORKER, "claimed", {**second, "fence": 2}),
        (WORKER, "started", {**told, "fence": 2}),
        (WORKER, "effect", {**told, "fence": 2}),
        (ZOMBIE, "settling", {**first, "detail": "Complete"}),
        (ZOMBIE, "settled", {**first, "answer": "lost", "detail": "Complete"}),
        (WORKER, "settling", {**second, "detail": "Complete"}),
        (WORKER, "settled", {**second, "answer": "ok", "detail": "Complete"}),
        (9, "seen", {"run": "r", "answer": "succeeded"}),
    ), {"r": run(**named)}


def verdict(told: Story) -> list[str]:
    return check(*told, dead=set(), stopped={ZOMBIE}).wrong


def with_events(change: Callable[[Event], Event | None], more: Sequence[Event] = ()) -> Story:
    lines, runs = story()
    changed = [found for event in lines if (found := change(event)) is not None]
    return [*changed, *more], runs


def late(kind: str, **named: Any) -> Event:
    plain: dict[str, Any] = {"at": 100.0, "pid": PRODUCER, "run": "r", "number": NUMBER}
    return Event(kind=kind, **{**plain, **named})


def taken(event: Event) -> Event:
    """The zombie's late write is taken."""
    return replace(event, answer="ok") if event.pid == ZOMBIE and event.kind == "settled" else event


PLANTED: dict[str, Story] = {
    "gone": (story()[0], {"r": None}),
    "stranded": story(state=State.RUNNING, result=None, worker="w", claims=2),
    "it had to be succeeded": story(state=State.FAILED, cause=Cause.CRASHED, result=None),
    "has the result": story(result=b"0"),
    "failures instead of": story(failures=1, claims=3),
    "claims are not": story(claims=3),
    "nobody asked for it": story(state=State.CANCELLED, result=None),
    "its cancel was acknowledged": with_events(
        lambda event: event, [late("cancelling"), late("cancelled", answer="yes")]
    ),
    "a late Complete was taken": with_events(taken),
    "was ended under 2 leases": with_events(taken),
    "is 2 runs": with_events(lambda event: event, [late("told", run="other", answer="created")]),
    "was created 2 times": with_events(lambda event: event, [late("told", answer="created")]),
    "began 3 times": with_events(lambda event: event, [late("started", fence=2)]),
    "without its effect": with_events(lambda event: None if event.kind == "effect" else event),
    "claimed again": with_events(lambda event: event, [late("claimed", pid=WORKER, token="c", fence=3)]),
    "later it was": with_events(lambda event: event, [late("changed", answer="failed", detail="succeeded")]),
}


def test_a_good_story_is_believed() -> None:
    assert verdict(story()) == []


@pytest.mark.parametrize("planted", PLANTED)
def test_what_must_never_happen_is_found(planted: str) -> None:
    assert [wrong for wrong in verdict(PLANTED[planted]) if planted in wrong] != []


def test_leases_that_are_lost_without_a_fault_are_found() -> None:
    lines, runs = story()
    lost = [late("claimed", pid=WORKER, run="r", token=f"lost{fence}", fence=-fence) for fence in range(1, 6)]
    assert [wrong for wrong in verdict(([*lines, *lost], runs)) if "lost 5 leases" in wrong] != []
