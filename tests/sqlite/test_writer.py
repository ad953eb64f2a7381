"""The one thread that writes: what shares a commit, whose error is whose, and what happens to a file in trouble."""

import asyncio
import os
import resource
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from penstock.backends.sqlite import SqliteStore, connect, writer
from penstock.backends.sqlite.session import Session
from penstock.core.errors import Closed, Unavailable
from penstock.core.leases import Ability, ClaimRequest
from penstock.core.run import NewRun
from penstock.core.state import State
from penstock.ports.doorbell import queue_topic
from tests.sqlite.acts import claim, drain, opened, put, runs


@pytest.fixture
async def store(tmp_path: Path) -> SqliteStore:
    return await opened(tmp_path / "store.db")


@pytest.fixture(autouse=True)
async def closed(store: SqliteStore) -> AsyncIterator[None]:
    """Each test leaves the store to be audited and closed."""
    yield
    assert await store.check() == []
    await store.close()


class Gate:
    """A job that keeps the writer busy until it is let go."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, session: Session) -> None:
        self.reached.set()
        assert self.open.wait(10)


async def gathered(store: SqliteStore, *jobs: writer.Job[object]) -> list[object]:
    """What the jobs come to when they wait for the writer together."""
    gate = Gate()
    first = asyncio.create_task(store._writer.do(gate))
    assert await asyncio.to_thread(gate.reached.wait, 10)
    others = [asyncio.create_task(store._writer.do(job)) for job in jobs]
    await asyncio.sleep(0)
    gate.open.set()
    await first
    return await asyncio.gather(*others, return_exceptions=True)


async def test_what_gathers_while_the_writer_is_busy_shares_a_commit(store: SqliteStore) -> None:
    def which(session: Session) -> int:
        return id(session)

    assert len(set(await gathered(store, *[which] * 5))) == 1


async def test_who_comes_while_a_job_is_carried_out_joins_its_commit(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "OPEN_FOR", 10.0)
    late: list[asyncio.Future[int]] = []
    joined = threading.Event()
    loop = asyncio.get_running_loop()

    def which(session: Session) -> int:
        return id(session)

    def first(session: Session) -> int:
        def join() -> None:
            late.append(asyncio.ensure_future(store._writer.do(which)))
            loop.call_soon(joined.set)

        loop.call_soon_threadsafe(join)
        assert joined.wait(10)
        return id(session)

    writer_was = await store._writer.do(first)
    assert await late[0] == writer_was


async def test_who_listens_hears_of_a_run_while_it_is_being_stored(store: SqliteStore) -> None:
    """So that its claim can join that commit."""
    ear = store.doorbell.listen([queue_topic("q")])
    gate = Gate()
    busy = asyncio.create_task(store._writer.do(gate))
    assert await asyncio.to_thread(gate.reached.wait, 10)
    storing = asyncio.create_task(put(store, *runs(1)))
    assert await ear.wait(10) == {queue_topic("q")}
    claiming = asyncio.create_task(claim(store))
    await asyncio.sleep(0)
    assert not storing.done()
    gate.open.set()
    await asyncio.gather(busy, storing)
    assert len((await claiming).claims) == 1
    ear.close()


async def test_a_job_that_raises_spoils_nobody(store: SqliteStore) -> None:
    """The others are carried out all the same, once."""

    def bad(session: Session) -> None:
        session.execute("insert into penstock_pause values ('task', 'bad')")
        raise ZeroDivisionError

    def good(name: str) -> writer.Job[object]:
        return lambda session: session.execute("insert into penstock_pause values ('task', ?)", (name,)).rowcount

    found = await gathered(store, good("a"), bad, good("b"))
    assert [found[0], found[2]] == [1, 1]
    assert isinstance(found[1], ZeroDivisionError)
    assert [one.name for one in await store.paused()] == ["a", "b"]


async def test_who_gave_up_waiting_changes_nothing_for_others(store: SqliteStore) -> None:
    gate = Gate()
    first = asyncio.create_task(store._writer.do(gate))
    assert await asyncio.to_thread(gate.reached.wait, 10)
    gone = asyncio.create_task(put(store, NewRun(id="gone", task="t")))
    stays = asyncio.create_task(put(store, NewRun(id="stays", task="t")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    gate.open.set()
    await asyncio.gather(first, stays)
    assert [run and run.id for run in await store.get(["gone", "stays"])] == [None, "stays"]


async def test_several_loops_share_a_store(store: SqliteStore) -> None:
    """As the loop of the program, that of the heartbeats, and that of blocking calls do."""

    def elsewhere(number: int) -> None:
        async def work() -> None:
            await put(store, *runs(20, f"q{number}"))
            assert len((await claim(store, queue=f"q{number}")).claims) == 20

        asyncio.run(work())

    await asyncio.gather(*(asyncio.to_thread(elsewhere, number) for number in range(4)))
    assert sum(one.n for one in await store.counts() if one.state is State.RUNNING) == 80


async def test_whoever_waits_while_the_store_closes_hears_of_it(tmp_path: Path) -> None:
    other = await opened(tmp_path / "other.db")
    closing = asyncio.create_task(other.close())
    late = [asyncio.create_task(put(other, one)) for one in runs(20)]
    await closing
    found = await asyncio.gather(*late, return_exceptions=True)
    assert {type(one) for one in found} <= {type(None), Closed}


async def test_a_full_disk_changes_nothing_and_ends_with_the_shortage(store: SqliteStore) -> None:
    """Reads go on, and so do writes once there is room."""
    await put(store, *runs(5))

    def most(pages: int) -> writer.Job[object]:
        return lambda session: session.connection.execute(f"pragma max_page_count = {pages}").fetchone()[0]

    [pages] = await gathered(store, most(1))
    with pytest.raises(Unavailable, match="SQLITE_FULL") as trouble:
        await put(store, *runs(400, size=2_000))
    assert trouble.value.applied == "no"
    assert len(await drain(store)) == 5
    assert isinstance(pages, int)
    await gathered(store, most(1_000_000))
    await put(store, *runs(400, size=2_000))
    assert len(await drain(store)) == 400


async def test_a_file_locked_by_others_is_unavailable_until_they_let_go(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gathered(store, lambda session: session.connection.execute("pragma busy_timeout = 50").fetchone())
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(Unavailable, match="SQLITE_BUSY") as trouble:
        await put(store, NewRun(id="r", task="t"))
    assert trouble.value.applied == "no"
    assert await store.get(["r"]) == [None]
    other.execute("rollback")
    other.close()
    await put(store, NewRun(id="r", task="t"))


async def test_a_file_that_is_replaced_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "INSPECTION", 0.0)
    other = await opened(tmp_path / "other.db")
    await put(other, NewRun(id="r", task="t"))
    (tmp_path / "other.db").unlink()
    with pytest.raises(Unavailable, match="deleted or replaced") as trouble:
        await put(other, NewRun(id="lost", task="t"))
    assert trouble.value.applied == "no"
    await other.close()


async def test_a_forked_child_has_no_store(store: SqliteStore) -> None:
    """It has neither the threads nor the locks: it opens its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            store._writer._hand_in  # noqa: B018
            store._reader._pid  # noqa: B018
            refused = 0
            for part in (store._writer, store._reader):
                try:
                    part.do(lambda _: None).send(None)
                except Closed:
                    refused += 1
                except RuntimeError:  # no loop runs here in some versions
                    refused += 1
            os.write(write, bytes([refused]))
        finally:
            os._exit(0)
    assert os.read(read, 1) == b"\x02"
    await asyncio.to_thread(os.waitpid, child, 0)
    os.close(read)
    os.close(write)
    await put(store, *runs(1))


