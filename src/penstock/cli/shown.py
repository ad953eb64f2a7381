"""One run as lines for people: how it stands, why, its attempts, values and log. Everything is escaped."""

from typing import Any, Final

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
    if run["log"] is not None:
        lines += ["log", *(_log_line(line) for line in run["log"])]
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


def _error(error: Document) -> list[str]:
    text = error["traceback"] or f"{error['type']}: {error['message']}"
    return [f"  {line}" for line in escaped_lines(text.rstrip("\n"))]


def _log_line(line: Document) -> str:
    kind = "" if line["kind"] == "log" else f"{line['kind']} "
    data = "" if line["data"] is None else (line["data"] if isinstance(line["data"], str) else as_json(line["data"]))
    return f"  {moment(line['at'])}  {escaped(kind)}{shortened(data, _LONGEST)}"
