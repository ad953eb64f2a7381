"""huey on SQLite: WAL, fsync on, results kept; a consumer with one thread, polling every 10 ms while idle.

One thread is fastest on no-op jobs: more of them fight for the lock on the file. It polls ten times as often as by
default, to its advantage where latency is measured. It has no call that enqueues in bulk.
"""

import sqlite3
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

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

CALLERS = 100


class Peer:
    """A huey with the jobs that are measured."""

    def __init__(self, folder: Path, slot: int = 0) -> None:
        self.meter = Meter(folder, slot)
        self.huey: Any = import_module("huey").SqliteHuey("bench", filename=str(folder / "huey.db"), fsync=True)
        self.job: Any = self.huey.task(name="job")(self._job)
        self.probe: Any = self.huey.task(name="probe")(self._probe)

    def _job(self, number: int, filler: str) -> int:
        self.meter.tick()
        return number

    def _probe(self, number: int, filler: str) -> int:
        self.meter.mark(number)
        return number

    def result(self, number: int) -> int:
        """Of a new job, looked for every 10 ms."""
        return int(self.probe(number, FILLER).get(blocking=True, backoff=1, max_delay=0.01))

    def consumer(self) -> Any:
        """One that is not started yet."""
        return self.huey.create_consumer(
            workers=1, periodic=False, initial_delay=0.01, max_delay=0.01, check_worker_health=False
        )


def enqueue_one(folder: Path, count: int) -> Figures:
    peer = Peer(folder)
    peer.job(-1, FILLER)
    done, began = 0, time.monotonic()
    for number in repeated(count):
        peer.job(number, FILLER)
        done = number + 1
    return rate(done, time.monotonic() - began)


def enqueue_100(folder: Path, count: int) -> Figures:
    peer = Peer(folder)
    peer.job(-1, FILLER)

    done: list[int] = []

    def call() -> None:
        for number in repeated(count // CALLERS):
            peer.job(number, FILLER)
            done.append(number)

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rate(len(done), time.monotonic() - began)


def _drain(folder: Path, count: int, workers: int) -> Figures:
    peer = Peer(folder)
    for number in range(count):
        peer.job(number, FILLER)
    database = sqlite3.connect(folder / "huey.db")

    def finished() -> bool:
        return int(database.execute("select count(*) from kv").fetchone()[0]) >= count

    return drained(folder, count, workers, finished)


def drain_1(folder: Path, count: int) -> Figures:
    return _drain(folder, count, 1)


def drain_2(folder: Path, count: int) -> Figures:
    return _drain(folder, count, 2)


@contextmanager
def _consuming(peer: Peer) -> Generator[None, None, None]:
    consumer = peer.consumer()
    consumer.scheduler.start()
    for _, thread in consumer.worker_threads:
        thread.start()
    try:
        yield
    finally:
        consumer.stop_flag.set()


def pickup_same(folder: Path, count: int) -> Figures:
    peer = Peer(folder)
    with _consuming(peer):
        return picked_up(peer.meter, lambda number: peer.probe(number, FILLER), count)


def pickup_other(folder: Path, count: int) -> Figures:
    peer = Peer(folder)
    with Workers(folder):
        return picked_up(peer.meter, lambda number: peer.probe(number, FILLER), count)


def round_trip_same(folder: Path, count: int) -> Figures:
    peer = Peer(folder)
    with _consuming(peer):
        return round_trips(peer.result, count)


def round_trip_other(folder: Path, count: int) -> Figures:
    with Workers(folder):
        return round_trips(Peer(folder).result, count)


def serve(folder: Path, slot: int) -> None:
    """Be a consumer process."""
    Peer(folder, slot).consumer().run()


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
            )
        },
        {"serve": serve},
    )
