"""What a worker and its child processes say to each other, and its form on a pipe: a length, then JSON.

Values only: no code, no class names. Knows neither side.
"""

import struct
from typing import BinaryIO, Final, TypeAlias

import msgspec

from penstock.core.answers import Answer, Recorded, Spawned
from penstock.core.leases import (
    Append,
    Block,
    Claim,
    Complete,
    Fail,
    Outcome,
    RecordStep,
    Release,
    Restart,
    Retry,
    Spawn,
    Suspend,
)
from penstock.core.run import Run
from penstock.core.views import Page

LENGTH: Final = struct.Struct(">I")


class Work(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """To the child: carry this run out."""

    claim: Claim
    worker: str
    module: str
    name: str  # of what holds the handler in the module
    main: str | None  # the file or module behind "__main__", where the handler's module is that
    safe_for: float  # seconds


class Safe(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """To the child: the lease was extended."""

    safe_for: float


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """To the child: the answer to its request of this number; one of the last six is set."""

    number: int
    spawned: Spawned | None = None
    recorded: Recorded | None = None
    blocked: Answer | None = None
    children: Page[Run] | None = None
    dropped: tuple[Answer, ...] | None = None
    error: str | None = None


class Began(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From the child: the handler is about to be called."""


class Line(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From the child: a line for the run's log."""

    entry: Append


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a run's children."""

    run_id: str
    after: str | None
    limit: int


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From the child: do this for the run; one of the last five is set."""

    number: int
    spawn: Spawn | None = None
    record: RecordStep | None = None
    block: Block | None = None
    children: Look | None = None
    drop: tuple[str, ...] | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From the child: the outcome (none: the lease is lost), and the most memory it has used, in bytes."""

    kind: str | None
    outcome: msgspec.Raw
    memory: int


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From the child: the handler can't be had there."""

    reason: str


ToChild: TypeAlias = Work | Safe | Reply
FromChild: TypeAlias = Began | Line | Ask | Done | Broken

_OUTCOMES: Final[dict[str, type[Outcome]]] = {
    kind.__name__: kind for kind in (Complete, Retry, Fail, Release, Suspend, Restart)
}
_encoder: Final = msgspec.json.Encoder()
to_child: Final = msgspec.json.Decoder(ToChild)
from_child: Final = msgspec.json.Decoder(FromChild)


def pack(frame: ToChild | FromChild) -> bytes:
    """The frame as it goes through the pipe."""
    data = _encoder.encode(frame)
    return LENGTH.pack(len(data)) + data


def read(pipe: BinaryIO) -> bytes | None:
    """The next frame's JSON; None at the end of the pipe."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length: int = LENGTH.unpack(head)[0]
    data = pipe.read(length)
    return data if len(data) == length else None


def done(outcome: Outcome | None, memory: int) -> Done:
    """The frame for an outcome."""
    kind = None if outcome is None else type(outcome).__name__
    return Done(kind=kind, outcome=msgspec.Raw(_encoder.encode(outcome)), memory=memory)


def outcome_of(frame: Done) -> Outcome | None:
    """The outcome in the frame. Raises `msgspec.DecodeError` if it holds none."""
    if frame.kind is None:
        return None
    kind = _OUTCOMES.get(frame.kind)
    if kind is None:
        raise msgspec.DecodeError(f"{frame.kind} is no outcome")
    return msgspec.json.decode(frame.outcome, type=kind)
