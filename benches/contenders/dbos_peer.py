"""DBOS on SQLite: workflows on a queue that is polled every 10 ms while idle; the database as it sets it up by itself.

Its default is one poll a second: ten milliseconds are to its advantage. It has no call that enqueues in bulk.
"""

import asyncio
import signal
import sqlite3
import threading
import time
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, Final, Self

from benches.contenders.meter import (
    FILLER,
    Figures,
    Meter,
    Workers,
    drained,
    main,
    picked_up,
    rate,
    repeated,
    round_trips,
)

CALLERS: Final = 100
QUEUE: Final = "bench"
STEPS: Final = 5


class Peer:
    """A launched DBOS with the workflows that are measured."""

    def __init__(self, folder: Path, slot: int = 0, *, works: bool) -> None:
        dbos: Any = import_module("dbos")
        self.meter = meter = Meter(folder, slot)
        self.file = folder / "dbos.db"
        self.dbos: Any = dbos.DBOS
        self.dbos(
            config={
                "name": "bench",
                "system_database_url": f"sqlite:///{self.file}",
                "executor_id": f"{'worker' if works else 'caller'}-{slot}",
                "application_version": "1",
                "log_level": "CRITICAL",
            }
        )

        def job(number: int, filler: str) -> int:
            del filler
            meter.tick()
            return number

        async def async_job(number: int, filler: str) -> int:
            del filler
            meter.tick()
            return number

        async def step(number: int) -> int:
            return number

        async def five(number: int) -> int:
            for _ in range(STEPS):
                await stepped(number)
            return number

        def probe(number: int, filler: str) -> int:
            del filler
            meter.mark(number)
            return number

        stepped = self.dbos.step(name="step")(step)
        self.job, self.async_job, self.probe, self.five = (
            self.dbos.workflow(name=function.__name__)(function) for function in (job, async_job, probe, five)
        )
        if not works:
            self.dbos.listen_queues([])
        self.dbos.launch()
        self.dbos.register_queue(QUEUE, polling_interval_sec=0.01)

    def enqueue(self, function: Any, number: int) -> Any:
        """Enqueue one; returns its handle."""
        return self.dbos.enqueue_workflow(QUEUE, function, number, FILLER)

    def result(self, number: int) -> int:
        """Of a new workflow, looked for every 10 ms."""
        return int(self.enqueue(self.probe, number).get_result(polling_interval_sec=0.01))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.dbos.destroy(workflow_completion_timeout_sec=0)


def enqueue_one(folder: Path, count: int) -> Figures:
    with Peer(folder, works=False) as peer:
        peer.enqueue(peer.job, -1)
        done, began = 0, time.monotonic()
        for number in repeated(count):
            peer.enqueue(peer.job, number)
            done = number + 1
        return rate(done, time.monotonic() - began)


def enqueue_100(folder: Path, count: int) -> Figures:
    async def call(peer: Peer, calls: int) -> int:
        done = 0
        for number in repeated(calls):
            await peer.dbos.enqueue_workflow_async(QUEUE, peer.async_job, number, FILLER)
            done = number + 1
        return done

    async def measure(peer: Peer) -> Figures:
        await call(peer, 1)
        began = time.monotonic()
        done = await asyncio.gather(*(call(peer, count // CALLERS) for _ in range(CALLERS)))
        return rate(sum(done), time.monotonic() - began)

    with Peer(folder, works=False) as peer:
        return asyncio.run(measure(peer))


def steps(folder: Path, count: int) -> Figures:
    """Workflows of five steps, all at once in this process."""

    async def measure(peer: Peer) -> Figures:
        began = time.monotonic()
        handles = [await peer.dbos.start_workflow_async(peer.five, number) for number in range(count)]
        results = await asyncio.gather(*(handle.get_result() for handle in handles))
        seconds = time.monotonic() - began
        if results != list(range(count)):
            raise RuntimeError("not what the workflows were asked for")
        return {"rate": count * STEPS / seconds}

    with Peer(folder, works=False) as peer:
        return asyncio.run(measure(peer))


def _drain(folder: Path, count: int, workers: int) -> Figures:
    with Peer(folder, works=False) as peer:
        for number in range(count):
            peer.enqueue(peer.job, number)
    database = sqlite3.connect(peer.file, timeout=30)

    def finished() -> bool:
        found = database.execute("select count(*) from workflow_status where status = 'SUCCESS'").fetchone()
        return int(found[0]) >= count

    return drained(folder, count, workers, finished)


def drain_1(folder: Path, count: int) -> Figures:
    return _drain(folder, count, 1)


def drain_2(folder: Path, count: int) -> Figures:
    return _drain(folder, count, 2)


def pickup_same(folder: Path, count: int) -> Figures:
    with Peer(folder, works=True) as peer:
        return picked_up(peer.meter, lambda number: peer.enqueue(peer.probe, number), count)


def pickup_other(folder: Path, count: int) -> Figures:
    with Peer(folder, works=False) as peer, Workers(folder):
        return picked_up(peer.meter, lambda number: peer.enqueue(peer.probe, number), count)


def round_trip_same(folder: Path, count: int) -> Figures:
    with Peer(folder, works=True) as peer:
        return round_trips(peer.result, count)


def round_trip_other(folder: Path, count: int) -> Figures:
    with Peer(folder, works=False) as peer, Workers(folder):
        return round_trips(peer.result, count)


def serve(folder: Path, slot: int) -> None:
    """Be a worker process."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    with Peer(folder, slot, works=True):
        stopping.wait()


if __name__ == "__main__":
    main(
        {
            measure.__name__: measure
            for measure in (
                enqueue_one,
                enqueue_100,
                drain_1,
                drain_2,
                pickup_same,
                pickup_other,
                round_trip_same,
                round_trip_other,
                steps,
            )
        },
        {"serve": serve},
    )
