"""Rows as records of the contract. A result comes as one row: a list as JSON, and all payloads one after the other."""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import msgspec

from penstock.backends.sqlite.moments import seconds
from penstock.core.leases import Claim, Lease, Step
from penstock.core.limits import LimitRef
from penstock.core.policy import IfFails
from penstock.core.run import About, Cause, Keep, Kind, Run, Siblings
from penstock.core.state import State
from penstock.core.wake import Wake

Stored: TypeAlias = tuple[Any, ...]  # a row, as SQLite gives it

Calls: TypeAlias = tuple[tuple[tuple[str, ...], int], ...]


class _Payloads:
    """Cuts the payloads of a result apart, in order."""

    def __init__(self, joined: bytes | None) -> None:
        self._joined = joined or b""
        self._at = 0

    def next(self, length: int) -> bytes:
        start = self._at
        self._at = start + length
        return self._joined[start : self._at]


class _WakeRow(msgspec.Struct, array_like=True):
    """A wake, as _run.sql has it."""

    at: int | None
    delay: int | None
    idle: int
    finishes: int | None
    early: int | None
    calls: Calls
    signals: dict[str, int]


class _RunRow(msgspec.Struct, array_like=True):
    """A run, as _run.sql has it."""

    id: str
    task: str
    queue: str
    version: str
    state: State
    life: int
    history: int
    input: int
    options: int
    result: int | None
    error: int | None
    priority: int
    enqueued_at: int
    since_at: int
    alarm_at: int | None
    started_at: int | None
    expires_at: int | None
    deadline_at: int | None
    claims: int
    failures: int
    crashes: int
    releases: int
    max_crashes: int
    worker: str | None
    key: str | None
    parent_id: str | None
    root_id: str | None
    kind: Kind | None
    if_fails: IfFails | None
    name: str | None
    siblings: Siblings
    pending: int
    finishes: int
    early: int
    counted: int
    wake: _WakeRow | None
    returned: int
    blocked_by: str | None
    open: int
    ending: State | None
    rollbacks: int
    cause: Cause | None
    cause_id: str | None
    reason: str | None
    limits: tuple[tuple[str, str], ...] | None
    tags: tuple[str, ...] | None
    keep_succeeded: int
    keep_failed: int
    newest: int
    dead_letter: str | None
    refused: str
    schedule: str | None
    nominal_at: int | None
    fair: str | None
    weight: int | None


_RUNS: Final = msgspec.json.Decoder(list[tuple[int, _RunRow]])


def runs(found: Stored) -> list[tuple[int, Run]]:
    """The runs of a result, each with its mark."""
    payloads = _Payloads(found[1])
    return [(mark, _run(row, payloads)) for mark, row in _RUNS.decode(found[0])]


def _run(row: _RunRow, payloads: _Payloads) -> Run:
    state = row.state
    return Run(
        id=row.id,
        task=row.task,
        queue=row.queue,
        version=row.version,
        state=state,
        life=row.life,
        history=row.history,
        input=payloads.next(row.input),
        options=payloads.next(row.options),
        result=None if row.result is None else payloads.next(row.result),
        error=None if row.error is None else payloads.next(row.error),
        priority=row.priority,
        enqueued_at=row.enqueued_at / 1e6,
        since_at=row.since_at / 1e6,
        due_at=seconds(row.alarm_at) if state is State.SCHEDULED else None,
        started_at=seconds(row.started_at),
        finished_at=row.since_at / 1e6 if state.finished else None,
        expires_at=seconds(row.expires_at),
        deadline_at=seconds(row.deadline_at),
        claims=row.claims,
        failures=row.failures,
        crashes=row.crashes,
        releases=row.releases,
        max_crashes=row.max_crashes,
        worker=row.worker,
        lease_expires_at=seconds(row.alarm_at) if state is State.RUNNING else None,
        key=row.key,
        parent_id=row.parent_id,
        root_id=row.root_id,
        kind=row.kind,
        if_fails=row.if_fails,
        name=row.name or "",
        siblings=row.siblings,
        pending=row.pending,
        finishes=row.finishes,
        early=row.early,
        counted=bool(row.counted),
        wake=None if row.wake is None else _wake(row.wake),
        returned=bool(row.returned),
        blocked_by=row.blocked_by,
        open=bool(row.open),
        ending=row.ending,
        rollbacks=bool(row.rollbacks),
        cause=row.cause,
        cause_id=row.cause_id,
        reason=row.reason,
        limits=tuple(LimitRef(name=name, key=key) for name, key in row.limits or ()),
        fair=row.fair,
        weight=row.weight or 1,
        tags=row.tags or (),
        keep=Keep(succeeded=row.keep_succeeded / 1e6, failed=row.keep_failed / 1e6, newest=row.newest),
        dead_letter=row.dead_letter,
        refused=tuple(row.refused.split("\n")) if row.refused else (),
        schedule=row.schedule,
        nominal_at=seconds(row.nominal_at),
    )


