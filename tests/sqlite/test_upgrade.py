"""A store that an older version of the library has left, with runs in every state, is brought up to date and goes on.

`version_1.sql` was written by the library when it knew schema 1: runs that were queued, scheduled, retried, held by a
worker that died, failed and listed as a dead letter.
"""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from penstock import App, Retry
from penstock.backends.sqlite import migrate

OLD = Path(__file__).parent / "version_1.sql"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript(OLD.read_text(encoding="utf-8"))
    assert migrate.version(connection, "penstock") == 1
    connection.close()
    return path


def shop(file: Path) -> App:
    """The same tasks, in today's code."""
    app = App(file, name="shop")

    @app.task(retry=Retry(3, delay="1s", jitter=0))
    async def flaky(n: int) -> int:
        return n

    @app.task(retry=Retry(1), dead_letter=True)
    async def hopeless() -> str:
        return "after all"

    @app.task
    async def add(a: int, b: int) -> int:
        return a + b

    assert [one.name for one in (flaky, hopeless, add)] == ["flaky", "hopeless", "add"]
    return app


async def test_live_runs_of_an_older_version_finish(file: Path) -> None:
    """X-08."""
    async with shop(file) as app:
        assert (await app.info()).schema == migrate.NEWEST
        assert await app.check() == []
        (dead,) = (await app.dead()).items
        assert dead.id == "hopeless"
        assert (await app.runs(tag="old")).items[0].id == "queued"
        again = await app.named("add").opts(key="k").enqueue(20, 22)
        assert (again.id, again.created) == ("queued", False)

        runs = {"queued": 42, "scheduled": 7, "large": 1000, "held": 11, "retried": 7}
        async with app.worker(queues=["default", "held"], lease="1s"):
            found = await asyncio.gather(*(app.run(run_id).result(timeout=60) for run_id in runs))
            assert dict(zip(runs, found, strict=True)) == runs
            assert await app.redrive(dead=True) == 1
            assert await app.run("hopeless").result(timeout=60) == "after all"
        assert (await app.run("held").status()).crashes == 1
        assert [attempt.number for attempt in await app.run("retried").attempts()] == [1]
        assert [line.data for line in await app.run("retried").log() if line.kind == "log"] == [
            {"n": 7, "message": "trying"}
        ]
        assert await app.check() == []


async def test_many_processes_that_begin_at_once_upgrade_once(file: Path) -> None:
    """X-08: each namespace in one exclusive transaction, whoever comes first."""
    apps = [App(file) for _ in range(5)]
    schemas = await asyncio.gather(*(one.info() for one in apps))
    assert {one.schema for one in schemas} == {migrate.NEWEST}
    for app in apps:
        await app.close()
    connection = sqlite3.connect(file)
    versions = connection.execute("select version from penstock_migration order by version").fetchall()
    connection.close()
    assert [version for (version,) in versions] == list(range(1, migrate.NEWEST + 1))
