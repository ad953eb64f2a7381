"""Half of the runs that are made up are of a task that takes anything: so others of the API's ways lead somewhere.

Only of those that the document allows: what is wrong on purpose stays wrong.
"""

from typing import Any, cast

import msgspec
import schemathesis

from penstock.web.runs import NewRun
from penstock.web.schedules import NewSchedule


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType]
def map_body(context: Any, body: Any) -> Any:
    """Called by schemathesis with each body that it makes up."""
    if context.operation.label == "POST /api/v1/runs" and _fits(body, NewRun):
        found = cast("dict[str, Any]", body)
        if len(str(found.get("task"))) % 2:
            return {**found, "task": "anything"}
        return found
    if context.operation.label == "PUT /api/v1/schedules/{schedule}" and _fits(body, NewSchedule):
        found = cast("dict[str, Any]", body)
        if len(str(found.get("task"))) % 2:  # one of the ways to say when, and a task that is there
            plain = {name: value for name, value in found.items() if name not in {"cron", "at", "anchor", "options"}}
            return {**plain, "task": "anything", "every": "10m"}
        return found
    return body


def _fits(body: object, kind: type[msgspec.Struct]) -> bool:
    try:
        msgspec.convert(body, kind)
    except msgspec.ValidationError:
        return False
    return True
