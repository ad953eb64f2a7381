"""huey on Redis: a consumer with one thread that blocks for the next job, results kept, the caller notified of them.

One thread is fastest on no-op jobs: they share an interpreter. No call in bulk.
"""

import asyncio
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from benches.contenders import harness
from benches.contenders.meter import FILLER, repeated
from benches.contenders.server_side import Asked


class Peer(harness.Peer):
    """A huey with the jobs that are measured. It knows no loop: its calls block."""

    def __init__(self, folder: Path, slot: int, server: str) -> None:
        super().__init__(folder, slot, server)
        meter = self.meter
        self.huey: Any = import_module("huey").RedisHuey("bench", url=server, notify_result=True)

        def job(number: int, filler: str) -> int:
            del filler
            meter.tick()
            return number

        def probe(number: int, filler: str) -> int:
            del filler
            meter.mark(number)
            return number

        self.job, self.probe_task = (self.huey.task(name=one.__name__)(one) for one in (job, probe))

    async def open(self) -> None:
        """Its connections are made when they are used."""

    async def close(self) -> None:
        self.huey.storage.pool.disconnect()

    async def enqueue(self, number: int) -> object:
        return self.job(number, FILLER)

    async def at_once(self, count: int) -> int:
        done: list[int] = []

        def call() -> None:
            for number in repeated(count // harness.CALLERS):
                self.job(number, FILLER)
                done.append(number)

        threads = [threading.Thread(target=call) for _ in range(harness.CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(done)

    async def probe(self, number: int) -> object:
        return self.probe_task(number, FILLER)

    async def result(self, probe: object) -> object:
        waited: Any = probe
        return waited.get(blocking=True, timeout=10, backoff=1, max_delay=0.001)

    def finished(self, asked: Asked) -> int:
        return asked.number("HLEN", "huey.results.bench")

    async def work(self, stopping: asyncio.Event) -> None:
        consumer = self.huey.create_consumer(workers=1, periodic=False, check_worker_health=False)
        consumer.scheduler.start()
        for _, thread in consumer.worker_threads:
            thread.start()
        await stopping.wait()
        consumer.stop_flag.set()


if __name__ == "__main__":
    harness.run(Peer)
