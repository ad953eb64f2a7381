"""The runs that were claimed ahead and wait here for a slot: in the order of claims, higher priorities first."""

from collections import deque
from typing import Final

from penstock.core.clock import Clock
from penstock.engine.held import Held

STALE: Final = 0.100  # seconds without a start after which they are handed back: slow runs have all slots


class Ahead:
    """A short line. Knows since when nobody has left it for a slot."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._line: deque[Held] = deque()
        self._moved_at = 0.0

    def __len__(self) -> int:
        return len(self._line)

    def __contains__(self, held: Held) -> bool:
        return held in self._line

    def put(self, held: Held) -> bool:
        """Stand behind those of the same priority; whether the line was empty."""
        first = not self._line
        if first:
            self._moved_at = self._clock()
            self._line.append(held)
        elif held.attempt.claim.priority <= self._line[-1].attempt.claim.priority:
            self._line.append(held)
        else:
            self._line = deque(sorted([*self._line, held], key=lambda one: -one.attempt.claim.priority))
        return first

    def next(self) -> Held:
        """The first of the line, which leaves it."""
        return self._line.popleft()

    def remove(self, held: Held) -> None:
        """Leave the line."""
        self._line.remove(held)

    def moved(self, now: float) -> None:
        """A slot has become free."""
        self._moved_at = now

    @property
    def stale(self) -> bool:
        """Whether there are some, and no slot has become free for too long."""
        return bool(self._line) and self._clock() - self._moved_at >= STALE
