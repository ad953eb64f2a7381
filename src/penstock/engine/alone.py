"""The place of a run at its last chance: it has lost so many leases that one more fails it.

Perhaps it is what kills workers; more likely it was only near one that does. So it is carried out without neighbours:
none can fail it, and if it kills again, it alone was there. Waiting for the others to end is bounded, and so is
the time without neighbours: a worker whose runs were merely unlucky twice does not carry out one at a time for hours.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from penstock.engine.held import Held

WITHIN: Final = 60.0  # seconds for the others to end; and then, seconds without any

_log: Final = logging.getLogger(__name__)


class Alone:
    """Holds one run at most. `start` begins it; `freed` is called when there may be neighbours again."""

    def __init__(self, start: Callable[[Held], None], freed: Callable[[], None]) -> None:
        self.held: Held | None = None
        self.waits = False  # for the others to end
        self._start = start
        self._freed = freed
        self._enough = False
        self._timer: asyncio.TimerHandle | None = None

    def take(self, held: Held) -> None:
        """Carry this one out when the others have ended."""
        claim = held.attempt.claim
        _log.warning(
            "run %s of %s has lost %d leases: it is carried out alone", claim.run_id, claim.task, claim.crashes
        )
        self.held, self.waits = held, True
        self._arm()

    def others(self, count: int, *, room: bool) -> None:
        """So many other runs are held here, and there is a free slot, or not."""
        if self.waits and self.held is not None and room and (count == 0 or self._enough):
            self.waits = False
            self._arm()
            self._start(self.held)

    def leave(self, held: Held) -> None:
        """The run has its outcome, or was given back."""
        if self.held is held:
            self._end()

    def _arm(self) -> None:
        self._enough = False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(WITHIN, self._is_enough)

    def _is_enough(self) -> None:
        self._enough = True
        if not self.waits:
            self._end()
        else:
            self._freed()  # looks at the slots again, and starts it beside those who do not end

    def _end(self) -> None:
        self.held, self.waits = None, False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._freed()
