"""Children that are awaited together: how many of them must end before their parent is worth a wake.

A wake replays the parent from its top, so a thousand children must not wake it a thousand times. Knows no passage.
"""

import inspect
from collections.abc import Awaitable
from typing import Final
from weakref import WeakKeyDictionary

SHARE: Final = 4  # of the children that are going, one in so many makes room for others


class Batch:
    """The children of one `map` or `gather`. What ends in it is told to that alone, so nothing else is kept waiting."""

    __slots__ = ("more",)

    def __init__(self, *, more: bool) -> None:
        self.more = more  # items that have not begun yet

    def worth(self, standing: int) -> int:
        """How many of those that stand must end, unless one of them ends badly: in the end, all."""
        return -(-standing // SHARE) if self.more else standing


class Member:
    """The call of a child, as who waits for it sees it."""

    __slots__ = ("batch",)

    def __init__(self) -> None:
        self.batch: Batch | None = None  # None: it is worth a wake of its own


_CALLS: Final[WeakKeyDictionary[Awaitable[object], Member]] = WeakKeyDictionary()  # that are in no batch


def alone(call: Awaitable[object]) -> Member:
    """The call of a child, evaluated and not awaited yet."""
    member = _CALLS[call] = Member()
    return member


def join(batch: Batch, awaitable: Awaitable[object]) -> None:
    """The call of a child, and nothing more, counts in the batch: code around a call may go on after it."""
    member = _CALLS.pop(awaitable, None) if inspect.iscoroutine(awaitable) else None
    if member is not None:
        member.batch = batch
