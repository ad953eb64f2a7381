"""When a worker has done enough for one process: after so many runs, or above so much memory. It stops gently then.

Counted off the way of runs, so it is at least so many. Who starts another process is somebody else's affair.
"""

import re
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Final

from penstock.core.errors import Invalid
from penstock.engine.events import Event, Observers
from penstock.engine.memory import memory_used

ENDS: Final = (
    "run.succeeded",
    "run.failed",
    "run.retried",
    "run.snoozed",
    "run.released",
    "run.suspended",
    "run.lost",
)
_UNITS: Final = {"": 1, "B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30}
_SIZE: Final = re.compile(r"\s*([0-9]{1,15})\s*(B|KB|MB|GB)?\s*", re.ASCII | re.IGNORECASE)


class Recycling:
    """The bounds of one worker; None: no bound. Raises `Invalid` naming one that makes no sense."""

    def __init__(self, runs: object = None, memory: object = None) -> None:
        self.runs = None if runs is None else _whole(runs)
        self.memory = None if memory is None else bytes_of(memory, "recycle_memory")
        self.reason: str | None = None  # why the worker was stopped; None: it was not, by this
        self._done = 0

    @contextmanager
    def watched(self, observers: Observers | None, worker: str, stop: Callable[[], None]) -> Generator[None]:
        """While the block runs, look at each run of this worker that has ended, and stop it once that is enough."""
        with ExitStack() as stack:
            if observers is not None and (self.runs is not None or self.memory is not None):

                def ended(event: Event) -> None:
                    if event.worker == worker and self.reason is None and self._enough():
                        stop()

                for kind in ENDS:
                    stack.callback(observers.on(kind, ended))
            yield

    def _enough(self) -> bool:
        self._done += 1
        if self.runs is not None and self._done >= self.runs:
            self.reason = f"{self._done:,} runs"
        elif self.memory is not None and (used := memory_used()) > self.memory:
            self.reason = f"{used / _UNITS['MB']:,.0f} MB in use"
        return self.reason is not None


def bytes_of(value: object, parameter: str) -> int:
    """Bytes as a number, or as text like "512MB" (of 1,024 KB). Raises `Invalid` for what is neither."""
    allowed = 'bytes, or text like "512MB"'
    if isinstance(value, str):
        found = _SIZE.fullmatch(value)
        if found is None:
            raise Invalid(parameter, value, allowed)
        size = int(found[1]) * _UNITS[(found[2] or "").upper()]
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        raise Invalid(parameter, value, allowed)
    if size < 1:
        raise Invalid(parameter, value, allowed)
    return size


def _whole(runs: object) -> int:
    if not isinstance(runs, int) or isinstance(runs, bool) or runs < 1:
        raise Invalid("recycle_runs", runs, "a whole number from 1, or None for no bound")
    return runs
