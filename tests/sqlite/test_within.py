"""Enqueueing in the caller's own transaction."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from penstock.backends.sqlite import SqliteStore
from penstock.core.answers import Accepted, Refused
from penstock.core.errors import Invalid
from penstock.core.requests import Group
from penstock.core.run import ChildOf, Key, NewRun
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.doorbell import queue_topic
from tests.sqlite.acts import claim, drain, opened, put, runs


@pytest.fixture
async def store(tmp_path: Path) -> SqliteStore:
    return await opened(tmp_path / "store.db")


@pytest.fixture(autouse=True)
async def closed(store: SqliteStore) -> AsyncIterator[None]:
    yield
    assert await store.check() == []
    await store.close()


@pytest.fixture
def mine(store: SqliteStore, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The caller's connection, with a table of its own."""
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("create table orders (id)")
        connection.commit()
        yield connection


def group(*new: NewRun) -> Group:
    return Group(runs=new)


async def test_runs_exist_when_the_caller_commits(store: SqliteStore, mine: sqlite3.Connection) -> None:
    mine.execute("insert into orders values (1)")
    [answer] = store.enqueue_within(mine, [group(NewRun(id="r", task="t"))])
    assert isinstance(answer, Accepted)
    assert await store.get(["r"]) == [None]
    mine.commit()
    assert [run and run.state for run in await store.get(["r"])] == [State.QUEUED]


async def test_runs_never_exist_when_the_caller_rolls_back(store: SqliteStore, mine: sqlite3.Connection) -> None:
    for _ in range(2):
        mine.execute("insert into orders values (1)")
        store.enqueue_within(mine, [group(NewRun(id="r", task="t"))])
        mine.rollback()
    assert await store.get(["r"]) == [None]
    assert mine.execute("select count(*) from orders").fetchone() == (0,)


async def test_what_was_rolled_back_can_be_asked_for_again(store: SqliteStore, mine: sqlite3.Connection) -> None:
    """Also with parents, keys and limits, and beside the store's own writes."""
    flow = group(
        NewRun(id="p", task="t", wake=Wake(idle=True)), NewRun(id="c", task="t", parent=ChildOf(parent_id="p"))
    )
    store.enqueue_within(mine, [flow])
    mine.rollback()
    await put(store, *runs(3))
    keyed = group(NewRun(id="k", task="t", key=Key(key="k", input_hash=b"1")))
    answers = store.enqueue_within(mine, [flow, keyed])
    mine.commit()
    assert [type(answer) for answer in answers] == [Accepted, Accepted]
    assert [run and run.state for run in await store.get(["p", "c", "k"])] == [
        State.WAITING,
        State.QUEUED,
        State.QUEUED,
    ]


async def test_a_refused_group_leaves_the_transaction_to_the_caller(
    store: SqliteStore, mine: sqlite3.Connection
) -> None:
    mine.execute("insert into orders values (1)")
    [answer] = store.enqueue_within(mine, [group(NewRun(id="c", task="t", parent=ChildOf(parent_id="nobody")))])
    assert isinstance(answer, Refused)
    mine.commit()
    assert mine.execute("select count(*) from orders").fetchone() == (1,)


async def test_the_connection_is_left_as_it_was(store: SqliteStore, mine: sqlite3.Connection) -> None:
    mine.row_factory, mine.text_factory = sqlite3.Row, bytes
    mine.execute("pragma recursive_triggers = off")
    store.enqueue_within(mine, [group(NewRun(id="r", task="t", tags=("é",)))])
    mine.commit()
    assert (mine.row_factory, mine.text_factory) == (sqlite3.Row, bytes)
    assert mine.execute("pragma recursive_triggers").fetchone()[0] == 0


async def test_other_files_and_other_things_are_refused(
    store: SqliteStore, mine: sqlite3.Connection, tmp_path: Path
) -> None:
    with pytest.raises(Invalid, match=r"must be a sqlite3\.Connection"):
        store.enqueue_within("store.db", [])
    with closing(sqlite3.connect(tmp_path / "other.db")) as other, pytest.raises(Invalid, match="main database"):
        store.enqueue_within(other, [])
    mine.isolation_level = None
    with pytest.raises(Invalid, match="no transaction"):
        store.enqueue_within(mine, [])


async def test_workers_hear_of_the_commit(store: SqliteStore, mine: sqlite3.Connection) -> None:
    listener = store.doorbell.listen([queue_topic("q")])
    await listener.wait(0.05)
    store.enqueue_within(mine, [group(*runs(1))])
    mine.commit()
    assert await listener.wait(5) == {queue_topic("q")}
    listener.close()
    assert len((await claim(store)).claims) == 1
    assert await drain(store) == []
