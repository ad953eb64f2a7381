"""Records of the app as documents: plain values under stable names, every field always there. Columns to show them."""

from typing import Any

import msgspec

from penstock.app.handle import Run
from penstock.app.redaction import names, redacted, redaction
from penstock.app.status import Reason, Status
from penstock.cli import text
from penstock.cli.screen import Column, Document, field


def document(record: msgspec.Struct, *, reveal: bool = False) -> dict[str, Any]:
    """All fields of the record, also those that say nothing; secrets among what users made only with `reveal`."""
    found = {name: msgspec.to_builtins(getattr(record, name)) for name in record.__struct_fields__}
    return found if reveal else redacted(found, redaction(names()))


def reason_of(why: Reason | None) -> dict[str, Any] | None:
    """Why a run has not finished, or None."""
    return None if why is None else document(why)


async def stored(run: Run[Any]) -> Status:
    """How the run stands. Raises `NotFound`."""
    return await run.status()


def run_columns(now: float) -> list[Column]:
    """Runs in a table, seen from now."""
    return [
        field("id"),
        field("task"),
        field("queue"),
        field("state"),
        field("attempts", number=True),
        Column("enqueued", lambda one: text.ago(one["enqueued_at"], now)),
        Column("since", lambda one: text.ago(one["since_at"], now)),
        Column("error", lambda one: error_line(one, 60)),
    ]


def error_line(one: Document, width: int) -> str:
    """Type and message of a run's last error, shortened; a dash for none."""
    error = one["error"]
    return "-" if error is None else text.shortened(f"{error['type']}: {error['message']}", width)
