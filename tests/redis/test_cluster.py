"""A Cluster: the node that serves is found, followed when it changes, and missed by nobody for long."""

import asyncio
import secrets
from itertools import count
from pathlib import Path

import pytest

from penstock.backends.redis import line
from penstock.backends.redis.bell import RedisDoorbell
from penstock.backends.redis.link import Link
from penstock.backends.redis.script import Script
from penstock.core.errors import Unavailable
from penstock.ports.doorbell import UPKEEP, queue_topic
from tests.redis.conftest import Linked
from tests.redis.puppet import Puppet, says
from tests.redis.servers import Cluster, eventually

SOON = 5.0
ECHO = Script("echo", "return ARGV[1]")
COUNT = Script("count", "return redis.call('incr', KEYS[1])")
BOTH = Script("both", "redis.call('incr', KEYS[1]) return redis.call('incr', KEYS[2])")
# Reads first a key that it does not declare, as scripts of a store do with what they find on the way.
DERIVED = Script(
    "derived", "local found = redis.call('get', KEYS[1] .. ':more') redis.call('incr', KEYS[1]) return found"
)


def tag_on(cluster: Cluster, number: int) -> str:
    """A tag whose slot the node of that number serves now."""
    for _ in count():
        tag = f"{{{secrets.token_hex(4)}}}"
        if cluster.owner(cluster.slot_of(tag)) is cluster.nodes[number]:
            return tag
    raise AssertionError


@pytest.fixture
async def link(cluster: Cluster, linked: Linked) -> Link:
    made = linked(cluster.url)
    await made.open()
    return made


@pytest.mark.parametrize("number", [0, 1])
async def test_the_node_that_serves_is_found(cluster: Cluster, link: Link, number: int) -> None:
    key = tag_on(cluster, number).encode()
    counted = await asyncio.gather(*(link.run(COUNT, [key], []) for _ in range(50)))
    assert {int(str(one)) for one in counted} == set(range(1, 51))  # those that were sent on may come in any order
    assert str(link.route.node) == f"127.0.0.1:{cluster.nodes[number].port}"
    assert await link.run_both((COUNT, [key], []), (COUNT, [key], [])) == (51, 52)


async def test_a_slot_that_moves_under_load_is_followed(cluster: Cluster, link: Link) -> None:
    """R8 of the reliability notes: every command is carried out once, whichever node it meets."""
    tag = tag_on(cluster, 0)
    keys = [f"{tag}:{number}".encode() for number in range(200)]
    for key in keys:
        await link.run(COUNT, [key], [])
    moving = True

    async def ask(mine: list[bytes]) -> int:
        rounds = 1
        while moving:
            rounds += 1
            for one, other in zip(mine[::2], mine[1::2], strict=True):
                await link.run(BOTH, [one, other], [])
                await link.run(DERIVED, [one], [])
        return rounds

    asking = [asyncio.create_task(ask(keys[start : start + 20])) for start in range(0, 200, 20)]
    for _ in range(4):
        assert await asyncio.to_thread(cluster.migrate, cluster.slot_of(tag), batch=5) == 200
    moving = False
    rounds = await asyncio.gather(*asking)
    assert min(rounds) > 1
    for number, key in enumerate(keys):
        mine = rounds[number // 20]
        expected = 1 + (mine - 1) * (2 if number % 2 == 0 else 1)
        assert await link.run(COUNT, [key], []) == expected + 1


async def test_a_slot_that_is_on_its_way_serves_where_its_keys_are(cluster: Cluster, link: Link) -> None:
    tag = tag_on(cluster, 0)
    slot, keys = cluster.slot_of(tag), [f"{tag}:{number}".encode() for number in range(3)]
    await link.run(BOTH, keys[:2], [])
    source, target = await asyncio.to_thread(cluster.begin, slot)
    assert await link.run(BOTH, keys[:2], []) == 2
    assert await link.run(COUNT, keys[2:3], []) == 1  # it is nowhere yet, and comes into being there
    await asyncio.to_thread(cluster.move_keys, slot, source, target)
    assert await asyncio.gather(*(link.run(BOTH, keys[:2], []) for _ in range(20))) == list(range(3, 23))
    await asyncio.to_thread(cluster.finish, slot, source, target)
    assert await link.run(BOTH, keys[:2], []) == 23


async def test_a_slot_that_nobody_takes_is_unavailable(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "PATIENCE", 0.2)
    async with Puppet(says(b"+OK\r\n")) as puppet:
        puppet.says = says(f"-MOVED 7 127.0.0.1:{puppet.port}\r\n".encode())
        link = linked(puppet.url)
        await link.open()
        with pytest.raises(Unavailable, match="moves on and on") as caught:
            await link.run(COUNT, [b"k"], [])
        assert caught.value.applied == "no"
        await link.close()


async def test_the_bell_goes_where_the_slot_goes(cluster: Cluster, linked: Linked) -> None:
    tag = tag_on(cluster, 1)
    links = linked(cluster.url), linked(cluster.url)
    bells = [RedisDoorbell(link, tag.encode()) for link in links]
    for link in links:
        await link.open()
        await link.run(COUNT, [f"{tag}:n".encode()], [])
    queue = queue_topic("q")
    listener, upkeep = bells[0].listen([queue]), bells[0].listen([UPKEEP])
    assert await upkeep.wait(SOON) == {UPKEEP}
    for _ in range(2):
        bells[1].ring([queue, UPKEEP])
        assert await listener.wait(SOON) == {queue}
        assert await upkeep.wait(SOON) == {UPKEEP}
        waiting = asyncio.create_task(listener.wait(0.2))
        await asyncio.to_thread(cluster.migrate, cluster.slot_of(tag))
        await waiting
        for link in links:
            await link.run(COUNT, [f"{tag}:n".encode()], [])
    for bell in bells:
        await bell.close()


async def test_a_node_that_is_down_is_asked_for_at_the_other(tmp_path: Path, linked: Linked) -> None:
    """The one named first may be away: the other knows as much."""
    with Cluster(tmp_path) as cluster:
        key = tag_on(cluster, 1).encode()
        url = cluster.url
        cluster.nodes[0].stop()
        link = linked(url)
        await link.open()
        assert await link.run(COUNT, [key], []) == 1
        await link.close()


async def test_a_node_that_comes_back_serves_again(tmp_path: Path, linked: Linked) -> None:
    with Cluster(tmp_path, aof=True) as cluster:
        key = tag_on(cluster, 0).encode()
        link = linked(cluster.url)
        await link.open()
        assert await link.run(COUNT, [key], []) == 1
        cluster.nodes[0].stop()
        asking = asyncio.create_task(link.run(COUNT, [key], []))
        await asyncio.to_thread(cluster.nodes[0].start)
        await eventually(asking.done, "the answer")
        assert await asking == 2
        await link.close()
