"""What one call says otherwise than its task, as the store keeps it: numbers only, since code does not travel."""

from typing import Final, Literal, cast

import msgspec
from msgspec import UNSET, UnsetType

from penstock.core.errors import Invalid
from penstock.core.retry import Retry


class Numbers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A `Retry` without its classes and callables."""

    attempts: int
    delay: float
    factor: float
    cap: float
    jitter: float
    backoff: Literal["exponential", "fixed"] = "exponential"


class Overrides(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The options of a run that the engine reads."""

    retry: Numbers | UnsetType = UNSET
    timeout: float | UnsetType | None = UNSET
    node: bool = False  # of a graph: input and result are what a plan hands over, and is told

    def encode(self) -> bytes:
        """The bytes for `NewRun.options`; empty if nothing is said."""
        return b"" if self == NONE else _ENCODER.encode(self)


NONE: Final = Overrides()
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Overrides)


def decode(data: bytes) -> Overrides:
    """What a call has said; nothing for empty bytes."""
    return _DECODER.decode(data) if data else NONE


def numbers_of(retry: Retry) -> Numbers:
    """What of a call's retry can travel. Raises `Invalid` if it names classes or a callable."""
    plain = Retry(retry.attempts)
    if callable(retry.backoff) or retry.on != plain.on or retry.never != plain.never:
        raise Invalid("retry", retry, "a call's retry is numbers: on=, never= and callables are said at the task")
    return Numbers(
        attempts=retry.attempts,
        delay=cast("float", retry.delay),  # made seconds by Retry itself
        factor=retry.factor,
        cap=cast("float", retry.cap),
        jitter=retry.jitter,
        backoff=retry.backoff,
    )


def applied(numbers: Numbers, task: Retry) -> Retry:
    """The task's retry with the call's numbers; which errors are retried stays the task's word."""
    return Retry(
        numbers.attempts,
        on=task.on,
        never=task.never,
        delay=numbers.delay,
        backoff=numbers.backoff,
        factor=numbers.factor,
        cap=numbers.cap,
        jitter=numbers.jitter,
    )
