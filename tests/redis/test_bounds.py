"""What a plain run takes of the server's memory, and how much one script does: counted, for times tell of the machine.

`make redis-times` prints times.
"""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis

from penstock.backends import open_store
from penstock.core import ids
from penstock.core.leases import Claim, ClaimRequest, Complete, Retry, Spawn, Suspend
from penstock.core.limits import LimitDef, LimitRef
from penstock.core.requests import Group, Guard
from penstock.core.run import ChildOf, Kind, NewRun
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import able
from tests.redis.servers import Server

PAYLOAD = b"x" * 100


@pytest.fixture
def client(server: Server) -> Any:
    """For looking at the server, not for the store."""
    made: Any = redis.Redis(port=server.port)
    made.flushall()
    return made


@pytest.fixture
async def store(server: Server, client: Any) -> AsyncIterator[Store]:
    opened = open_store(server.url, namespace="bounds")
    await opened.open()
    yield opened
    assert await opened.check() == []
    await opened.close()


def some(n: int, **fields: Any) -> tuple[NewRun, ...]:
    return tuple(NewRun(id=ids.new_run_id(), task="t", input=PAYLOAD, **fields) for _ in range(n))


async def claimed(store: Store, n: int = 100, queue: str = "default") -> list[Claim]:
    request = ClaimRequest(
        claim_id=ids.new_claim_id(), worker="host-1234", queues=(queue,), abilities=able("t"), limit=n, lease=30.0
    )
    return list((await store.claim(request)).claims)


async def test_a_waiting_run_takes_few_bytes(store: Store, client: Any) -> None:
    """A hundred bytes of payload included; half of what most take who keep as much of a run."""
    await store.enqueue([Group(runs=some(1000))])
    before: int = client.info("memory")["used_memory"]
    for _ in range(15):
        await store.enqueue([Group(runs=some(1000))])
    assert (client.info("memory")["used_memory"] - before) / 15_000 < 300


async def test_a_plain_run_is_one_key(store: Store, client: Any) -> None:
    await store.enqueue([Group(runs=some(100))])
    before: int = client.dbsize()
    await store.enqueue([Group(runs=some(100))])
    assert client.dbsize() - before == 100
    await store.settle([Complete(lease=one.lease, result=b"1") for one in await claimed(store, 200)])
    assert client.dbsize() - before <= 105, "besides, the indexes of what has finished"


async def test_groups_are_stored_in_few_commands(store: Store, client: Any) -> None:
    """Whatever many runs have in common is written once; what each has, together with the others'."""
    for fields in ({"delay": 60.0}, {"priority": 3}, {"tags": ("a",)}):
        counted = Commands(client)
        await store.enqueue([Group(runs=some(500, queue="many", **fields))])
        assert counted.scripts == 1
        assert counted.total < 30, counted


async def test_a_flow_is_stored_claimed_completed_and_removed_in_few_commands(store: Store, client: Any) -> None:
    root = ids.new_run_id()
    children = some(400, queue="children", parent=ChildOf(parent_id=root))
    counted = Commands(client)
    await store.enqueue([Group(runs=(NewRun(id=root, task="t", wake=Wake(idle=True)), *children))])
    assert counted.scripts == 1
    assert counted.total < 40, counted

    counted = Commands(client)
    held = await claimed(store, 200, queue="children")
    assert len(held) == 200
    assert counted.scripts == 1
    assert counted.total < 30, counted

    counted = Commands(client)
    await store.settle([Complete(lease=one.lease, result=b"1") for one in held])
    assert counted.scripts == 1
    assert counted.total < 200 + 40, f"each child is read once: {counted}"

    counted = Commands(client)
    assert await store.remove([root]) == ["ok"]
    assert counted.scripts == 1
    assert counted.total < 60, counted
    assert await store.get([root, children[0].id]) == [None, None]


async def test_a_wait_for_many_is_stored_in_few_commands(store: Store, client: Any) -> None:
    await store.enqueue([Group(runs=some(1))])
    [held] = await claimed(store)
    calls = some(1000, queue="calls", parent=ChildOf(parent_id=held.run_id, kind=Kind.CALL))
    counted = Commands(client)
    await store.spawn([Spawn(lease=held.lease, runs=calls)])
    assert counted.scripts == 1
    assert counted.total < 40, counted
    counted = Commands(client)
    await store.settle([Suspend(lease=held.lease, wake=Wake(of=((tuple(one.id for one in calls), 1000),)))])
    assert counted.scripts == 1
    assert counted.total < 40, counted


async def test_what_takes_long_for_each_run_goes_in_small_scripts(store: Store, client: Any) -> None:
    """Limits, retries, moves by upkeep: no script carries more of these than take a few milliseconds."""
    await store.put_limit(LimitDef(name="l", n=1000))
    counted = Commands(client)
    await store.enqueue([Group(runs=(new,)) for new in some(500, queue="mixed", limits=(LimitRef(name="l"),))])
    assert counted.scripts >= 500 / 100
    counted, held = Commands(client), list[Claim]()
    while some_more := await claimed(store, 500, queue="mixed"):
        held += some_more
    assert len(held) == 500
    assert counted.scripts >= 500 / 50
    counted = Commands(client)
    await store.settle([Complete(lease=one.lease, result=b"1") for one in held[:300]])
    assert counted.scripts >= 300 / 100
    counted = Commands(client)
    answers = await store.settle([Retry(lease=one.lease, delay=0.001, error=b"e") for one in held[300:]])
    assert answers == ["ok"] * 200
    assert counted.scripts >= 200 / 100
    counted = Commands(client)
    tended = await store.tend(1000, Guard(gap=1e9))
    assert tended.promoted == 200
    assert counted.scripts >= 200 / 50


async def test_a_limit_is_dropped_in_small_scripts(store: Store, client: Any) -> None:
    await store.put_limit(LimitDef(name="l", n=1))
    await store.enqueue([Group(runs=(new,)) for new in some(700, queue="mixed", limits=(LimitRef(name="l"),))])
    counted = Commands(client)
    assert await store.drop_limit("l") == "ok"
    assert counted.scripts >= 500 / 100
    await store.tend(1000, Guard(gap=1e9))
    taken = 0
    while some_more := await claimed(store, 200, queue="mixed"):
        taken += len(some_more)
    assert taken == 700


class Commands:
    """What the server has carried out since this was made: commands, those inside scripts included."""

    def __init__(self, client: Any) -> None:
        self._client: Any = client
        self._before = self._all()

    @property
    def scripts(self) -> int:
        return self._since()["evalsha"]

    @property
    def total(self) -> int:
        """Commands inside scripts."""
        return self._since().total() - self.scripts

    def _since(self) -> Counter[str]:
        return self._all() - self._before

    def _all(self) -> Counter[str]:
        stats: dict[str, dict[str, int]] = self._client.info("commandstats")
        found = Counter({name.removeprefix("cmdstat_"): said["calls"] for name, said in stats.items()})
        for name in ("info", "ping", "script|load", "eval"):  # ours, and what is said once
            del found[name]
        return found

    def __repr__(self) -> str:
        return repr(self._since())
