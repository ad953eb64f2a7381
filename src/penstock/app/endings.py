"""What a finished run means to those who asked for it: its result, or an error that says why there is none."""

from typing import Any

import msgspec

from penstock.core.error_record import ErrorRecord
from penstock.core.errors import RunCancelled, RunFailed
from penstock.core.run import Cause, Run
from penstock.core.shape import Shape
from penstock.core.state import State
from penstock.models.ends import decoded, ended_by


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
    if run.state is State.FAILED:
        return ended_by(run.id, run.cause, run.error, crashes=run.crashes)
    return None if run.error is None else decoded(run.error)


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
