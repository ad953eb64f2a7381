"""SAQ: an async worker, results kept in the job's record, waited for by its own notifications. No call in bulk."""

import asyncio
import logging
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benches.contenders import harness
from benches.contenders.meter import FILLER
from benches.contenders.server_side import Asked

SLOTS: Final = 10  # its default: 100 made no difference that could be told from noise
OPERATIONS: Final = 100  # at once in a process that enqueues; its default is 20


class Peer(harness.Peer):
    """A queue with the functions that are measured."""

    def __init__(self, folder: Path, slot: int, server: str) -> None:
        super().__init__(folder, slot, server)
        logging.getLogger("saq").setLevel(logging.ERROR)
        queues: Any = import_module("saq")
        self.queue: Any = queues.Queue.from_url(server, max_concurrent_ops=OPERATIONS)
        self.worker: Any = queues.Worker

    async def open(self) -> None:
        await self.queue.connect()

    async def close(self) -> None:
        await self.queue.disconnect()

    async def enqueue(self, number: int) -> object:
        return await self.queue.enqueue("job", number=number, filler=FILLER)

    async def probe(self, number: int) -> object:
        return await self.queue.enqueue("probe", number=number, filler=FILLER)

    async def result(self, probe: object) -> object:
        job: Any = probe
        await job.refresh(10)  # seconds that it waits at most
        return job.result

    def finished(self, asked: Asked) -> int:
        return -asked.number("ZCARD", "saq:default:incomplete")

    async def work(self, stopping: asyncio.Event) -> None:
        async def job(context: object, *, number: int, filler: str) -> int:
            del context, filler
            self.meter.tick()
            return number

        async def probe(context: object, *, number: int, filler: str) -> int:
            del context, filler
            self.meter.mark(number)
            return number

        worker = self.worker(self.queue, [("job", job), ("probe", probe)], concurrency=SLOTS)
        worker.SIGNALS = []  # ended here
        task = asyncio.create_task(worker.start())
        await stopping.wait()
        await worker.stop()
        await task


if __name__ == "__main__":
    harness.run(Peer)
