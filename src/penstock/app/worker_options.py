"""What may be said of an app's worker, in the words of its users; checked where it is said. Knows no worker."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypedDict

from penstock.app.recycling import Recycling, bytes_of
from penstock.app.selection import check_limit, listed
from penstock.core.duration import Duration, seconds
from penstock.core.errors import Invalid
from penstock.core.names import check_name
from penstock.engine.settings import Settings


class NamedByWorker(TypedDict, total=False):
    """How a worker works. Durations: seconds, a timedelta, or text like "30s"."""

    queues: Sequence[str]  # served in this order; default: those of the app's tasks
    fair_queues: bool  # serve the queues in turns
    concurrency: int  # runs at once, 1 to 10 000; default 10
    lease: Duration  # after which a silent worker's runs go to others; at least 1 s, default 30 s
    grace: Duration  # for which a stopping worker lets its runs go on; default 25 s
    burst: bool  # stop when nothing is ready any more; what is due later stays
    name: str  # the beginning of its identity, for people
    recycle_runs: int | None  # stop gently after so many runs ...
    recycle_memory: int | str | None  # ... or above so many bytes, like "512MB": for a fresh process to take over
    child_runs: int  # a child process is replaced after so many runs; default 1,000
    child_memory: int | str | None  # and above so many bytes at its peak


def worker_settings(app: str | None, named: NamedByWorker) -> Settings:
    """What was said of the engine. Raises `Invalid` naming what is unknown or out of range."""
    said: dict[str, Any] = {}
    for name, value in named.items():
        if name not in NamedByWorker.__annotations__:
            raise Invalid(name, value, f"a worker takes {', '.join(NamedByWorker.__annotations__)}")
        if name not in _OF_THE_PROCESS:
            said[name] = _CHECKS[name](value, name) if name in _CHECKS else value  # the engine checks the others
    return Settings(app=app or "", **said)


def recycling_of(named: NamedByWorker) -> Recycling:
    """What was said of recycling. Raises `Invalid`."""
    return Recycling(named.get("recycle_runs"), named.get("recycle_memory"))


def _flag(value: object, parameter: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(parameter, value, "True or False")
    return value


def _queues(value: object, parameter: str) -> tuple[str, ...]:
    queues = listed(value, parameter, 'a list of names, like ["mail", "default"]')
    return tuple(check_name(queue, parameter) for queue in queues)


def _child_runs(value: object, parameter: str) -> int:
    return check_limit(value, parameter, highest=1_000_000_000)


def _size(value: object, parameter: str) -> int | None:
    return None if value is None else bytes_of(value, parameter)


_OF_THE_PROCESS: Final = ("recycle_runs", "recycle_memory")
_CHECKS: Final[Mapping[str, Callable[[Any, str], object]]] = {
    "queues": _queues,
    "lease": seconds,
    "grace": seconds,
    "fair_queues": _flag,
    "burst": _flag,
    "child_runs": _child_runs,
    "child_memory": _size,
}
