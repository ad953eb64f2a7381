"""What happens to runs in this process, for whoever wants to hear it. Off the hot path, and nobody's way.

Observers are called one after the other in a task of their own. One that raises is logged and disturbs nobody.
"""

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from penstock.core.aside import aside
from penstock.core.errors import Invalid
from penstock.core.record import Record

KINDS: Final = (
    "run.started",
    "run.succeeded",
    "run.failed",
    "run.retried",
    "run.snoozed",
    "run.released",
    "run.suspended",
    "run.lost",  # its lease went to somebody else, or the run is gone
    "worker.started",
    "worker.stopping",
    "worker.stopped",
    "worker.error",  # a loop of the worker failed and was started again, or the store does not answer
)
WAITING: Final = 10_000  # events; older ones are dropped for newer ones, and their number is logged

_log: Final = logging.getLogger(__name__)


class Event(Record, frozen=True, kw_only=True):
    """One thing that has happened. What does not apply is empty."""

    kind: str
    worker: str
    run_id: str = ""
    task: str = ""
    queue: str = ""
    attempt: int = 0
    seconds: float = 0.0  # for which the attempt was active
    error: bytes | None = None  # an encoded error record
    message: str = ""


Observer: TypeAlias = Callable[[Event], Awaitable[None] | None]


class Observers:
    """Who wants to hear what. `wanted` is empty while nobody does: look there before making an event."""

    def __init__(self) -> None:
        self.wanted: frozenset[str] = frozenset()
        self._observers: dict[str, list[Observer]] = {}
        self._waiting: deque[Event] = deque(maxlen=WAITING)
        self._dropped = 0
        self._task: asyncio.Task[None] | None = None

    def on(self, kind: str, observer: Observer) -> Callable[[], None]:
        """Call the observer, sync or async, with each event of this kind; returns what ends that. Raises `Invalid`."""
        if kind not in KINDS:
            raise Invalid("kind", kind, f"one of {', '.join(KINDS)}")
        self._observers.setdefault(kind, []).append(observer)
        self.wanted = frozenset(self._observers)

        def off() -> None:
            listening = self._observers.get(kind, [])
            if observer in listening:
                listening.remove(observer)
            if not listening:
                self._observers.pop(kind, None)
                self.wanted = frozenset(self._observers)

        return off

    def tell(self, event: Event) -> None:
        """Call, soon, those who want to hear of it. On the worker's loop."""
        if event.kind not in self.wanted:
            return
        if len(self._waiting) == WAITING:
            self._dropped += 1
        self._waiting.append(event)
        if self._task is None:
            self._task = aside(self._deliver())

    async def delivered(self) -> None:
        """Return when everything told so far has been delivered."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _deliver(self) -> None:
        try:
            while self._waiting:
                event = self._waiting.popleft()
                for observer in tuple(self._observers.get(event.kind, ())):
                    await _call(observer, event)
                await asyncio.sleep(0)  # runs go first
            if self._dropped:
                _log.warning("%d events were dropped: observers are slower than runs", self._dropped)
                self._dropped = 0
        finally:
            self._task = None


async def _call(observer: Observer, event: Event) -> None:
    try:
        said = observer(event)
        if inspect.isawaitable(said):
            await said
    except Exception:  # noqa: BLE001 (code of others, and off everybody's way)
        _log.exception("an observer of %s failed", event.kind)
