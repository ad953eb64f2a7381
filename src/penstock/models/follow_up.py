"""What `on_failure` and `on_success` handlers are told about the run that they follow."""

from typing import Any

import msgspec

from penstock.core.codec import Codec
from penstock.core.error_record import ErrorRecord
from penstock.core.errors import OutputError
from penstock.core.leases import Claim
from penstock.core.run import About
from penstock.core.state import State
from penstock.models.ends import ended_by


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A run has failed for good."""

    run_id: str
    task: str
    input: dict[str, Any]  # the arguments by name, as JSON has them
    error: ErrorRecord  # type, message, traceback
    attempts: int


class Success(msgspec.Struct, frozen=True, kw_only=True):
    """A run has succeeded."""

    run_id: str
    task: str
    input: dict[str, Any]  # the arguments by name, as JSON has them
    result: Any  # as JSON has it
    attempts: int


def told(about: About, claim: Claim, codec: Codec) -> Failure | Success:
    """What the follow-up's handler gets instead of arguments."""
    given = _plain(codec.decode(claim.input), "the input")
    if about.state is State.SUCCEEDED:
        result = _plain(codec.decode(about.result or b"null"), "the result")
        return Success(run_id=about.run_id, task=about.task, input=given, result=result, attempts=about.attempts)
    error = ended_by(about.run_id, about.cause, about.error)
    return Failure(run_id=about.run_id, task=about.task, input=given, error=error, attempts=about.attempts)


def _plain(data: bytes, what: str) -> Any:
    try:
        return msgspec.json.decode(data or b"{}")
    except msgspec.DecodeError as error:
        raise OutputError(f"{what} of the run to report on is no JSON: {error}") from error
