"""Which files can be a store, what is found in them again, and what closing means."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from penstock.backends.sqlite import connect, migrate, procedures, writer
from penstock.backends.sqlite.turn import Turn
from penstock.core.errors import Closed, Invalid, Mismatch, Unavailable
from penstock.core.run import NewRun
from tests.sqlite.acts import opened, put, runs, store_at


async def test_what_was_stored_is_found_again(tmp_path: Path) -> None:
    """S1-01: a store makes its own tables."""
    store = await opened(tmp_path / "a.db")
    [run] = runs(1)
    await put(store, run)
    before = await store.info()
    await store.close()
    again = await opened(tmp_path / "a.db")
    assert [found and found.id for found in await again.get([run.id])] == [run.id]
    assert (await again.info()).store_id == before.store_id
    await again.close()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_closing_leaves_one_file(tmp_path: Path) -> None:
    """The log is folded in, so that a copy of the file is a copy of the store."""
    store = await opened(tmp_path / "a.db")
    await put(store, *runs(5))
    await store.close()
    assert _names(tmp_path) == ["a.db", "a.db-turn"]


async def test_opening_and_closing_twice_does_it_once(tmp_path: Path) -> None:
    store = await opened(tmp_path / "a.db")
    await store.open()
    await store.close()
    await store.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = store_at(tmp_path / "a.db")
    with pytest.raises(Closed):
        await store.get(["r"])
    await store.open()
    await store.close()
    with pytest.raises(Closed):
        await store.get(["r"])
    with pytest.raises(Closed):
        await store.enqueue([])


async def test_namespaces_share_a_file_and_nothing_else(tmp_path: Path) -> None:
    one, other = [await opened(tmp_path / "a.db", namespace=name) for name in ("shop", "shop_eu")]
    await put(one, NewRun(id="r", task="t"))
    assert await other.get(["r"]) == [None]
    await put(other, NewRun(id="r", task="t", queue="other"))
    assert [run and run.queue for run in await one.get(["r"])] == ["default"]
    assert [await store.check() for store in (one, other)] == [[], []]
    await one.close()
    await other.close()


async def test_a_namespace_is_spelled_as_it_was_made(tmp_path: Path) -> None:
    """SQLite tells no upper from lower case in names of tables."""
    await (await opened(tmp_path / "a.db", namespace="Shop")).close()
    with pytest.raises(Mismatch, match=r"'shop'.*'Shop'"):
        await store_at(tmp_path / "a.db", namespace="shop").open()


async def test_the_name_that_sqlite_keeps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="namespace='sqlite'"):
        await store_at(tmp_path / "a.db", namespace="sqlite").open()


async def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    file.write_bytes(b"not a database at all, but long enough to look at" * 100)
    with pytest.raises(Invalid, match="no sound SQLite database"):
        await store_at(file).open()
    assert file.read_bytes().startswith(b"not a database")


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no folder"):
        await store_at(tmp_path / "missing" / "a.db").open()
    with pytest.raises(Invalid, match="is a folder"):
        await store_at(tmp_path).open()


def _network(_: Path) -> str:
    return "nfs4"


async def test_a_network_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "file_system", _network)
    with pytest.raises(Invalid, match="nfs4"):
        await store_at(tmp_path / "a.db").open()


def test_the_file_system_of_a_folder_is_known() -> None:
    assert connect.file_system(Path("/proc")) in {"proc", ""}


async def test_a_store_of_a_later_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    await (await opened(tmp_path / "a.db")).close()
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("insert into penstock_migration values (999, 'from the future', 0)")
    connection.commit()
    connection.close()
    with pytest.raises(Mismatch, match="999"):
        await store_at(tmp_path / "a.db").open()


async def test_a_store_begins_with_every_migration(tmp_path: Path) -> None:
    store = await opened(tmp_path / "a.db")
    assert (await store.info()).schema == migrate.NEWEST == len(migrate.migrations())
    await store.close()


async def test_a_migration_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = migrate.migrations()
    broken = {**good, migrate.NEWEST + 1: ("broken", "create table penstock_new (a);\nnonsense;\n")}
    await (await opened(tmp_path / "a.db")).close()
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "migrations", lambda: broken)
        patched.setattr(migrate, "NEWEST", migrate.NEWEST + 1)
        with pytest.raises(Exception, match="nonsense"):
            await store_at(tmp_path / "a.db").open()
    store = await opened(tmp_path / "a.db")
    assert (await store.info()).schema == migrate.NEWEST
    assert await store.check() == []
    await store.close()


async def test_how_durable_a_store_is_it_says(tmp_path: Path) -> None:
    for options, durable in (("", "full"), ("?fast=1", "fast")):
        store = await opened(tmp_path / f"{durable}.db", options)
        info = await store.info()
        assert info.durable == durable
        assert (info.left or 0) > 0
        await store.close()


async def test_who_only_looks_compiles_no_procedures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that lists runs is done in the time that compiling them takes."""
    await (await opened(tmp_path / "a.db")).close()
    monkeypatch.setattr(writer, "UNASKED", 60.0)
    compiled = _counted(monkeypatch)
    store = await opened(tmp_path / "a.db")
    assert await store.get(["r"]) == [None]
    await store.close()
    assert compiled == []


async def test_who_stays_has_them_before_the_first_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """... and others may write while they are compiled."""
    monkeypatch.setattr(writer, "UNASKED", 0.0)
    turn, compiled = Turn(tmp_path / "a.db-turn"), threading.Event()
    turn.open()
    define = procedures.define

    def others_write(connection: sqlite3.Connection, namespace: str) -> None:
        if turn.take(0.0):
            turn.give()
            define(connection, namespace)
            compiled.set()

    monkeypatch.setattr(procedures, "define", others_write)
    store = await opened(tmp_path / "a.db")
    assert await asyncio.to_thread(compiled.wait, 20)
    await put(store, *runs(1))
    await store.close()
    turn.close()


async def test_what_can_not_be_compiled_is_told_to_who_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again by each, so that a moment's trouble ends by itself."""
    monkeypatch.setattr(writer, "UNASKED", 60.0)
    store, troubles = await opened(tmp_path / "a.db"), [sqlite3.OperationalError("disk I/O error")]
    define = procedures.define

    def troubled(connection: sqlite3.Connection, namespace: str) -> None:
        if troubles:
            raise troubles.pop()
        define(connection, namespace)

    monkeypatch.setattr(procedures, "define", troubled)
    [run] = runs(1)
    with pytest.raises(Unavailable, match="disk I/O error") as caught:
        await put(store, run)
    assert caught.value.applied == "no"
    await put(store, run)
    await store.close()


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The namespaces for which procedures are compiled from now on."""
    compiled: list[str] = []
    define = procedures.define

    def counted(connection: sqlite3.Connection, namespace: str) -> None:
        compiled.append(namespace)
        define(connection, namespace)

    monkeypatch.setattr(procedures, "define", counted)
    return compiled
