"""A step's record in one transaction with what its code writes: whole, once, and not for long."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from penstock.backends.sqlite import SqliteStore
from penstock.core.answers import Answer
from penstock.core.errors import Closed, Invalid, Timeout
from penstock.core.leases import Step
from penstock.core.run import NewRun
from penstock.core.tx import Tx
from tests.builders import record, step
from tests.sqlite.acts import claim, opened, put

LONG = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"


@pytest.fixture
async def store(tmp_path: Path) -> SqliteStore:
    store = await opened(tmp_path / "store.db")
    await put(store, NewRun(id="r", task="t", queue="q"))
    return store


@pytest.fixture(autouse=True)
async def closed(store: SqliteStore) -> AsyncIterator[None]:
    yield
    assert await store.check() == []
    await store.close()


@pytest.fixture(autouse=True)
def _table(store: SqliteStore, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("create table mine (n integer primary key)")
        connection.commit()


def mine(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "store.db")) as connection:
        return [row[0] for row in connection.execute("select n from mine order by n")]


def writes(tx: Tx) -> Step:
    """A row, and the step."""
    tx.execute("insert into mine values (1)")
    return step("a", b"done")


async def test_both_or_neither(store: SqliteStore, tmp_path: Path) -> None:
    (got,) = (await claim(store)).claims
    asked = record(got.lease, "a", value=None)

    def fails(tx: Tx) -> Step:
        writes(tx)
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        store.record_with(asked, fails)
    assert (mine(tmp_path), await store.steps("r")) == ([], [])
    answered = store.record_with(asked, writes)
    assert (answered.answer, answered.step and answered.step.value) == (Answer.OK, b"done")
    assert mine(tmp_path) == [1]
    assert [(one.path, one.value) for one in await store.steps("r")] == [("a", b"done")]


async def test_asked_twice_it_does_once(store: SqliteStore, tmp_path: Path) -> None:
    (got,) = (await claim(store)).claims
    asked = record(got.lease, "a", value=None)
    assert store.record_with(asked, writes).answer is Answer.OK
    answered = store.record_with(asked, writes)
    assert (answered.answer, answered.step and answered.step.value) == (Answer.DUPLICATE, b"done")
    assert mine(tmp_path) == [1]


async def test_with_a_lease_that_is_lost_nothing_is_begun(store: SqliteStore, tmp_path: Path) -> None:
    """S4-56."""
    (got,) = (await claim(store)).claims
    await store.cancel(["r"], terminate=True)
    stale = record(type(got.lease)(run_id="r", token="another"), "a", value=None)
    assert store.record_with(stale, writes).answer is Answer.LOST
    assert mine(tmp_path) == []


async def test_what_takes_too_long_is_undone_and_others_go_on(store: SqliteStore, tmp_path: Path) -> None:
    """A statement is interrupted; code that does something else is not, but its transaction has ended."""
    (got,) = (await claim(store)).claims
    hold, heard = threading.Event(), threading.Event()

    def computes(tx: Tx) -> Step:
        writes(tx)
        tx.execute(LONG)
        return step("a")

    def dawdles(tx: Tx) -> Step:
        writes(tx)
        heard.set()
        hold.wait(60)
        tx.execute("insert into mine values (2)")
        return step("a")

    asked = record(got.lease, "a", value=None)
    with pytest.raises(Timeout):
        store.record_with(asked, computes, 0.05)
    late = asyncio.create_task(asyncio.to_thread(store.record_with, asked, dawdles, 0.05))
    await asyncio.to_thread(heard.wait, 60)
    await put(store, NewRun(id="other", task="t"))  # though the code has not come back
    assert mine(tmp_path) == []
    hold.set()
    with pytest.raises(Timeout):
        await late
    assert (mine(tmp_path), await store.steps("r")) == ([], [])
    assert store.record_with(asked, writes).answer is Answer.OK


@pytest.mark.parametrize(
    "sql", ["commit", "rollback", "begin", "attach 'other.db' as other", "pragma synchronous = off"]
)
async def test_the_transaction_is_not_the_code_s_to_end(store: SqliteStore, tmp_path: Path, sql: str) -> None:
    (got,) = (await claim(store)).claims

    def ends(tx: Tx) -> Step:
        writes(tx)
        with pytest.raises(Invalid, match="can't be ended"):
            tx.execute(sql)
        return step("a")

    assert store.record_with(record(got.lease, "a", value=None), ends).answer is Answer.OK
    assert mine(tmp_path) == [1]


async def test_a_statement_that_rolls_back_ends_it(store: SqliteStore, tmp_path: Path) -> None:
    """What the code writes after that would be stored alone."""
    (got,) = (await claim(store)).claims

    def rolls_back(tx: Tx) -> Step:
        writes(tx)
        with pytest.raises(sqlite3.IntegrityError):
            tx.execute("insert or rollback into mine values (1)")
        return step("a")

    def goes_on(tx: Tx) -> Step:
        rolls_back(tx)
        tx.execute("insert into mine values (3)")
        return step("a")

    asked = record(got.lease, "a", value=None)
    for work in (rolls_back, goes_on):
        with pytest.raises(Invalid, match="rolled"):
            store.record_with(asked, work)
    assert (mine(tmp_path), await store.steps("r")) == ([], [])


async def test_it_ends_with_the_step(store: SqliteStore) -> None:
    (got,) = (await claim(store)).claims
    kept: list[Tx] = []

    def keeps(tx: Tx) -> Step:
        kept.append(tx)
        return writes(tx)

    store.record_with(record(got.lease, "a", value=None), keeps)
    with pytest.raises(Closed):
        kept[0].execute("insert into mine values (2)")


async def test_triggers_of_the_user_s_own_are_as_elsewhere(store: SqliteStore, tmp_path: Path) -> None:
    """Not recursive, though those of the store are."""
    (got,) = (await claim(store)).claims

    def triggers(tx: Tx) -> Step:
        tx.execute(
            "create trigger more after insert on mine when new.n < 5 begin insert into mine values (new.n + 1); end"
        )
        return writes(tx)

    store.record_with(record(got.lease, "a", value=None), triggers)
    assert mine(tmp_path) == [1, 2]
