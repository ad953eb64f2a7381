"""One set of timeouts for all attempts: adding and dropping one costs a dictionary entry, and no timer.

Deadlines are rounded up to slots of a few hundredths of a second, so nothing fires early. For one loop.
"""

import asyncio
import heapq
import math
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from penstock.core.clock import Clock

Key = TypeVar("Key", bound=Hashable)

SLOT: Final = 0.02  # seconds


class Timeouts(Generic[Key]):
    """Calls `fire` once for each key whose time is over."""

    def __init__(self, clock: Clock, fire: Callable[[Key], None]) -> None:
        self._clock = clock
        self._fire = fire
        self._slots: dict[int, dict[Key, None]] = {}
        self._order: list[int] = []  # a heap of the slots that exist
        self._slot_of: dict[Key, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, key: Key, seconds: float) -> None:
        """Fire for the key after so many seconds; an earlier entry for it is dropped."""
        self.drop(key)
        slot = math.ceil((self._clock() + seconds) / SLOT)
        keys = self._slots.get(slot)
        if keys is None:
            keys = self._slots[slot] = {}
            heapq.heappush(self._order, slot)
        first = not keys and self._order[0] == slot
        keys[key] = None
        self._slot_of[key] = slot
        if first:
            self._arm()

    def drop(self, key: Key) -> None:
        """Forget the key, if it is here."""
        slot = self._slot_of.pop(key, None)
        if slot is not None:
            del self._slots[slot][key]

    def fire_due(self) -> None:
        """Fire for all whose time is over. Called by the timer, and by those who move the clock by hand."""
        now = self._clock() / SLOT
        while self._order and self._order[0] <= now:
            for key in self._slots.pop(heapq.heappop(self._order)):
                del self._slot_of[key]
                self._fire(key)
        self._arm()

    def close(self) -> None:
        """Fire no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._slots, self._order, self._slot_of, self._timer = {}, [], {}, None

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._order and not self._slots[self._order[0]]:  # all of them ended in time
            del self._slots[heapq.heappop(self._order)]
        if self._order:
            wait = max(0.0, self._order[0] * SLOT - self._clock())
            self._timer = asyncio.get_running_loop().call_later(wait, self.fire_due)