async def test_the_log_is_folded_into_the_file_when_there_is_time(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the file alone has all, and the log is written over from its beginning."""
    monkeypatch.setattr(writer, "IDLE", 0.0)
    for _ in range(3):
        await put(store, *runs(100, size=500))
    await store._writer.do(writer._nothing)
    alone = tmp_path / "alone.db"
    alone.write_bytes((tmp_path / "store.db").read_bytes())
    with closing(sqlite3.connect(alone)) as connection:
        assert connection.execute("select count(*) from penstock_run").fetchone()[0] == 300
    grown = (tmp_path / "store.db-wal").stat().st_size
    await put(store, *runs(1))
    assert (tmp_path / "store.db-wal").stat().st_size == grown


async def test_workers_of_different_abilities_may_share_a_commit(store: SqliteStore) -> None:
    """Neither claims what only the other can run."""
    for task in ("a", "b"):
        await put(store, *[NewRun(id=f"{task}{n}", task=task, queue="q") for n in range(3)])

    def asks(task: str) -> ClaimRequest:
        able = frozenset({Ability(task=task)})
        return ClaimRequest(claim_id=task, worker=task, queues=("q",), abilities=able, limit=9, lease=30.0)

    gate = Gate()
    first = asyncio.create_task(store._writer.do(gate))
    assert await asyncio.to_thread(gate.reached.wait, 10)
    both = [asyncio.create_task(store.claim(asks(task))) for task in ("a", "b")]
    await asyncio.sleep(0)
    gate.open.set()
    await first
    found = [{one.task for one in claims.claims} for claims in await asyncio.gather(*both)]
    assert found == [{"a"}, {"b"}]


async def test_the_log_waits_for_who_still_reads_it(store: SqliteStore, tmp_path: Path) -> None:
    """And the writer waits for nobody."""
    reader = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    await put(store, *runs(10))
    reader.execute("begin")
    reader.execute("select count(*) from penstock_run").fetchone()
    await put(store, *runs(10))

    def fold(session: Session) -> bool:
        session.connection.execute("commit")
        folded = connect.fold(session.connection)
        session.connection.execute("begin immediate")
        return folded

    assert await gathered(store, fold) == [False]
    reader.close()
    assert await gathered(store, fold) == [True]


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """Sets how large files may grow; as ever when the test is over."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_write_that_fails_may_be_repeated(
    store: SqliteStore, tmp_path: Path, small_files: Callable[[int], None]
) -> None:
    """Whatever became of it: the same ids stand for the same runs."""
    new = runs(300, size=1_000)
    await put(store, *runs(1))
    small_files((tmp_path / "store.db-wal").stat().st_size + 20_000)
    with pytest.raises(Unavailable, match="SQLITE_IOERR") as trouble:
        await put(store, *new)
    assert trouble.value.applied in {"no", "unknown"}
    small_files(resource.RLIM_INFINITY)
    await put(store, *new)
    assert len(await drain(store)) == 301
