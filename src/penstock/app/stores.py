"""The store as each running loop has it: opened on first use, and what callers ask for at once leaves together.

Knows no task. A child process that was forked begins with none.
"""

import asyncio
import os
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from penstock.app.refusals import size_of
from penstock.app.tails import Tails
from penstock.core.answers import Accepted, Refused
from penstock.core.aside import aside
from penstock.core.errors import Closed
from penstock.core.requests import Group
from penstock.core.run import Run
from penstock.core.state import State
from penstock.engine.batcher import Batcher
from penstock.ports.store import Store

PATIENCE: Final = 10.0  # seconds in which a caller's request is repeated before the caller hears of it
CLOSING: Final = 10.0  # seconds for a loop to let go of its store


class Connection:
    """An open store for one loop."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.entering = Batcher[Group, Accepted | Refused](store.enqueue, size_of, within=PATIENCE)
        self.watching = Batcher[str, State | None](store.watch, len, within=PATIENCE)
        self.getting = Batcher[str, Run | None](store.get, len, within=PATIENCE)
        self.tails = Tails(store, within=PATIENCE)

    async def close(self) -> None:
        """Let what is under way arrive, then close the store."""
        await self.tails.close()
        for batcher in (self.entering, self.watching, self.getting):
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING):
                    await batcher.drained()
            await batcher.close()
        await self.store.close()


class Stores:
    """All connections of one app. `new_store` makes a store that is not open yet."""

    def __init__(self, new_store: Callable[[], Store]) -> None:
        self._new_store = new_store
        self._lock = threading.Lock()
        self._open: dict[AbstractEventLoop, Connection] = {}
        self._opening: dict[AbstractEventLoop, asyncio.Task[Connection]] = {}
        self._pid = os.getpid()
        self.closed = False

    def found(self) -> Connection | None:
        """The running loop's connection, if it is open. Raises `Closed` after `close`."""
        if self.closed:
            raise Closed
        if self._pid != os.getpid():
            self._forget()
        return self._open.get(asyncio.get_running_loop())

    def any(self) -> Store:
        """A store of this app in whatever loop, or one that is not open: for what needs none. Raises `Closed`."""
        if self.closed:
            raise Closed
        if self._pid != os.getpid():
            self._forget()
        with self._lock:
            return next(iter(self._open.values())).store if self._open else self._new_store()

    async def here(self) -> Connection:
        """The running loop's connection, opened if need be; many who ask at once open one."""
        found = self.found()
        if found is not None:
            return found
        loop = asyncio.get_running_loop()
        opening = self._opening.get(loop)
        if opening is None:
            opening = self._opening[loop] = aside(self._open_here(loop))
            opening.add_done_callback(lambda _: self._opening.pop(loop, None))
        return await asyncio.shield(opening)

    async def _open_here(self, loop: AbstractEventLoop) -> Connection:
        store = self._new_store()
        await store.open()
        connection = Connection(store)
        if self.closed:
            await connection.close()
            raise Closed
        with self._lock:
            self._open[loop] = connection
            left = [other for other in self._open if other.is_closed()]
            abandoned = [self._open.pop(other) for other in left]
            used = [one.store for one in self._open.values()]
        for one in abandoned:  # their loops ended without `app.close()`
            if one.store not in used:
                await one.store.close()
        return connection

    async def close(self) -> None:
        """Close the store in every loop; later calls raise `Closed`. Bounded, and harmless to repeat."""
        self.closed = True
        here = asyncio.get_running_loop()
        with self._lock:
            connections, self._open = self._open, {}
        if self._pid != os.getpid():
            return
        for loop, connection in connections.items():
            if loop is not here and loop.is_running():
                closing = asyncio.run_coroutine_threadsafe(connection.close(), loop)
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.wrap_future(closing), CLOSING)
            elif loop is here:
                await connection.close()
            else:
                await connection.store.close()

    def reopen(self) -> None:
        """Allow calls again after `close`."""
        self.closed = False

    def _forget(self) -> None:
        """In a forked child: the parent's connections are the parent's."""
        self._lock = threading.Lock()
        self._open, self._opening, self._pid = {}, {}, os.getpid()
