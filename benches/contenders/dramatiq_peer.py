"""dramatiq: a worker with its default of 8 threads, results kept by its Redis backend. No call in bulk.

It fetches 100 messages ahead instead of 16: it polls, and between two polls no more is done than was fetched.
"""

import asyncio
import os
import threading
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benches.contenders import harness
from benches.contenders.meter import FILLER, repeated
from benches.contenders.server_side import Asked

THREADS: Final = 8
PREFETCH: Final = "100"
FOR_AN_HOUR: Final = 3_600_000  # milliseconds


class Peer(harness.Peer):
    """A broker with the actors that are measured. It knows no loop: its calls block."""

    def __init__(self, folder: Path, slot: int, server: str) -> None:
        super().__init__(folder, slot, server)
        os.environ["dramatiq_queue_prefetch"] = PREFETCH  # noqa: SIM112 (its name)
        self.dramatiq: Any = import_module("dramatiq")
        brokers: Any = import_module("dramatiq.brokers.redis")
        results: Any = import_module("dramatiq.results")
        backends: Any = import_module("dramatiq.results.backends.redis")
        self.broker: Any = brokers.RedisBroker(url=server)
        self.dramatiq.set_broker(self.broker)
        self.broker.add_middleware(results.Results(backend=backends.RedisBackend(url=server)))
        meter = self.meter

        def job(number: int, filler: str) -> int:
            del filler
            meter.tick()
            return number

        def probe(number: int, filler: str) -> int:
            del filler
            meter.mark(number)
            return number

        self.job, self.probe_actor = (
            self.dramatiq.actor(one, broker=self.broker, store_results=True, result_ttl=FOR_AN_HOUR)
            for one in (job, probe)
        )

    async def open(self) -> None:
        """Its connections are made when they are used."""

    async def close(self) -> None:
        self.broker.close()

    async def enqueue(self, number: int) -> object:
        return self.job.send(number, FILLER)

    async def at_once(self, count: int) -> int:
        done: list[int] = []

        def call() -> None:
            for number in repeated(count // harness.CALLERS):
                self.job.send(number, FILLER)
                done.append(number)

        threads = [threading.Thread(target=call) for _ in range(harness.CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(done)

    async def probe(self, number: int) -> object:
        return self.probe_actor.send(number, FILLER)

    async def result(self, probe: object) -> object:
        message: Any = probe
        return message.get_result(block=True, timeout=10_000)

    def finished(self, asked: Asked) -> int:
        return -asked.number("HLEN", "dramatiq:default.msgs")  # acknowledged after the result was stored

    async def work(self, stopping: asyncio.Event) -> None:
        worker = self.dramatiq.Worker(self.broker, worker_threads=THREADS)
        worker.start()
        await stopping.wait()
        worker.stop(timeout=1000)


if __name__ == "__main__":
    harness.run(Peer)
