"""What workers have declared, as calls by name know it: looked up once in a while, not for every call.

Knows no task. What is remembered is a list as long as the store's own, and forgotten after `FRESH` seconds; whoever
would refuse a call because of it looks again first.
"""

from collections.abc import Callable, Sequence
from typing import Final

from penstock.core.registry import Definition
from penstock.ports.store import Views

FRESH: Final = 5.0  # seconds


class Declarations:
    """The declarations of one store. A `clock` says monotonic seconds."""

    def __init__(self) -> None:
        self._found: Sequence[Definition] = ()
        self._until: float | None = None

    def remembered(self, clock: Callable[[], float]) -> Sequence[Definition] | None:
        """As they were a moment ago; None: nobody has looked lately."""
        return self._found if self._until is not None and clock() < self._until else None

    async def look(self, store: Views, clock: Callable[[], float]) -> Sequence[Definition]:
        """As they are."""
        self._found = await store.definitions()
        self._until = clock() + FRESH
        return self._found
