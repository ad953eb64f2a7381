"""Errors that a planner makes itself, as records."""

from penstock.core.error_record import Cause, ErrorRecord, describe
from penstock.core.errors import ExpressionFailed


def at_place(error: ExpressionFailed, place: str) -> ErrorRecord:
    """The error of an expression, with the edge or loop that it is of."""
    return describe(ExpressionFailed(f"{place}: {error.where}", error.expression, error.reason, error.at))


def with_cause(first: ErrorRecord, said: str, other: ErrorRecord) -> ErrorRecord:
    """The first error, and that what was done about it failed as well."""
    cause = Cause(type=other.type, message=f"{said}: {other.message}")
    return ErrorRecord(type=first.type, message=first.message, traceback=first.traceback, causes=(*first.causes, cause))


def of_item(error: ErrorRecord, item: int) -> ErrorRecord:
    """The error of one item of a batch, as the batch's own."""
    message = f"item {item}: {error.message}"
    return ErrorRecord(type=error.type, message=message, traceback=error.traceback, causes=error.causes)
