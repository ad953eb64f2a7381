"""How a run stands, in the words of its callers: values as plain data, moments in unix seconds. Records only."""

from typing import Any

import msgspec

from penstock.app.endings import error_of
from penstock.core.codec import Codec
from penstock.core.error_record import ErrorRecord
from penstock.core.run import Run
from penstock.core.state import State
from penstock.core.views import LogEntry
from penstock.models.ends import decoded


class Status(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run as it stood when asked."""

    id: str
    task: str
    queue: str
    state: State
    priority: int
    attempts: int  # those that failed, and the present one or the one that succeeded
    failures: int  # attempts that raised
    crashes: int
    releases: int
    life: int  # one more with each redrive
    enqueued_at: float
    since_at: float  # in this state since
    input: Any  # the arguments by name, as JSON has them
    result: Any = None
    error: ErrorRecord | None = None  # why it failed; `Run.attempts` has those of earlier attempts
    due_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    expires_at: float | None = None
    deadline_at: float | None = None
    worker: str | None = None
    key: str | None = None
    tags: tuple[str, ...] = ()
    reason: str | None = None  # given with a cancel
    cause: str | None = None  # why it failed or was cancelled
    parent_id: str | None = None
    dead_letter: str | None = None  # the list on which it stands, or would stand once it has failed for good
    ending: State | None = None  # asked to end so


class Attempted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt that failed, or was lost with its worker (then it has no error)."""

    number: int
    ended_at: float
    started_at: float | None = None
    worker: str | None = None
    error: ErrorRecord | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a run's log. `seq` grows in the order of events: pass the last one seen as `after`."""

    seq: int
    at: float
    kind: str  # "enqueued", "claimed", "attempt", "crash", "release", "step", "progress", "log", "redriven", "finished"
    data: Any = None
    attempt: int = 0
    worker: str | None = None


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an unfinished run stands where it stands."""

    reason: str  # "due", "limit", "pause", "children", "no_worker", "ready", "running", ...
    since_at: float
    detail: tuple[str, ...] = ()
    until_at: float | None = None  # where the reason ends by itself


def status_of(run: Run, codec: Codec) -> Status:
    """The run, its values decoded as far as this app's codec can."""
    begun = run.failures + (run.state in {State.RUNNING, State.SUCCEEDED} or run.returned)
    return Status(
        id=run.id,
        task=run.task,
        queue=run.queue,
        state=run.state,
        priority=run.priority,
        attempts=begun,
        failures=run.failures,
        crashes=run.crashes,
        releases=run.releases,
        life=run.life,
        enqueued_at=run.enqueued_at,
        since_at=run.since_at,
        input=read(run.input, codec),
        result=None if run.result is None else read(run.result, codec),
        error=error_of(run),
        due_at=run.due_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        expires_at=run.expires_at,
        deadline_at=run.deadline_at,
        worker=run.worker,
        key=run.key,
        tags=run.tags,
        reason=run.reason,
        cause=run.cause,
        parent_id=run.parent_id,
        dead_letter=run.dead_letter,
        ending=run.ending,
    )


def read(data: bytes, codec: Codec) -> Any:
    """The value as JSON has it; a text that says so if this app's codec can't read it."""
    try:
        return plain(codec.decode(data))
    except Exception as error:  # noqa: BLE001 (code of others; whoever lists runs wants to see the others)
        return f"(not readable here: {type(error).__name__}: {error})"


def plain(data: bytes) -> Any:
    """The value as JSON has it; text for what is none."""
    if not data:
        return None
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return data.decode(errors="replace")


def line_of(entry: LogEntry) -> Line:
    """The entry, its data decoded."""
    return Line(
        seq=entry.seq,
        at=entry.at,
        kind=entry.kind,
        data=plain(entry.data),
        attempt=entry.attempt,
        worker=entry.worker,
    )


def attempted(entry: LogEntry) -> Attempted:
    """What an entry of kind "attempt" or "crash" says."""
    return Attempted(
        number=entry.attempt,
        ended_at=entry.at,
        started_at=entry.started_at,
        worker=entry.worker,
        error=decoded(entry.data) if entry.data else None,
    )
