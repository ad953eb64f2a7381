"""The loops of a worker, watched: each says when it completes a round, and is started again if it fails.

A store that does not answer is no failure: the loop tries again for ever, and shows it. Anything else is a bug: after a
few restarts in a short time the worker stops, loudly.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from penstock.core.clock import Clock
from penstock.core.errors import Closed, Unavailable, WorkerFailed
from penstock.engine.patience import Backoff

RESTARTS: Final = 5  # within `MEMORY` seconds; one more ends the worker
MEMORY: Final = 60.0

_log: Final = logging.getLogger(__name__)


class WorkerStopped(Closed):
    """A worker lives once: make another one."""

    def __init__(self, worker: str) -> None:
        super().__init__(worker)
        self.args = (f"worker {worker} has stopped, and can't be started again: make another one",)


class Duty:
    """One loop of a worker, and how it fares. `within`: seconds in which it completes a round if all is well."""

    def __init__(self, name: str, clock: Clock, *, within: float) -> None:
        self.name = name
        self.within = within
        self.trouble = ""  # why it makes no headway, while it tries
        self.restarts = 0
        self._clock = clock
        self._round_at: float | None = clock()

    def round(self) -> None:
        """A round is complete, and another one begins."""
        self._round_at = self._clock()

    def rest(self) -> None:
        """There is nothing to do until somebody says so: no round is expected."""
        self._round_at = None

    def unanswered(self, error: Unavailable | None) -> None:
        """The store did not answer, or (None) does again. A try counts as a round: the loop itself is well."""
        if error is not None and not self.trouble:
            _log.warning("%s: the store is unavailable (%s); trying again", self.name, error.reason)
        if error is None and self.trouble:
            _log.warning("%s: the store answers again", self.name)
        self.trouble = "" if error is None else f"store unavailable: {error.reason}"
        self.round()

    @property
    def late(self) -> float:
        """Seconds by which the present round is too long; 0 if it is not."""
        return 0.0 if self._round_at is None else max(0.0, self._clock() - self._round_at - self.within)


async def supervise(
    duty: Duty, work: Callable[[], Awaitable[None]], *, worker: str, failed: Callable[[str], None]
) -> None:
    """Do the work, again and again if it fails. Raises `WorkerFailed` when that happens too often.

    `failed` is told of each failure.
    """
    failures = deque[float](maxlen=RESTARTS + 1)
    backoff = Backoff()
    while True:
        duty.round()
        try:
            await work()
        except Exception as error:
            now = asyncio.get_running_loop().time()
            failures.append(now)
            _log.exception("the %s loop of worker %s failed", duty.name, worker)
            failed(f"{duty.name}: {type(error).__name__}: {error}")
            if len(failures) > RESTARTS and now - failures[0] < MEMORY:
                raise WorkerFailed(worker, duty.name, _told(error)) from error
        else:
            return
        duty.restarts += 1
        await asyncio.sleep(backoff.wait())


def _told(error: BaseException) -> str:
    return f"{RESTARTS + 1} times within {MEMORY:g} s, at last with {type(error).__name__}: {error}"
