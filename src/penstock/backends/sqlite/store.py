"""The store on a file: one thread writes, some read, a doorbell rings. What the moves are is in the scripts."""

import os

from penstock.backends.sqlite import address
from penstock.backends.sqlite.bell import FileDoorbell
from penstock.backends.sqlite.callers import Callers
from penstock.backends.sqlite.control import Control
from penstock.backends.sqlite.leases import Abilities, Leases
from penstock.backends.sqlite.reader import Reader
from penstock.backends.sqlite.together import Together
from penstock.backends.sqlite.upkeep import Upkeep
from penstock.backends.sqlite.views import Views
from penstock.backends.sqlite.within import Within
from penstock.backends.sqlite.writer import Writer
from penstock.core.clock import Clock, system_clock


class SqliteStore(Callers, Leases, Upkeep, Control, Views, Within, Together):
    """A store on a file, in any number of processes. Threads and loops may share it."""

    def __init__(self, where: address.Address, *, namespace: str = "penstock", clock: Clock = system_clock) -> None:
        self._where = where
        self._namespace = namespace
        self._clock = clock
        self._durable = "fast" if where.fast else "full"
        self._bell = FileDoorbell(lambda: self._writer.look())  # noqa: PLW0108 (the writer is not made yet)
        self._abilities = Abilities()
        self._terms: set[int] = set()
        self._writer = Writer(where.path, fast=where.fast, namespace=namespace, clock=clock, bell=self._bell)
        self._reader = Reader(where.path, fast=where.fast)
        self._opened = False
        self._idle = []
        self._pid = 0

    @property
    def doorbell(self) -> FileDoorbell:
        return self._bell

    async def open(self) -> None:
        if not self._opened:
            await self._writer.start()
            self._reader.start()
            self._opened, self._pid = True, os.getpid()

    async def close(self) -> None:
        self._let_go()
        await self._reader.stop()
        await self._writer.stop()


def from_url(url: str, *, namespace: str, clock: Clock) -> SqliteStore:
    """A store that is not open yet: `sqlite:///relative.db`, `sqlite:////absolute.db`, `?fast=1`."""
    return SqliteStore(address.parse(url), namespace=namespace, clock=clock)
