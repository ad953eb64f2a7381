"""Why a run has failed, as an error: what its code raised, or what the store says where no code raised anything."""

import msgspec

from penstock.core import error_record
from penstock.core.error_record import ErrorRecord, type_name
from penstock.core.errors import Crashed, DeadlineExceeded, Expired, PenstockError
from penstock.core.run import Cause


def ended_by(run_id: str, cause: Cause | None, error: bytes | None, *, crashes: int | None = None) -> ErrorRecord:
    """The error for the end of a failed run. `crashes`: how often its worker was lost, if that is known."""
    if error is not None:
        return decoded(error)
    said = _error_for(run_id, cause, crashes)
    return ErrorRecord(type=type_name(type(said)), message=str(said))


def decoded(data: bytes) -> ErrorRecord:
    """A stored error; what can't be read as one is shown as it is."""
    try:
        return error_record.decode(data)
    except msgspec.DecodeError:
        return ErrorRecord(type="Error", message=data.decode(errors="replace"))


def _error_for(run_id: str, cause: Cause | None, crashes: int | None) -> PenstockError:
    match cause:
        case Cause.CRASHED:
            return Crashed(run_id, crashes) if crashes is not None else _crashed(run_id)
        case Cause.EXPIRED:
            return Expired(run_id)
        case Cause.DEADLINE:
            return DeadlineExceeded(run_id)
        case Cause.LOOP:
            return PenstockError(f"run {run_id} was claimed 1,000 times without any progress")
        case Cause.ABANDONED:
            return PenstockError(f"run {run_id} belongs to a flow that was opened and never closed")
        case _:
            return PenstockError(f"run {run_id} failed without a word (cause: {cause})")


def _crashed(run_id: str) -> Crashed:
    error = Crashed(run_id, 0)
    error.args = (f"run {run_id} lost its worker more often than crashes= allows: it may be what kills them",)
    return error