def _wake(row: _WakeRow) -> Wake:
    return Wake(
        at=seconds(row.at),
        delay=seconds(row.delay),
        idle=bool(row.idle),
        finishes=row.finishes,
        of=row.calls,
        early=row.early,
        signals=row.signals,
    )


class _AboutRow(msgspec.Struct, array_like=True):
    """What a follow-up run is about, as _claimed.sql has it."""

    run_id: str
    life: int
    task: str
    state: State
    attempts: int
    cause: Cause | None
    cause_id: str | None
    error: str
    result: str
    no_error: int
    no_result: int


class _ClaimRow(msgspec.Struct, array_like=True):
    """A claimed run, as _claimed.sql has it."""

    id: str
    fence: int
    task: str
    queue: str
    version: str
    input: int
    options: int
    failures: int
    life: int
    history: int
    claims: int
    crashes: int
    last_chance: int
    enqueued_at: int
    started_at: int
    priority: int
    deadline_at: int | None
    key: str | None
    parent_id: str | None
    root_id: str | None
    tags: tuple[str, ...] | None
    pending: int
    finishes: int
    early: int
    signals: dict[str, int] | None
    ending: State | None
    reason: str | None
    about: _AboutRow | None
    schedule: str | None
    nominal_at: int | None
    recorded: int


_CLAIMS: Final = msgspec.json.Decoder(list[_ClaimRow])


def claims(found: Stored, token: str) -> tuple[Claim, ...]:
    """The claims of a result."""
    payloads = _Payloads(found[1])
    return tuple(_claim(row, payloads, token) for row in _CLAIMS.decode(found[0]))


def _claim(row: _ClaimRow, payloads: _Payloads, token: str) -> Claim:
    return Claim(
        lease=Lease(run_id=row.id, token=token),
        fence=row.fence,
        run_id=row.id,
        task=row.task,
        queue=row.queue,
        version=row.version,
        input=payloads.next(row.input),
        options=payloads.next(row.options),
        attempt=row.failures + 1,
        life=row.life,
        history=row.history,
        claims=row.claims,
        crashes=row.crashes,
        last_chance=bool(row.last_chance),
        enqueued_at=row.enqueued_at / 1e6,
        started_at=row.started_at / 1e6,
        priority=row.priority,
        deadline_at=seconds(row.deadline_at),
        key=row.key,
        parent_id=row.parent_id,
        root_id=row.root_id,
        tags=row.tags or (),
        pending=row.pending,
        finishes=row.finishes,
        early=row.early,
        signals=row.signals or {},
        ending=row.ending,
        reason=row.reason,
        about=None if row.about is None else _about(row.about),
        schedule=row.schedule,
        nominal_at=seconds(row.nominal_at),
        recorded=bool(row.recorded),
    )


def _about(row: _AboutRow) -> About:
    return About(
        run_id=row.run_id,
        life=row.life,
        task=row.task,
        state=row.state,
        attempts=row.attempts,
        cause=row.cause,
        cause_id=row.cause_id,
        error=None if row.no_error else bytes.fromhex(row.error),
        result=None if row.no_result else bytes.fromhex(row.result),
    )


def step(row: Stored) -> Step:
    """A recorded step, as steps.sql has it."""
    path, scope, position, seen, kind, value, error, input_hash, child_id, signal, signal_seq, recorded_at = row
    return Step(
        path=path,
        scope=scope,
        position=position,
        seen=seen,
        kind=kind,
        value=value,
        error=error,
        input_hash=input_hash,
        child_id=child_id,
        signal=signal,
        signal_seq=signal_seq,
        recorded_at=recorded_at / 1e6,
    )


def each(read: Callable[..., Any], rows: Iterable[Stored]) -> list[Any]:
    """The rows, each taken apart."""
    return [read(*row) for row in rows]
