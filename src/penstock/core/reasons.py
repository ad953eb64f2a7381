"""Why a run that is not finished stands where it stands, from what a store has found about it. Moves nothing."""

from collections.abc import Sequence
from typing import TypeAlias

from penstock.core.leases import Ability
from penstock.core.record import Record
from penstock.core.registry import WorkerInfo
from penstock.core.run import Run
from penstock.core.state import State
from penstock.core.views import Why

Reason: TypeAlias = tuple[str, tuple[str, ...], float | None]  # the word, what it names, and when it ends by itself


class Facts(Record, frozen=True, kw_only=True):
    """What the run itself does not tell."""

    queue_paused: bool
    task_paused: bool
    key_paused: tuple[str, str] | None  # limit and key of its line, if that is paused
    line: tuple[str, str] | None  # limit and key in whose line it is parked
    is_rate: bool  # that limit is one
    due_at: float | None  # when that rate has room again
    behind: bool  # others of its value go before it
    pending: tuple[str, ...]  # the first children for which it waits
    before: str | None  # the run whose end it waits for, with its key


def why(run: Run, facts: Facts, workers: Sequence[WorkerInfo]) -> Why:
    """The reason, and what it names."""
    match run.state:
        case State.RUNNING:
            word = "ending" if run.ending is not None else "running"
            reason: Reason = word, (run.worker or "",), run.lease_expires_at
        case State.SCHEDULED:
            reason = "due", (), run.due_at
        case State.WAITING:
            reason = _waiting(run, facts)
        case _:
            reason = _queued(run, facts, workers)
    word, detail, until = reason
    return Why(run=run, reason=word, since_at=run.since_at, detail=detail, until_at=until)


def _waiting(run: Run, facts: Facts) -> Reason:
    if run.open:
        return "open", (run.root_id or run.id,), None
    if run.blocked_by is not None:
        return "blocked", (run.blocked_by,), None
    if facts.before is not None:
        return "unique", (facts.before,), None
    wake = run.wake
    if run.returned or wake is None or wake.idle:
        return "children", facts.pending, wake.at if wake else None
    if wake.signals:
        return "signal", tuple(sorted(wake.signals)), wake.at
    if wake.of or wake.finishes is not None:
        return "children", tuple(run_id for ids, _ in wake.of for run_id in ids)[:10], wake.at
    return "moment", (), wake.at


def _queued(run: Run, facts: Facts, workers: Sequence[WorkerInfo]) -> Reason:
    if run.ending is not None:
        return "ending", (run.ending.value,), None
    if facts.queue_paused:
        return "pause", ("queue", run.queue), None
    if facts.task_paused:
        return "pause", ("task", run.task), None
    if facts.key_paused is not None:
        return "pause", ("limit", *facts.key_paused), None
    if facts.line is not None:
        return ("rate" if facts.is_rate else "limit"), facts.line, facts.due_at
    if facts.behind:
        return "fair", (run.fair or "",), None
    if any(run.queue in one.queues and any(_fits(able, run) for able in one.abilities) for one in workers):
        return "ready", (), None
    return ("mismatch" if run.refused else "no_worker"), (run.task, run.version), None


def _fits(ability: Ability, run: Run) -> bool:
    return ability.task == run.task and run.version in ("", ability.version) and ability.fingerprint not in run.refused
