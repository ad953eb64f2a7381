"""Steps whose writes and record are one transaction: on SQLite both are there, or neither; refused elsewhere."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

import penstock
from penstock import App, Context, Invalid, Retry, RunFailed, StepFailed, Tx
from tests.workflows.support import Stage

FIXED = Retry(3, delay=0.001, jitter=0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a table of the user's own."""
    path = tmp_path / "app.db"
    connection = sqlite3.connect(path)
    connection.execute("create table account (name text primary key, cents int check (cents >= 0)) strict")
    connection.execute("insert into account values ('ann', 100), ('bob', 0)")
    connection.commit()
    connection.close()
    return path


def cents_in(file: Path) -> list[int]:
    connection = sqlite3.connect(file)
    found = [row[0] for row in connection.execute("select cents from account order by name")]
    connection.close()
    return found


async def test_the_writes_and_the_record_are_stored_together(file: Path) -> None:
    app = App(f"sqlite:///{file}")

    @app.step
    def move(cents: int, *, ctx: Context = penstock.inject(), tx: Tx = penstock.inject()) -> str:
        tx.execute("update account set cents = cents - ? where name = 'ann'", [cents])
        tx.execute("update account set cents = cents + :cents where name = 'bob'", {"cents": cents})
        row = tx.execute("select sum(cents) from account").one()
        assert row is not None
        return f"{ctx.task}: {row[0]} in all"

    @app.workflow
    async def transfer(cents: int) -> str:
        return await penstock.step(move, cents)

    async with app.worker():
        assert await (await transfer.enqueue(30)).result(timeout="30s") == "transfer: 100 in all"
    assert cents_in(file) == [70, 30]
    assert await app.check() == []
    await app.close()


async def test_what_a_failed_try_has_written_is_undone(file: Path) -> None:
    app = App(f"sqlite:///{file}")
    tries: list[int] = []

    @app.step(retry=FIXED)
    def move(cents: int, *, tx: Tx = penstock.inject()) -> int:
        tries.append(cents)
        tx.execute("update account set cents = cents + ? where name = 'bob'", [cents])
        if len(tries) == 1:
            raise OSError("not yet")
        return tx.execute("update account set cents = cents - ? where name = 'ann'", [cents]).count

    @app.workflow
    async def transfer(cents: int) -> int:
        return await penstock.step(move, cents)

    async with app.worker():
        assert await (await transfer.enqueue(30)).result(timeout="30s") == 1
        with pytest.raises(RunFailed, match="CHECK constraint failed"):
            await (await transfer.enqueue(1_000)).result(timeout="30s")
    assert tries == [30, 30, 1_000, 1_000, 1_000]
    assert cents_in(file) == [70, 30]
    await app.close()


async def test_many_at_once_wait_for_each_other(file: Path) -> None:
    """Beside plain steps; what each has written is there once."""
    app = App(f"sqlite:///{file}")

    @app.step
    def add(*, tx: Tx = penstock.inject()) -> None:
        tx.execute_many("update account set cents = cents + 1 where name = ?", [["ann"], ["bob"]])

    @app.step
    async def plain(n: int) -> int:
        return n

    @app.workflow
    async def flow(n: int) -> int:
        await asyncio.gather(penstock.step(add), plain(n))
        await penstock.step(add)
        return n

    async with app.worker(concurrency=10):
        runs = await app.enqueue_many([flow.call(n) for n in range(20)])
        assert [await run.result(timeout="1m") for run in runs] == list(range(20))
    assert cents_in(file) == [140, 40]
    assert await app.check() == []
    await app.close()


async def test_def_workflows_have_them_too(file: Path) -> None:
    app = App(f"sqlite:///{file}")

    @app.step
    def add(*, tx: Tx = penstock.inject()) -> int:
        return tx.execute("update account set cents = cents + 1 where name = 'ann'").count

    @app.workflow
    def flow() -> int:
        return add() + add()

    async with app.worker():
        assert await (await flow.enqueue()).result(timeout="30s") == 2
    assert cents_in(file) == [102, 0]
    await app.close()


async def test_other_stores_refuse_it_at_once(stage: Stage) -> None:
    """Nothing is tried again: the store will not have transactions next time."""

    @stage.app.step(retry=FIXED)
    def move(*, tx: Tx = penstock.inject()) -> None:
        stage.tell(f"moved {tx}")

    @stage.app.workflow
    async def flow() -> str:
        try:
            await penstock.step(move)
        except StepFailed as error:
            return f"{error.error_type}: {error.message}"
        return "?"

    said = await (await flow.enqueue()).result()
    assert said.startswith("penstock.Invalid: tx")
    assert "no transaction" in said
    assert stage.ran == []


def test_what_can_t_be_is_refused_when_it_is_declared() -> None:
    app = App("memory://")

    async def waits(*, tx: Tx = penstock.inject()) -> None:
        del tx

    def two(*, tx: Tx = penstock.inject(), other: Tx = penstock.inject()) -> None:
        del tx, other

    def by_place(tx: Tx = penstock.inject()) -> None:
        del tx

    def unknown(*, tx: sqlite3.Connection = penstock.inject()) -> None:
        del tx

    for function in (waits, two, by_place, unknown):
        with pytest.raises(Invalid):
            app.step(function)
    with pytest.raises(Invalid, match="1 s at most"):

        @app.step(timeout="2s")
        def slow(*, tx: Tx = penstock.inject()) -> None:
            del tx


async def test_steps_are_given_what_tasks_are(stage: Stage) -> None:
    """The context, and what providers give; anew for each try."""

    def numbers() -> int:
        stage.tell("given")
        return 7

    @stage.app.step(retry=FIXED)
    async def on_loop(*, ctx: Context = penstock.inject(), n: int = penstock.Depends(numbers)) -> str:
        if stage.ran.count("given") == 1:
            raise OSError("again")
        return f"{ctx.task} {n}"

    @stage.app.step
    def in_thread(*, ctx: Context = penstock.inject(), n: int = penstock.Depends(numbers)) -> str:
        return f"{ctx.task} {n}"

    @stage.app.workflow
    async def flow() -> list[str]:
        return [await on_loop(), await penstock.step(in_thread)]

    run = await flow.enqueue()
    await stage.play.advance("1m")
    assert await run.result() == ["flow 7", "flow 7"]
    assert stage.ran == ["given"] * 3
