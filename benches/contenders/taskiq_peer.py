"""taskiq on lists in Redis, its fastest broker, though it acknowledges nothing; results kept, looked for every ms.

Its worker runs on uvloop, as its own command does where that is installed. No call in bulk.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benches.contenders import harness
from benches.contenders.meter import FILLER
from benches.contenders.server_side import Asked

SLOTS: Final = 100


class Peer(harness.Peer):
    """A broker with the tasks that are measured."""

    def __init__(self, folder: Path, slot: int, server: str) -> None:
        super().__init__(folder, slot, server)
        logging.getLogger("taskiq").setLevel(logging.CRITICAL)
        stores: Any = import_module("taskiq_redis")
        results = stores.RedisAsyncResultBackend(redis_url=server)
        self.broker: Any = stores.ListQueueBroker(url=server).with_result_backend(results)
        meter = self.meter

        async def job(number: int, filler: str) -> int:
            del filler
            meter.tick()
            return number

        async def probe(number: int, filler: str) -> int:
            del filler
            meter.mark(number)
            return number

        self.job, self.probe_task = (self.broker.register_task(one, one.__name__) for one in (job, probe))

    async def open(self) -> None:
        await self.broker.startup()

    async def close(self) -> None:
        await self.broker.shutdown()

    async def enqueue(self, number: int) -> object:
        return await self.job.kiq(number, FILLER)

    async def probe(self, number: int) -> object:
        return await self.probe_task.kiq(number, FILLER)

    async def result(self, probe: object) -> object:
        task: Any = probe
        return (await task.wait_result(check_interval=0.001, timeout=10)).return_value

    def finished(self, asked: Asked) -> int:
        return asked.number("DBSIZE") - asked.number("EXISTS", "taskiq")

    async def work(self, stopping: asyncio.Event) -> None:
        receivers: Any = import_module("taskiq.api")
        receiver = asyncio.create_task(receivers.run_receiver_task(self.broker, max_async_tasks=SLOTS))
        await stopping.wait()
        receiver.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await receiver


def _on_uvloop(worker: Awaitable[None]) -> None:
    uvloop: Any = import_module("uvloop")
    uvloop.run(worker)


if __name__ == "__main__":
    harness.run(Peer, serving=_on_uvloop)
