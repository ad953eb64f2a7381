"""One run as lines for people: how it stands, why, its attempts, values and log. Everything is escaped."""

from collections.abc import Mapping
from typing import Any, Final, cast

from penstock.cli.reasons import because
from penstock.cli.screen import Document, as_json, said
from penstock.cli.text import ago, escaped, escaped_lines, moment, shortened, span

_WIDTH: Final = 14
_MOMENTS: Final = ("enqueued_at", "due_at", "started_at", "finished_at", "expires_at", "deadline_at")
_PLAIN: Final = ("cause", "reason", "ending", "worker", "key", "parent_id", "dead_letter")
_COUNTS: Final = ("priority", "attempts", "failures", "crashes", "releases", "life")
_LONGEST: Final = 2000  # characters of an input or result; JSON output has all


def run_lines(run: Document, now: float) -> list[str]:
    """The run, seen from now."""
    lines = [_line(name, run[name]) for name in ("id", "task", "queue", "state")]
    if run["why"] is not None:
        lines.append(_line("why", because(run["why"], now)))
    lines += [_line(name, said(run[name])) for name in _COUNTS if run[name]]
    lines += [_line(name, said(run[name])) for name in _PLAIN if run[name] is not None]
    if run["tags"]:
        lines.append(_line("tags", said(run["tags"])))
    lines += [
        _line(name.removesuffix("_at"), f"{moment(run[name])} ({ago(run[name], now)})")
        for name in _MOMENTS
        if run[name] is not None
    ]
    lines.append(_line("input", _value(run["input"])))
    if run["state"] == "succeeded":
        lines.append(_line("result", _value(run["result"])))
    for attempt in run["failed_attempts"]:
        lines += _attempt(attempt, now)
    if run["error"] is not None:
        lines += ["error", *_error(run["error"])]
    if run["steps"]:
        lines += ["steps", *(_step(step) for step in run["steps"])]
    if run["log"] is not None:
        lines += ["log", *(log_line(line) for line in run["log"])]
    return lines


def _line(name: str, value: str) -> str:
    return f"{name.ljust(_WIDTH)}{escaped(value)}"


def _value(value: Any) -> str:
    return shortened(as_json(value), _LONGEST)


def _attempt(attempt: Document, now: float) -> list[str]:
    took = "" if attempt["started_at"] is None else f" after {span(attempt['ended_at'] - attempt['started_at'])}"
    where = f" on {attempt['worker']}" if attempt["worker"] else ""
    error = attempt["error"]
    what = "its worker was lost" if error is None else shortened(f"{error['type']}: {error['message']}", 160)
    return [_line(f"attempt {attempt['number']}", f"{ago(attempt['ended_at'], now)}{took}{where}: {what}")]


def _step(step: Document) -> str:
    """One record of a workflow: when, what, and what came of it."""
    kind = "" if step["kind"] == "step" else f"{step['kind']} "
    where = "" if not step["scope"] else f" in {step['scope']}"
    child = "" if step["child_id"] is None else f" (run {step['child_id']})"
    what = escaped(f"{kind}{step['name']}{where}{child}")
    return f"  {moment(step['at'])}  {what}: {shortened(_came(step), 160)}"


def _came(step: Document) -> str:
    if step["error"] is not None:
        return as_json(f"{step['error']['type']}: {step['error']['message']}")
    value = step.get("value")
    return f"until {moment(value)}" if step["kind"] == "moment" and isinstance(value, float) else as_json(value)


def _error(error: Document) -> list[str]:
    text = error["traceback"] or f"{error['type']}: {error['message']}"
    return [f"  {line}" for line in escaped_lines(text.rstrip("\n"))]


def log_line(line: Document) -> str:
    """A line of a run's log."""
    kind = "" if line["kind"] == "log" else f"{line['kind']} "
    return f"  {moment(line['at'])}  {escaped(kind)}{shortened(_said(line['data']), _LONGEST)}"


def _said(data: Any) -> str:
    """A text as it is, of a message with fields the message first, all else as JSON."""
    if data is None or isinstance(data, str):
        return data or ""
    if isinstance(data, Mapping) and "message" in data:
        fields = cast("Mapping[str, Any]", data)
        more = {name: value for name, value in fields.items() if name != "message"}
        return f"{fields['message']} {as_json(more)}" if more else str(fields["message"])
    return as_json(data)
