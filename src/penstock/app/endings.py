"""What a finished run means to those who asked for it: its result, or an error that says why there is none."""

from typing import Any

import msgspec

from penstock.core import error_record
from penstock.core.error_record import ErrorRecord, type_name
from penstock.core.errors import Crashed, DeadlineExceeded, Expired, PenstockError, RunCancelled, RunFailed
from penstock.core.run import Cause, Run
from penstock.core.shape import Shape
from penstock.core.state import State


def result_of(run: Run, returns: Shape | None, data: bytes | None) -> Any:
    """The result, as annotated if that is known here, else as JSON has it. Raises what the run ended with.

    `data` is the result after the app's codec.
    """
    if run.state is State.SUCCEEDED:
        if returns is not None:
            return returns.decode(data or b"null")
        return msgspec.json.decode(data or b"null")
    if run.state is State.CANCELLED:
        raise RunCancelled(run.id, run.task, reason=run.reason or _cancelled_by(run))
    error = error_of(run) or ErrorRecord(type="Failed", message="")
    raise RunFailed(run.id, run.task, error_type=error.type, message=error.message, traceback=error.traceback)


def error_of(run: Run) -> ErrorRecord | None:
    """The run's last error; of ends that no code raised, what they mean. None: there was none."""
    if run.error is not None:
        return decoded(run.error)
    if run.state is not State.FAILED:
        return None
    error = _error_for(run)
    return ErrorRecord(type=type_name(type(error)), message=str(error))


def decoded(data: bytes) -> ErrorRecord:
    """A stored error; what can't be read as one is shown as it is."""
    try:
        return error_record.decode(data)
    except msgspec.DecodeError:
        return ErrorRecord(type="Error", message=data.decode(errors="replace"))


def _error_for(run: Run) -> PenstockError:
    match run.cause:
        case Cause.CRASHED:
            return Crashed(run.id, run.crashes)
        case Cause.EXPIRED:
            return Expired(run.id)
        case Cause.DEADLINE:
            return DeadlineExceeded(run.id)
        case Cause.LOOP:
            return PenstockError("the run was claimed 1,000 times without any progress")
        case Cause.CHILD:
            return PenstockError(f"run {run.cause_id}, on which it depends, ended badly")
        case _:
            return PenstockError(f"cause: {run.cause}")


def _cancelled_by(run: Run) -> str | None:
    match run.cause:
        case Cause.LIMIT:
            return "limit"
        case Cause.PARENT:
            return "its parent ended or was cancelled"
        case Cause.ABANDONED:
            return "its flow was never closed"
        case _:
            return None
