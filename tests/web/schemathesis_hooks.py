"""Half of the runs that are made up are of a task that takes anything: so others of the API's ways lead somewhere."""

from typing import Any, cast

import schemathesis


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType]
def map_body(context: Any, body: Any) -> Any:
    """Called by schemathesis with each body that it makes up."""
    if context.operation.label == "POST /api/v1/runs" and isinstance(body, dict):
        found = cast("dict[str, Any]", body)
        if len(str(found.get("task"))) % 2:
            return {**found, "task": "anything"}
        return found
    if context.operation.label == "PUT /api/v1/schedules/{schedule}" and isinstance(body, dict):
        found = cast("dict[str, Any]", body)
        if len(str(found.get("task"))) % 2:  # one of the ways to say when, and a task that is there
            plain = {name: value for name, value in found.items() if name not in {"cron", "at", "anchor", "options"}}
            return {**plain, "task": "anything", "every": "10m"}
        return found
    return body
