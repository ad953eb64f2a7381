"""BullMQ's Python package: a worker with 100 jobs at once, finished jobs kept, its event stream tells of results."""

import asyncio
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benches.contenders import harness
from benches.contenders.meter import FILLER
from benches.contenders.server_side import Asked

QUEUE: Final = "bench"
SLOTS: Final = 100
FAR: Final = 30 * 86_400_000  # milliseconds


class Peer(harness.Peer):
    """A queue, and its events once a result is asked for."""

    def __init__(self, folder: Path, slot: int, server: str) -> None:
        super().__init__(folder, slot, server)
        self.bullmq: Any = import_module("bullmq")
        self.queue: Any = None
        self.events: Any = None
        self.producer: Any = None
        self.ended: dict[str, asyncio.Future[None]] = {}

    async def open(self) -> None:
        self.queue = self.bullmq.Queue(QUEUE, {"connection": self.server})

    async def close(self) -> None:
        await self.queue.close()
        if self.events is not None:
            await self.events.close()
        if self.producer is not None:
            await self.producer.close()

    async def enqueue(self, number: int) -> object:
        return await self.queue.add("job", {"number": number, "filler": FILLER})

    async def in_bulk(self, numbers: Sequence[int]) -> None:
        await self.queue.addBulk([{"name": "job", "data": {"number": one, "filler": FILLER}} for one in numbers])

    async def delayed(self, numbers: Sequence[int]) -> None:
        await self.queue.addBulk(
            [{"name": "job", "data": {"number": one, "filler": FILLER}, "opts": {"delay": FAR}} for one in numbers]
        )

    async def probe(self, number: int) -> object:
        await self._listen()
        return (await self.queue.add("probe", {"number": number, "filler": FILLER})).id

    def _ended(self, said: dict[str, str], *others: object) -> None:
        del others
        self._of(said["jobId"]).set_result(None)

    def _of(self, job: object) -> asyncio.Future[None]:
        return self.ended.setdefault(str(job), asyncio.get_running_loop().create_future())

    async def result(self, probe: object) -> object:
        await asyncio.wait_for(self._of(probe), 10)
        return None

    async def flows(self, number: int, children: int) -> None:
        if self.producer is None:
            self.producer = self.bullmq.FlowProducer({"connection": self.server})
        await self._listen()

        def node(one: int) -> dict[str, Any]:
            return {"name": "job", "queueName": QUEUE, "data": {"number": one, "filler": FILLER}}

        trees = [{**node(n), "children": [node(one) for one in range(children)]} for n in range(number)]
        stored = await self.producer.addBulk(trees) if number > 1 else [await self.producer.add(trees[0])]
        await asyncio.gather(*(asyncio.wait_for(self._of(one["job"].id), 60) for one in stored))

    async def _listen(self) -> None:
        """Hear of every end from now on, also of jobs that nobody asks for."""
        if self.events is None:
            self.events = self.bullmq.QueueEvents(QUEUE, {"connection": self.server, "lastEventId": "0-0"})
            self.events.on("completed", self._ended)

    def finished(self, asked: Asked) -> int:
        return asked.number("ZCARD", f"bull:{QUEUE}:completed")

    async def work(self, stopping: asyncio.Event) -> None:
        async def process(job: Any, token: str) -> int:
            del token
            number = int(job.data["number"])
            if job.name == "probe":
                self.meter.mark(number)
            else:
                self.meter.tick()
            return number

        worker = self.bullmq.Worker(QUEUE, process, {"connection": self.server, "concurrency": SLOTS})
        await stopping.wait()
        await worker.close(True)


if __name__ == "__main__":
    harness.run(Peer)
