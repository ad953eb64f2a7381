"""Tells the store that this worker is alive, and what it can run. For views and side lines only: leases decide."""

import asyncio
import os
import socket
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

import msgspec

from penstock.core.leases import Ability
from penstock.core.registry import Definition, WorkerInfo
from penstock.engine.patience import repeat
from penstock.engine.supervision import Duty
from penstock.ports.store import Store

EVERY: Final = 20.0  # seconds
ALIVE: Final = 65.0  # seconds that one registration lasts: two may fail


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says about itself: the `state` of its registration, as JSON."""

    concurrency: int
    running: int
    waiting: int
    loop_lag: float  # seconds
    runs: tuple[str, ...]  # ids of those it holds, at most a hundred
    memory: int = 0  # bytes in use by its process
    schedules: tuple[str, ...] = ()  # those that its code declares


class Registration:
    """Registers now, regularly, and when something has changed."""

    def __init__(
        self, store: Store, worker: str, *, app: str, definitions: Sequence[Definition], schedules: Collection[str] = ()
    ) -> None:
        self._store = store
        self._worker = worker
        self._app = app
        self._definitions = definitions
        self._schedules = schedules
        self._changed = asyncio.Event()

    def change(self) -> None:
        """Register again, soon."""
        self._changed.set()

    async def register_for_ever(
        self,
        queues: Callable[[], tuple[str, ...]],
        abilities: Callable[[], frozenset[Ability]],
        numbers: Callable[[], Numbers],
        duty: Duty,
    ) -> None:
        """Register until cancelled."""
        started_at = (await repeat(self._store.info, duty.unanswered)).now
        while True:
            self._changed.clear()
            info = WorkerInfo(
                worker=self._worker,
                host=socket.gethostname(),
                pid=os.getpid(),
                queues=queues(),
                abilities=abilities(),
                started_at=started_at,
                app=self._app,
                state=msgspec.json.encode(msgspec.structs.replace(numbers(), schedules=tuple(self._schedules))),
            )
            await repeat(partial(self._store.register, info, self._definitions, seconds=ALIVE), duty.unanswered)
            duty.round()
            try:
                async with asyncio.timeout(EVERY):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def leave(self, queues: tuple[str, ...]) -> None:
        """Not alive any more."""
        info = WorkerInfo(
            worker=self._worker,
            host=socket.gethostname(),
            pid=os.getpid(),
            queues=queues,
            abilities=frozenset(),
            started_at=0.0,
            app=self._app,
        )
        await self._store.register(info, seconds=0.0)
