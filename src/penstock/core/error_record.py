"""What is kept of an exception: texts of bounded size. Never leads back to a class: stored names are not imported."""

import traceback as tracebacks
from collections.abc import Iterator
from typing import Final

import msgspec

from penstock.core.record import Record

MESSAGE: Final = 4_096  # bytes in UTF-8, each; half surrogates, which have none, are spelled out
TRACEBACK: Final = 16_384
CAUSES: Final = 5
FRAMES: Final = 50
_NAME: Final = 200
_CUT: Final = b"\n... cut ...\n"


class Cause(Record, frozen=True, kw_only=True):
    """An exception behind another one."""

    type: str
    message: str


class ErrorRecord(Record, frozen=True, kw_only=True):
    """An exception as text. The traceback keeps its end, where the error is; causes begin with the nearest."""

    type: str  # with its module, except for built-in ones; of ours as users import it: penstock.Timeout
    message: str
    traceback: str = ""
    causes: tuple[Cause, ...] = ()

    def encode(self) -> bytes:
        """The record as JSON."""
        return _ENCODER.encode(self)


def describe(error: BaseException) -> ErrorRecord:
    """What is kept of the exception. Never raises, whatever the exception's own methods do."""
    return ErrorRecord(
        type=_type(error),
        message=_message(error),
        traceback=_traceback(error),
        causes=tuple(Cause(type=_type(cause), message=_message(cause)) for cause in _causes(error)),
    )


def decode(data: bytes) -> ErrorRecord:
    """The record behind the bytes. Raises `msgspec.DecodeError` if they are none."""
    return _DECODER.decode(data)


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(ErrorRecord)


def _type(error: BaseException) -> str:
    kind = type(error)
    return _head(type_name(kind), _NAME)


def type_name(kind: type[BaseException]) -> str:
    """The class as `ErrorRecord.type` says it."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    module = "penstock" if kind.__module__.startswith("penstock.") else kind.__module__
    return f"{module}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        return _head(str(error), MESSAGE)
    except Exception as other:  # noqa: BLE001 (an error must be kept even if it can't be printed)
        return f"<its text could not be read: {type(other).__name__}>"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The first few exceptions behind it, as a traceback would show them, each once."""
    seen = {id(error)}
    for _ in range(CAUSES):
        behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if behind is None or id(behind) in seen:
            return
        seen.add(id(behind))
        yield behind
        error = behind


def _traceback(error: BaseException) -> str:
    try:
        text = "".join(tracebacks.format_exception(error, limit=-FRAMES))
    except Exception:  # noqa: BLE001 (it asks the exceptions on the chain for more than their text)
        text = "".join(tracebacks.format_tb(error.__traceback__, limit=-FRAMES))
    return _tail(text, TRACEBACK)


def _head(text: str, size: int) -> str:
    """The text's first bytes, and a mark if that is not all."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= size:
        return data.decode()
    return data[: size - len(_CUT)].decode("utf-8", "ignore") + _CUT.decode()


def _tail(text: str, size: int) -> str:
    """The text's last bytes, and a mark if that is not all."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= size:
        return data.decode()
    return _CUT.decode() + data[len(_CUT) - size :].decode("utf-8", "ignore")
