"""The doorbell of a file: at once within the process; from others, whoever listens hears that something changed.

Which topics others rang is not known: then every listener hears all of its own. Knows nothing of runs.
"""

import asyncio
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final


class FileListener:
    """Hears the topics that were rung since it last looked."""

    def __init__(self, bell: "FileDoorbell", topics: frozenset[str]) -> None:
        self.topics: Final = topics
        self._bell = bell
        self._loop = asyncio.get_running_loop()
        self._rung: set[str] = set()
        self._event = asyncio.Event()
        self._closed = False

    async def wait(self, timeout: float) -> frozenset[str]:
        if not self._rung and not self._closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._event.wait()
        self._event.clear()
        rung, self._rung = frozenset(self._rung), set[str]()
        return rung

    def close(self) -> None:
        self._closed = True
        self._bell.forget(self)
        self._event.set()

    def hear(self, topics: frozenset[str]) -> None:
        """Called by the bell, from any thread."""
        with suppress(RuntimeError):  # the listener's loop is closed: nobody waits there any more
            self._loop.call_soon_threadsafe(self._take, topics)

    def _take(self, topics: frozenset[str]) -> None:
        self._rung |= topics
        self._event.set()


class FileDoorbell:
    """Rings within the process, and on behalf of other processes."""

    def __init__(self, listened: Callable[[], None]) -> None:
        self._listened: Final = listened  # called when somebody begins to listen
        self._lock = threading.Lock()
        self._listeners: dict[str, set[FileListener]] = {}  # by topic

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def ring(self, topics: Collection[str]) -> None:
        told: dict[FileListener, set[str]] = {}
        with self._lock:
            for topic in topics if self._listeners else ():
                for listener in self._listeners.get(topic, ()):
                    told.setdefault(listener, set()).add(topic)
        for listener, mine in told.items():
            listener.hear(frozenset(mine))

    def ring_all(self) -> None:
        """Somebody else has changed something."""
        with self._lock:
            listeners = set[FileListener]().union(*self._listeners.values())
        for listener in listeners:
            listener.hear(listener.topics)

    def listen(self, topics: Collection[str]) -> FileListener:
        listener = FileListener(self, frozenset(topics))
        with self._lock:
            for topic in listener.topics:
                self._listeners.setdefault(topic, set()).add(listener)
        self._listened()
        return listener

    def forget(self, listener: FileListener) -> None:
        """The listener hears no more."""
        with self._lock:
            for topic in listener.topics:
                left = self._listeners.get(topic, set())
                left.discard(listener)
                if not left:
                    self._listeners.pop(topic, None)
