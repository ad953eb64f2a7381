"""What SQLite itself gives on this disk at this moment, through the standard library: no queue, only the writes."""

import sqlite3
import time
from pathlib import Path

from benches.contenders.meter import FILLER, Figures, main, rate, repeated, singly, spread


def _database(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / "bare.db", isolation_level=None)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = full")
    database.execute("create table run (id integer primary key, input text not null)")
    return database


def enqueue_one(folder: Path, count: int) -> Figures:
    database = _database(folder)
    done, began = 0, time.monotonic()
    for number in repeated(count):
        database.execute("insert into run (input) values (?)", [FILLER])
        done = number + 1
    return rate(done, time.monotonic() - began)


def enqueue_many(folder: Path, count: int) -> Figures:
    database = _database(folder)
    rows = [(FILLER,)] * 1000
    began = time.monotonic()
    for _ in range(count // len(rows)):
        database.execute("begin immediate")
        database.executemany("insert into run (input) values (?)", rows)
        database.execute("commit")
    return rate(count, time.monotonic() - began)


def _commits(folder: Path, count: int, commits: int) -> Figures:
    """How long so many commits take after a pause."""
    database = _database(folder)
    took: list[float] = []
    for _ in singly(count):
        began = time.monotonic()
        for _ in range(commits):
            database.execute("insert into run (input) values (?)", [FILLER])
        took.append(time.monotonic() - began)
    return spread(took)


def pickup_same(folder: Path, count: int) -> Figures:
    return _commits(folder, count, 2)  # stored and claimed


def round_trip_same(folder: Path, count: int) -> Figures:
    return _commits(folder, count, 3)  # stored, claimed and settled


if __name__ == "__main__":
    main({measure.__name__: measure for measure in (enqueue_one, enqueue_many, pickup_same, round_trip_same)}, {})
