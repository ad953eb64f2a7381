"""How many runs beyond its free slots a worker claims: enough to keep it busy while a claim is under way.

Only quick runs, and never more than a few milliseconds of work: what waits here can't go to another worker.
"""

from typing import Final

from penstock.core.clock import Clock
from penstock.engine.held import Trade

QUICK: Final = 0.020  # seconds: the mean of a task whose runs may be claimed ahead
AHEAD: Final = 0.050  # seconds of work, at the rate of late
MOST: Final = 256  # more would make no call cheaper
CALM: Final = 1.0  # seconds without claiming ahead, after a run came that may not wait here


class Prefetch:
    """Measures the rate at which runs finish while there is always a next one."""

    def __init__(self, clock: Clock, *, wanted: bool) -> None:
        self._clock = clock
        self._calm_until = 0.0 if wanted else float("inf")
        self._rate = 0.0  # runs per second
        self._since: float | None = None  # the begin of the span being measured; None: there was nothing to do

    def fits(self, trade: Trade) -> bool:
        """Whether runs of this task may wait here."""
        return 0 <= trade.mean < QUICK and not trade.limited

    def calm(self) -> None:
        """A run came that may not: claim no more than can start, for a while."""
        self._calm_until = max(self._calm_until, self._clock() + CALM)

    def measure(self, finished: int, *, busy: bool) -> None:
        """So many runs have finished since the last call; `busy`: and there is more to do."""
        now = self._clock()
        if self._since is not None and now > self._since:
            rate = finished / (now - self._since)
            self._rate += 0.3 * (rate - self._rate)
        self._since = now if busy else None

    def surplus(self) -> int:
        """How many runs may wait here beside those that can start."""
        if self._clock() < self._calm_until:
            return 0
        return min(MOST, int(self._rate * AHEAD))
