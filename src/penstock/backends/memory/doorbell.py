"""The doorbell within one process: every ring reaches every listener of its topic, in whatever loop or thread."""

import asyncio
import threading
from collections.abc import Collection
from contextlib import suppress


class LocalListener:
    """Hears the topics that were rung since it last looked."""

    def __init__(self, bell: "LocalDoorbell", topics: frozenset[str]) -> None:
        self._bell = bell
        self._topics = topics
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
        rung, self._rung = frozenset(self._rung), set()
        return rung

    def close(self) -> None:
        self._closed = True
        self._bell.forget(self)
        self._event.set()

    def hear(self, topics: frozenset[str]) -> None:
        """Called by the bell, from any thread."""
        mine = topics & self._topics
        if mine:
            with suppress(RuntimeError):  # the listener's loop is closed: nobody waits there any more
                self._loop.call_soon_threadsafe(self._take, mine)

    def _take(self, topics: frozenset[str]) -> None:
        self._rung |= topics
        self._event.set()


class LocalDoorbell:
    """Rings within the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[LocalListener] = set()

    def ring(self, topics: Collection[str]) -> None:
        rung = frozenset(topics)
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.hear(rung)

    def listen(self, topics: Collection[str]) -> LocalListener:
        listener = LocalListener(self, frozenset(topics))
        with self._lock:
            self._listeners.add(listener)
        return listener

    def forget(self, listener: LocalListener) -> None:
        """The listener hears no more."""
        with self._lock:
            self._listeners.discard(listener)
