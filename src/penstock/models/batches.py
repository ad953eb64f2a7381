"""Children that are awaited together: how many of them must end before their parent is worth a wake.

A wake replays the parent from its top, so a thousand children must not wake it a thousand times. Knows no passage.
"""

from collections.abc import Awaitable
from contextvars import ContextVar
from typing import Final

SHARE: Final = 4  # of the children that are going, one in so many makes room for others


class Batch:
    """The children of one `map`. What ends in it is told to `map` alone, so nothing else is kept waiting."""

    __slots__ = ("more",)

    def __init__(self) -> None:
        self.more = True  # items that have not begun yet

    def worth(self, standing: int) -> int:
        """How many of those that stand must end, unless one of them ends badly: in the end, all."""
        return -(-standing // SHARE) if self.more else standing


class Member:
    """One item of a batch. It counts only if it is the call of a child and nothing more: code around it may go on."""

    __slots__ = ("awaited", "batch", "made")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.made: Awaitable[object] | None = None  # the call of a child, evaluated for the item
        self.awaited: Awaitable[object] | None = None  # what the item is

    @property
    def counted(self) -> Batch | None:
        """The batch in which the call is waited for; None: it is worth a wake of its own."""
        return self.batch if self.made is not None and self.made is self.awaited else None


MEMBER: Final[ContextVar[Member | None]] = ContextVar("penstock_member", default=None)
