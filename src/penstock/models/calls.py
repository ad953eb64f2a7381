"""Durable calls under way, and the ways to leave code that has not ended. Knows no loop but the running one."""

import asyncio
import contextvars
from asyncio import Future
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from penstock.core.leases import Outcome, Step
from penstock.core.record import Record
from penstock.models.batches import Batch
from penstock.models.branches import BRANCH
from penstock.models.journal import Place, Scope


class Discarded(BaseException):
    """Unwinds code whose run goes on elsewhere, or later. Nothing that it does from here on is recorded."""


class Parted(BaseException):
    """The pass has ended before the code has, with this outcome."""

    def __init__(self, outcome: Outcome | None) -> None:
        super().__init__()
        self.outcome = outcome  # None: replayed as far as recorded, as asked


class Again(BaseException):
    """The code wants to continue as new, with these arguments."""

    def __init__(self, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        super().__init__()
        self.given = args
        self.named = named


class Need(Record, frozen=True, kw_only=True):
    """What a call stands for: whatever comes first of these."""

    at: float | None = None
    signal: str = ""
    child_id: str = ""
    batch: Batch | None = None  # the child is one of these


class Call:
    """A durable call that has been made and has no outcome yet."""

    __slots__ = ("context", "future", "live", "need", "place", "poke", "recorded", "scope", "task")

    def __init__(self, scope: Scope, place: Place, live: "Live", *, recorded: bool) -> None:
        self.scope = scope
        self.place = place
        self.live = live
        self.recorded = recorded
        self.future: Future[Step] = asyncio.get_running_loop().create_future()
        self.context = contextvars.copy_context()
        self.context.run(BRANCH.set, None)
        self.task: asyncio.Task[None] | None = None
        self.need: Need | None = None
        self.poke: Future[None] | None = None


Live: TypeAlias = Callable[[Call], Awaitable[Step]]
