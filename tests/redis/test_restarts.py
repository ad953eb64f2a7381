"""Servers that die, lose the end of what they wrote, or have no memory left: what was promised is kept.

RESTARTS says how many deaths, CUTS how many files are cut; SEED repeats the choices of a failure.
"""

import asyncio
import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from penstock.backends import open_store
from penstock.core.answers import Accepted, Answer
from penstock.core.errors import Unavailable
from penstock.core.leases import Complete
from penstock.core.requests import Group
from penstock.core.state import State
from penstock.engine.patience import repeat
from penstock.ports.doorbell import queue_topic
from penstock.ports.store import Store
from tests.builders import group, new_run
from tests.conformance.acts import UNGUARDED, claim
from tests.redis import service
from tests.redis.load import QUEUE, Load
from tests.redis.servers import Server, eventually
from tests.redis.test_faults import carry_out, stores_at

RESTARTS = int(os.environ.get("RESTARTS") or 3)
CUTS = int(os.environ.get("CUTS") or 5)
SEED = int(os.environ.get("SEED") or 1)


@pytest.fixture(autouse=True)
def _there() -> None:
    """Servers of our own die here: without one CI fails, and a laptop skips."""
    service.check_there()


async def test_a_server_that_is_killed_and_started_again_loses_nothing(tmp_path: Path) -> None:
    """B-073, T3 of the reliability notes: with every command on the disk before it is answered."""
    with Server(tmp_path, "--appendfsync", "always", aof=True) as server:
        load = Load(SEED)
        stores = await stores_at(server.url, "restarts", 3)

        async def kill() -> None:
            for _ in range(RESTARTS):
                seen = len(load.ended)
                await eventually(lambda: len(load.ended) > seen + 50, "runs to end in between")  # noqa: B023 (awaited)
                await asyncio.to_thread(server.end, signal.SIGKILL)
                await asyncio.to_thread(server.start)

        killing = asyncio.create_task(kill())
        await carry_out(load, stores, killing.done)
        await killing
        assert await load.wrong(stores[0]) == []
        for store in stores:
            await store.close()


def cut(folder: Path, chance: random.Random) -> int:
    """Cut the file of commands at a random byte; how many bytes went."""
    [file] = (folder / "appendonlydir").glob("*.incr.aof")
    size = file.stat().st_size
    left = chance.randrange(size // 4, size)
    os.truncate(file, left)
    return size - left


@pytest.mark.parametrize("number", range(CUTS))
async def test_a_file_cut_at_any_byte_is_an_earlier_moment(tmp_path: Path, number: int) -> None:
    """T4 of the reliability notes: what was stored since then is gone; what is left is sound, and goes on."""
    chance = random.Random(SEED * 1000 + number)
    with Server(tmp_path, aof=True) as server:
        load = Load(SEED + number, lease=1.0)
        [store] = await stores_at(server.url, "cut", 1)
        tasks = [asyncio.create_task(load.produce(store)), asyncio.create_task(load.work(store, "before"))]
        await eventually(lambda: len(load.ended) > 100, "runs to end")
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await store.close()
        await asyncio.to_thread(server.end, signal.SIGKILL)
        assert cut(tmp_path, chance) > 0
        await asyncio.to_thread(server.start)

        [store] = await stores_at(server.url, "cut", 1)
        assert await store.check() == []
        known = list(load.groups)
        for start in range(0, len(known), 100):  # whoever was told that it is stored asks again, as after a doubt
            answers = await store.enqueue(known[start : start + 100])
            assert all(isinstance(answer, Accepted) for answer in answers)
        await finish(store, {run.id for one in known for run in one.runs})
        assert await store.check() == []
        await store.close()


async def finish(store: Store, wanted: set[str]) -> None:
    """Rescue, claim and complete until all of these have succeeded."""
    listener = store.doorbell.listen([queue_topic(QUEUE)])
    deadline = time.monotonic() + 30.0
    left = sorted(wanted)
    while left:
        assert time.monotonic() < deadline, f"{len(left)} runs never end"
        await repeat(partial(store.tend, 500, UNGUARDED))
        claims = await claim(store, 100, worker="after", queues=(QUEUE,))
        answers = await store.settle([Complete(lease=one.lease, result=b"done") for one in claims])
        assert set(answers) <= {Answer.OK}
        found = dict(zip(left, await store.get(left), strict=True))
        left = [run_id for run_id, run in found.items() if run is None or not run.state.finished]
        if not claims:
            await listener.wait(0.1)  # leases of the dead expire
    listener.close()
    assert {run.state for run in await store.get(sorted(wanted)) if run} == {State.SUCCEEDED}


async def test_without_memory_nothing_comes_in_and_everything_goes_out(server: Server) -> None:
    """T16 and R4 of the reliability notes."""
    await asyncio.to_thread(server.ask, "FLUSHALL")
    store = open_store(server.url, namespace="full")
    await store.open()
    payload = b"x" * 1000
    groups = [group(new_run(f"r{number}", queue=QUEUE, input=payload)) for number in range(1000)]
    assert all(isinstance(answer, Accepted) for answer in await store.enqueue(groups))
    used = int(server.info()["used_memory"])
    await asyncio.to_thread(server.ask, "CONFIG", "SET", "maxmemory", used - (1 << 19))
    try:
        with pytest.raises(Unavailable, match="no memory left") as caught:
            await store.enqueue([Group(runs=(new_run("one more", queue=QUEUE, input=payload),))])
        assert caught.value.applied == "no"
        ended = 0
        for _ in range(10):
            claims = await claim(store, 100, queues=(QUEUE,))
            assert len(claims) == 100
            assert len(await store.extend([claim.lease for claim in claims], 60.0)) == 100
            answers = await store.settle([Complete(lease=claim.lease, result=payload) for claim in claims])
            ended += answers.count(Answer.OK)
        assert ended == 1000
    finally:
        await asyncio.to_thread(server.ask, "CONFIG", "SET", "maxmemory", 0)
    assert await store.get(["one more"]) == [None]
    assert await store.check() == []
    await store.close()
