"""The doorbell: at once in the process, and soon from others."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from penstock.backends.sqlite import from_url, neighbours, writer
from penstock.backends.sqlite.bell import FileDoorbell
from penstock.backends.sqlite.neighbours import Neighbours
from penstock.core.clock import system_clock
from penstock.ports.doorbell import queue_topic, run_topic
from tests.sqlite.acts import drain, opened, put, runs

QUEUE = queue_topic("q")


def quiet() -> None:
    """Nobody cares that somebody listens."""


async def test_a_ring_reaches_those_who_listen_for_it() -> None:
    bell = FileDoorbell(quiet)
    mine, others = bell.listen([QUEUE]), bell.listen(["q:other"])
    bell.ring([QUEUE, "r:x"])
    assert await mine.wait(5) == {QUEUE}
    assert await others.wait(0) == frozenset()


async def test_a_ring_before_the_wait_is_heard() -> None:
    bell = FileDoorbell(quiet)
    listener = bell.listen([QUEUE])
    bell.ring([QUEUE])
    await asyncio.sleep(0)
    assert await listener.wait(0) == {QUEUE}
    assert await listener.wait(0) == frozenset()


async def test_closing_ends_the_wait() -> None:
    bell = FileDoorbell(quiet)
    listener = bell.listen([QUEUE])
    waiting = asyncio.create_task(listener.wait(60))
    await asyncio.sleep(0)
    listener.close()
    assert await waiting == frozenset()
    assert not bell.heard


async def test_a_ring_crosses_threads_and_loops() -> None:
    bell = FileDoorbell(quiet)
    listener = bell.listen([QUEUE])
    await asyncio.to_thread(bell.ring, [QUEUE])
    assert await listener.wait(5) == {QUEUE}


async def test_a_listener_whose_loop_is_gone_harms_nobody() -> None:
    bell = FileDoorbell(quiet)

    async def listen() -> None:
        bell.listen([QUEUE])

    await asyncio.to_thread(asyncio.run, listen())
    bell.ring([QUEUE])
    bell.ring_all()


async def test_what_a_store_does_rings(tmp_path: Path) -> None:
    store = await opened(tmp_path / "store.db")
    listener = store.doorbell.listen([QUEUE])
    [run] = runs(1)
    await put(store, run)
    assert await listener.wait(5) == {QUEUE}
    ended = store.doorbell.listen([run_topic(run.id)])
    await store.watch([run.id])
    await drain(store)
    assert await ended.wait(5) == {run_topic(run.id)}
    await store.close()


async def test_what_another_store_on_the_file_does_rings_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no socket reaches."""
    monkeypatch.setattr(neighbours, "LONGEST", 0)
    mine, other = await opened(tmp_path / "store.db"), await opened(tmp_path / "store.db")
    listener = mine.doorbell.listen([QUEUE, "r:x"])
    await listener.wait(0.05)
    began = time.monotonic()
    await put(other, *runs(1))
    assert await listener.wait(5) == {QUEUE, "r:x"}
    assert time.monotonic() - began < 2
    await mine.close()
    await other.close()


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the file for what others wrote."""
    monkeypatch.setattr(writer, "SOON", 1e8)
    monkeypatch.setattr(writer, "LATER", 1e8)


@pytest.fixture
def near() -> Iterator[Path]:
    """A folder whose name is short enough for sockets."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


async def test_neighbours_hear_what_was_rung(near: Path, deaf: None) -> None:
    mine, other = await opened(near / "store.db"), await opened(near / "store.db")
    listener = mine.doorbell.listen([QUEUE, "r:x"])
    await put(other, *runs(1))
    assert await listener.wait(5) == {QUEUE}
    await mine.close()
    await put(other, *runs(1))
    await other.close()
    assert not list((near / "store.db-turn").glob("*.bell"))


async def test_neighbours_of_another_namespace_hear_nothing(near: Path, deaf: None) -> None:
    mine = await opened(near / "store.db")
    other = from_url(f"sqlite:///{near / 'store.db'}", namespace="other", clock=system_clock)
    await other.open()
    listener = mine.doorbell.listen([QUEUE])
    await put(other, *runs(1))
    await put(mine, *runs(1))
    assert await listener.wait(5) == {QUEUE}
    assert await listener.wait(0) == frozenset()
    await mine.close()
    await other.close()


class Heard:
    """What one of the neighbours heard."""

    def __init__(self) -> None:
        self.topics: list[frozenset[str] | None] = []
        self.something = threading.Event()

    def __call__(self, topics: frozenset[str] | None) -> None:
        self.topics.append(topics)
        self.something.set()


@pytest.mark.parametrize(
    ("rung", "heard"),
    [
        ({"q:a", "r:1"}, {"q:a", "r:1"}),
        ({"q:a", *(f"r:{n:040}" for n in range(1000))}, None),
        ({f"q:{n:040}" for n in range(1000)}, None),
        ({"q:é"}, {"q:é"}),
    ],
)
def test_a_message_says_no_less_than_was_rung(near: Path, rung: set[str], heard: set[str] | None) -> None:
    said = Heard()
    one, two = Neighbours(near, "n", said), Neighbours(near, "n", Heard())
    one.open()
    two.open()
    one.listen()
    two.tell(rung)
    assert said.something.wait(10)
    assert said.topics == [heard]
    one.close()
    two.close()


def test_a_neighbour_that_died_is_forgotten(near: Path) -> None:
    left = near / "1-dead.bell"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as dead:
        dead.bind(str(left))
    one = Neighbours(near, "n", Heard())
    one.open()
    one.tell({"q:a"})
    assert not left.exists()
    one.tell({"q:a"})
    one.close()


def test_a_neighbour_that_reads_nothing_holds_nobody_up(near: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as lazy:
        lazy.bind(str(near / "1-lazy.bell"))
        one = Neighbours(near, "n", Heard())
        one.open()
        for _ in range(3000):
            one.tell({"q:a"})
        one.close()
