"""Networks that cut and swallow, through a proxy: no run is lost, none is there twice, no attempt is burned.

FAULTS says how many (`make faults`: 50 000); SEED repeats the choices of a failure.
"""

import asyncio
import functools
import os
import random
import time
from collections.abc import AsyncIterator, Callable

import pytest

from penstock.backends import open_store
from penstock.ports.store import Store
from tests.builders import new_run
from tests.conformance.acts import claim, put
from tests.redis.load import Load
from tests.redis.proxy import Fault, Proxy
from tests.redis.servers import Cluster, Server, eventually

FAULTS = int(os.environ.get("FAULTS") or 300)
SEED = int(os.environ.get("SEED") or 1)
STORES = 3
CHOICES = (Fault.SWALLOW, Fault.SWALLOW, Fault.SWALLOW, Fault.CUT_BEFORE, Fault.CUT_WITHIN, Fault.DELAY)
SCRIPTS = 0.4  # of what carries scripts meets a fault ...
REST = 0.005  # ... and of the rest


class Storm:
    """Faults by chance until there were enough."""

    def __init__(self, proxy: Proxy, faults: int, seed: int) -> None:
        self._proxy = proxy
        self._faults = faults
        self._chance = random.Random(seed)

    @property
    def struck(self) -> int:
        return sum(count for fault, count in self._proxy.struck.items() if fault not in {Fault.NONE, Fault.DELAY})

    @property
    def is_over(self) -> bool:
        return self.struck >= self._faults

    def __call__(self, piece: bytes) -> Fault:
        if self.is_over or self._chance.random() > (SCRIPTS if b"EVAL" in piece else REST):
            return Fault.NONE
        return self._chance.choice(CHOICES)


async def stores_at(url: str, namespace: str, count: int) -> list[Store]:
    stores = [open_store(url, namespace=namespace) for _ in range(count)]
    for store in stores:
        await store.open()
    return stores


async def carry_out(load: Load, stores: list[Store], until: Callable[[], object]) -> None:
    """Have all stores used, until this holds; then let every run end."""
    producing = [asyncio.create_task(load.produce(store)) for store in stores]
    working = [asyncio.create_task(load.work(store, f"w{number}")) for number, store in enumerate(stores * 2)]
    try:
        await eventually(lambda: until() or any(task.done() for task in (*producing, *working)), "the faults", 3600)
        load.stop()
        await asyncio.gather(*producing)
        await asyncio.wait_for(asyncio.gather(*working), 120)
    finally:
        for task in (*producing, *working):
            task.cancel()
        await asyncio.wait([*producing, *working])


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port) as proxy:
        proxy.keeps_sent = False
        yield proxy


async def test_answers_that_never_come_and_cuts_cost_nothing(
    server: Server, proxy: Proxy, capsys: pytest.CaptureFixture[str]
) -> None:
    """P1 and T5 of the reliability notes."""
    began = time.monotonic()
    await asyncio.to_thread(server.ask, "FLUSHALL")
    load = Load(SEED)
    stores = await stores_at(proxy.url, "faults", STORES)
    [direct] = await stores_at(server.url, "faults", 1)
    storm = proxy.plan = Storm(proxy, FAULTS, SEED)
    await carry_out(load, stores, lambda: storm.is_over)
    wrong = await load.wrong(direct)
    for store in (*stores, direct):
        await store.close()
    counts = ", ".join(f"{count:,} {fault.value}" for fault, count in sorted(proxy.struck.items(), key=str))
    with capsys.disabled():
        print(  # noqa: T201 (counts and bounds are what this test is run for)
            f"\nFaults: {time.monotonic() - began:.0f} s, seed {SEED}, {len(load.numbers):,} runs; {counts}; "
            f"{len(wrong)} violations"
        )
    assert wrong == []
    assert storm.struck >= FAULTS


