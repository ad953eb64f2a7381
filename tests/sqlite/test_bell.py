"""The doorbell: at once in the process, and soon from others."""

import asyncio
import time
from pathlib import Path

from penstock.backends.sqlite.bell import FileDoorbell
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


async def test_what_another_store_on_the_file_does_rings_all(tmp_path: Path) -> None:
    mine, other = await opened(tmp_path / "store.db"), await opened(tmp_path / "store.db")
    listener = mine.doorbell.listen([QUEUE, "r:x"])
    await listener.wait(0.05)
    began = time.monotonic()
    await put(other, *runs(1))
    assert await listener.wait(5) == {QUEUE, "r:x"}
    assert time.monotonic() - began < 2
    await mine.close()
    await other.close()
