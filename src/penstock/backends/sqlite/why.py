"""Why a run that is not finished stands where it stands, from what why.sql found. Moves nothing."""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from penstock.backends.sqlite.decode import Stored
from penstock.backends.sqlite.moments import seconds
from penstock.core.leases import Ability
from penstock.core.registry import WorkerInfo
from penstock.core.run import Run
from penstock.core.state import State
from penstock.core.views import Why

Reason: TypeAlias = tuple[str, tuple[str, ...], float | None]


def why(run: Run, facts: Stored, workers: Sequence[WorkerInfo]) -> Why:
    """The reason, and what it names."""
    match run.state:
        case State.RUNNING:
            word = "ending" if run.ending is not None else "running"
            reason: Reason = word, (run.worker or "",), run.lease_expires_at
        case State.SCHEDULED:
            reason = "due", (), run.due_at
        case State.WAITING:
            reason = _waiting(run, msgspec.json.decode(facts[8], type=tuple[str, ...]), facts[10])
        case _:
            reason = _queued(run, facts, workers)
    word, detail, until = reason
    return Why(run=run, reason=word, since_at=run.since_at, detail=detail, until_at=until)


def _waiting(run: Run, pending: tuple[str, ...], before: str | None) -> Reason:
    if run.open:
        return "open", (run.root_id or run.id,), None
    if run.blocked_by is not None:
        return "blocked", (run.blocked_by,), None
    if before is not None:
        return "unique", (before,), None
    wake = run.wake
    if run.returned or wake is None or wake.idle:
        return "children", pending, wake.at if wake else None
    if wake.signals:
        return "signal", tuple(sorted(wake.signals)), wake.at
    if wake.of or wake.finishes is not None:
        return "children", tuple(run_id for ids, _ in wake.of for run_id in ids)[:10], wake.at
    return "moment", (), wake.at


def _queued(run: Run, facts: Stored, workers: Sequence[WorkerInfo]) -> Reason:
    _, place, name, key, rate, queue_paused, task_paused, due_at, _, fair, _, key_paused = facts
    if run.ending is not None:
        return "ending", (run.ending.value,), None
    if queue_paused:
        return "pause", ("queue", run.queue), None
    if task_paused:
        return "pause", ("task", run.task), None
    if key_paused:
        return "pause", ("limit", name, key), None
    if place == "line":
        return ("rate" if rate else "limit"), (name, key), seconds(due_at)
    if fair is not None:
        return "fair", (fair,), None
    if any(run.queue in one.queues and any(_fits(able, run) for able in one.abilities) for one in workers):
        return "ready", (), None
    return ("mismatch" if run.refused else "no_worker"), (run.task, run.version), None


def _fits(ability: Ability, run: Run) -> bool:
    return ability.task == run.task and run.version in ("", ability.version) and ability.fingerprint not in run.refused