async def test_forgotten_scripts_and_killed_clients_cost_nothing(server: Server) -> None:
    """R1 of the reliability notes."""
    await asyncio.to_thread(server.ask, "FLUSHALL")
    load = Load(SEED)
    stores = await stores_at(server.url, "kills", STORES)
    rounds = 0

    async def disturb() -> None:
        nonlocal rounds
        while rounds < 20:
            seen = len(load.ended)
            await asyncio.to_thread(server.ask, "SCRIPT", "FLUSH")
            for kind in ("normal", "pubsub"):
                await asyncio.to_thread(server.ask, "CLIENT", "KILL", "TYPE", kind)
            await eventually(lambda: len(load.ended) > seen, "runs to end in between")  # noqa: B023 (awaited here)
            rounds += 1

    disturbing = asyncio.create_task(disturb())
    await carry_out(load, stores, disturbing.done)
    await disturbing
    assert await load.wrong(stores[0]) == []
    for store in stores:
        await store.close()


async def test_dead_connections_cost_ten_seconds_at_most(server: Server, proxy: Proxy) -> None:
    """B-072; R9 and T6 of the reliability notes."""
    await asyncio.to_thread(server.ask, "FLUSHALL")
    load = Load(SEED)
    stores = await stores_at(proxy.url, "dead", 1)
    producing = asyncio.create_task(load.produce(stores[0]))
    working = asyncio.create_task(load.work(stores[0], "w"))
    await eventually(lambda: len(load.ended) > 10, "runs to end")
    proxy.strike(Fault.DEAD)
    await eventually(lambda: proxy.struck[Fault.DEAD], "the fault")
    began, ended = time.monotonic(), len(load.ended)
    await eventually(lambda: len(load.ended) > ended + 10, "runs to end again")
    assert time.monotonic() - began < 10
    load.stop()
    await asyncio.gather(producing, working)
    assert await load.wrong(stores[0]) == []
    await stores[0].close()


async def test_a_slot_that_moves_under_load_costs_nothing(cluster: Cluster) -> None:
    """R8 of the reliability notes."""
    namespace = f"moving-{SEED}"
    slot = cluster.slot_of(f"{{{namespace}}}")
    load = Load(SEED)
    stores = await stores_at(cluster.url, namespace, STORES)
    moves: list[int] = []

    async def move() -> None:
        for _ in range(6):
            seen = len(load.ended)
            moves.append(await asyncio.to_thread(cluster.migrate, slot, batch=10))
            await eventually(lambda: len(load.ended) > seen + 20, "runs to end in between")  # noqa: B023 (awaited here)

    moving = asyncio.create_task(move())
    await carry_out(load, stores, moving.done)
    await moving
    assert min(moves) > 0
    assert await load.wrong(stores[0]) == []
    for store in stores:
        await store.close()


async def test_what_has_not_come_over_yet_is_not_taken_for_removed(cluster: Cluster) -> None:
    """The new node has all keys but those of every other run when it is asked to claim."""
    namespace = "half-moved"
    slot = cluster.slot_of(f"{{{namespace}}}")
    [store] = await stores_at(cluster.url, namespace, 1)
    names = {f"{kind}-{number}" for number in range(5) for kind in ("here", "late")}
    await put(store, *map(new_run, sorted(names)))
    source, target = await asyncio.to_thread(cluster.begin, slot)
    keys = await asyncio.to_thread(source.ask, "CLUSTER", "GETKEYSINSLOT", slot, 1000)
    over = [key for key in keys if b"=late" not in key]
    assert len(over) == len(keys) - 5
    await asyncio.to_thread(source.ask, "MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *over)
    claiming = asyncio.create_task(claim(store, 10))
    refused = functools.partial(target.ask, "INFO", "errorstats")
    await eventually(lambda: b"TRYAGAIN" in refused() or claiming.done(), "the new node to be asked")
    await asyncio.to_thread(cluster.move_keys, slot, source, target)
    await asyncio.to_thread(cluster.finish, slot, source, target)
    assert {one.run_id for one in await claiming} == names
    await store.close()
