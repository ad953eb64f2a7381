"""The store on Redis: scripts make the moves, a doorbell rings. What the moves are is in the scripts."""

import secrets
from typing import Final

from penstock.backends.redis import address, client
from penstock.backends.redis.address import Address
from penstock.backends.redis.bell import RedisDoorbell
from penstock.backends.redis.callers import Callers
from penstock.backends.redis.calls import Calls
from penstock.backends.redis.control import Control
from penstock.backends.redis.leases import Leases
from penstock.backends.redis.link import Link
from penstock.backends.redis.server import Server
from penstock.backends.redis.upkeep import Upkeep
from penstock.backends.redis.views import Views
from penstock.core.clock import Clock, system_clock
from penstock.core.errors import Mismatch

SCHEMA: Final = 1


class RedisStore(Callers, Leases, Upkeep, Control, Views):
    """A namespace on a server or a Cluster, in any number of processes. Threads and loops may share it."""

    def __init__(self, where: Address, *, namespace: str = "penstock", clock: Clock = system_clock) -> None:
        self._link = Link(where)
        self._namespace = namespace
        self._calls = Calls(self._link, namespace, clock)
        self._bell = RedisDoorbell(self._link, self._calls.prefix)
        self._server = Server(self._link, self._calls.prefix + b":meta")
        self._opened = False

    @property
    def doorbell(self) -> RedisDoorbell:
        return self._bell

    async def open(self) -> None:
        if self._opened:
            return
        await self._link.open()
        await self._server.check()
        asked = [str(SCHEMA), secrets.token_hex(8), self._namespace]
        schema, _, namespace = await self._calls.call("open", blobs=asked)
        if int(schema) != SCHEMA:
            raise Mismatch("the schema's version", SCHEMA, f"{int(schema)}, of another version of the library")
        if namespace.decode() != self._namespace:
            raise Mismatch("the namespace", self._namespace, namespace.decode())
        self._opened = True

    async def close(self) -> None:
        self._server.close()
        await self._bell.close()
        await self._link.close()


def from_url(url: str, *, namespace: str, clock: Clock) -> RedisStore:
    """A store that is not open yet: `redis://host:port/db`, `rediss://...`, `unix:///path`; see `address`."""
    return RedisStore(address.parse(url), namespace=namespace, clock=clock)


def from_client(given: object, *, namespace: str, clock: Clock) -> RedisStore:
    """A store at the address of the user's own client, with connections of its own."""
    return RedisStore(client.address(given), namespace=namespace, clock=clock)
