"""Enqueue in the caller's own transaction: stored if and when that commits."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock import App, Invalid, InvalidInput, KeyConflict


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The user's own connection to the database in which the app's store is."""
    connection = sqlite3.connect(tmp_path / "app.db")
    yield connection
    connection.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store in a database that others can use."""
    return f"sqlite:///{tmp_path}/app.db"


async def test_a_run_exists_once_the_transaction_commits(app: App, connection: sqlite3.Connection) -> None:
    @app.task
    async def double(n: int) -> int:
        return 2 * n

    await app.open()
    async with app.worker():
        connection.execute("create table orders (id)")
        connection.execute("insert into orders values (1)")
        run = double.within(connection).enqueue(4)
        assert (await app.runs()).items == ()
        connection.commit()
        assert await run.result(timeout=20) == 8


async def test_a_run_never_exists_if_the_transaction_is_rolled_back(app: App, connection: sqlite3.Connection) -> None:
    @app.task
    async def task(n: int) -> None: ...

    await app.open()
    connection.execute("begin immediate")
    task.within(connection).enqueue(1)
    connection.rollback()
    assert (await app.runs()).items == ()


async def test_what_is_refused_elsewhere_is_refused_here(app: App, connection: sqlite3.Connection) -> None:
    @app.task
    async def task(n: int) -> None: ...

    await task.opts(key="k").enqueue(1)
    connection.execute("begin immediate")
    again = task.opts(key="k").within(connection).enqueue(1)
    assert again.created is False
    with pytest.raises(KeyConflict):
        task.opts(key="k").within(connection).enqueue(2)
    with pytest.raises(InvalidInput):
        task.within(connection).enqueue("x")  # type: ignore[arg-type]
    connection.commit()
    assert len((await app.runs()).items) == 1


async def test_a_connection_that_leads_elsewhere_is_refused(app: App, tmp_path: Path) -> None:
    @app.task
    async def task() -> None: ...

    await app.open()
    with pytest.raises(Invalid, match="connection"):
        task.within("a connection").enqueue()
    elsewhere = sqlite3.connect(tmp_path / "elsewhere.db")
    with pytest.raises(Invalid, match="connection"):
        task.within(elsewhere).enqueue()
    elsewhere.close()


async def test_a_store_without_transactions_says_so(connection: sqlite3.Connection) -> None:
    app = App("memory://")

    @app.task
    async def task() -> None: ...

    with pytest.raises(Invalid, match="connection"):
        task.within(connection).enqueue()
