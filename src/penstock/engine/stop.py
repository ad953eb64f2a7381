"""The flag that asks an attempt to end: set from any thread, looked at or awaited from any other.

Asking is all it does: a task is cancelled, a process killed, by whoever carries the attempt out.
"""

import asyncio
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Final

_LOCK: Final = threading.Lock()  # one for all: it is held for a moment, and a lock per attempt would cost each run


class Reason(StrEnum):
    """Why an attempt shall end before its handler returns."""

    CANCEL = "cancel"  # the run is asked to end: by hand, by its parent, by a child that dooms it
    LOST = "lost"  # the lease is no longer ours: nothing of this attempt will be written
    TIMEOUT = "timeout"  # the attempt has been active for too long
    SHUTDOWN = "shutdown"  # the worker stops, and its grace is over


class Stop:
    """Not set when the attempt begins, and never taken back. The first reason stands."""

    __slots__ = ("_listeners", "reason")

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self._listeners: list[Callable[[], None]] | None = None

    @property
    def requested(self) -> bool:
        """Whether the attempt shall end: long loops in threads look here."""
        return self.reason is not None

    def request(self, reason: Reason) -> bool:
        """Ask; False if somebody has asked before. Listeners are called at once, in this thread."""
        with _LOCK:
            if self.reason is not None:
                return False
            self.reason = reason
            listeners, self._listeners = self._listeners, None
        for listener in listeners or ():
            listener()
        return True

    def listen(self, listener: Callable[[], None]) -> None:
        """Call the listener once: when asked, or now if that has happened."""
        with _LOCK:
            if self.reason is None:
                self._listeners = [*(self._listeners or ()), listener]
                return
        listener()

    async def wait(self) -> Reason:
        """Return the reason as soon as there is one."""
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(asked.set)

        self.listen(wake)
        while self.reason is None:
            await asked.wait()
        return self.reason

    def wait_in_thread(self, timeout: float | None = None) -> bool:
        """Block this thread until asked, or for so many seconds; whether it was asked."""
        asked = threading.Event()
        self.listen(asked.set)
        return asked.wait(timeout)
