"""What a run's code has recorded, as its callers see it, and as it is taken elsewhere to be replayed. Records only."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from penstock.core.codec import Codec
from penstock.core.error_record import ErrorRecord
from penstock.core.leases import Step
from penstock.core.run import Run
from penstock.core.state import State
from penstock.core.views import Signal
from penstock.models import journal
from penstock.models.ends import decoded

FORMAT = 1


class StepStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record of a run's history, in the order written."""

    name: str
    kind: str  # "step", "sleep", "wait", "call", "start", "value", "rollback"; "moment", "attempt": notes of one
    path: str  # scope, name and ordinal
    at: float
    value: Any | UnsetType = UNSET  # what came of it, as JSON has it
    error: ErrorRecord | None = None
    child_id: str | None = None
    signal: str = ""  # the message that it has read: its name ...
    signal_seq: int = 0  # ... and number
    scope: str = ""
    position: int = 0
    seen: int = 0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One signal in a run's mailbox."""

    name: str
    seq: int
    value: Any
    at: float


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has recorded so far, and been told."""

    id: str
    task: str
    version: str
    state: State
    history: int  # one more with each `continue_as_new`
    enqueued_at: float
    started_at: float | None
    input: Any  # the arguments by name, as JSON has them
    steps: tuple[StepStatus, ...]
    signals: tuple[Message, ...]
    format: int = FORMAT


def history_of(run: Run, steps: Sequence[Step], signals: Sequence[Signal], codec: Codec) -> History:
    """The run's history, its payloads read through the codec."""

    def plain(data: bytes) -> Any:
        return msgspec.json.decode(codec.decode(data))

    return History(
        id=run.id,
        task=run.task,
        version=run.version,
        state=run.state,
        history=run.history,
        enqueued_at=run.enqueued_at,
        started_at=run.started_at,
        input=plain(run.input),
        steps=tuple(
            StepStatus(
                name=journal.name_of(journal.call_of(one)),
                kind=one.kind,
                path=one.path,
                at=one.recorded_at,
                value=UNSET if one.value is None else plain(one.value),
                error=None if one.error is None else decoded(one.error),
                child_id=one.child_id,
                signal=one.signal,
                signal_seq=one.signal_seq,
                scope=one.scope,
                position=one.position,
                seen=one.seen,
            )
            for one in steps
        ),
        signals=tuple(Message(name=one.name, seq=one.seq, value=plain(one.payload), at=one.at) for one in signals),
    )


def step_of(one: StepStatus) -> Step:
    """The record as code finds it in a replay."""
    return Step(
        path=one.path,
        scope=one.scope,
        position=one.position,
        seen=one.seen,
        kind=one.kind,
        value=None if isinstance(one.value, UnsetType) else msgspec.json.encode(one.value),
        error=None if one.error is None else one.error.encode(),
        child_id=one.child_id,
        signal=one.signal,
        signal_seq=one.signal_seq,
        recorded_at=one.at,
    )
