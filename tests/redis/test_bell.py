"""The doorbell: tokens that one takes, channels that all hear, and nothing that stays lost."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from penstock.backends.redis.address import parse
from penstock.backends.redis.bell import RedisDoorbell, RedisListener
from penstock.backends.redis.link import Link
from penstock.backends.redis.script import Script
from penstock.ports.doorbell import UPKEEP, queue_topic, run_topic, worker_topic
from tests.redis.conftest import Linked
from tests.redis.proxy import Fault, Proxy
from tests.redis.puppet import Puppet, says
from tests.redis.servers import Server, eventually

SOON = 5.0  # real seconds: far more than a ring takes, and only a failing test waits so long
Q, OTHER, RUN, WORKER = queue_topic("q"), queue_topic("other"), run_topic("r"), worker_topic("w")
PUBLISH = Script("publish", "return redis.call('publish', ARGV[1], '')")


class Pair:
    """Two doorbells of one namespace, as two processes have them."""

    def __init__(self, prefix: str, links: tuple[Link, Link]) -> None:
        self.prefix = prefix
        self.mine, self.others = (RedisDoorbell(link, prefix.encode()) for link in links)

    def token(self, topic: str) -> str:
        return f"{self.prefix}:bell:{topic.removeprefix('q:')}"


@pytest.fixture
async def pair(server: Server, linked: Linked) -> AsyncIterator[Pair]:
    links = linked(server.url), linked(server.url)
    for link in links:
        await link.open()
    pair = Pair(f"{{{secrets.token_hex(4)}}}", links)
    yield pair
    await pair.mine.close()
    await pair.others.close()


async def hear(listener: RedisListener, *topics: str) -> None:
    """All of these ring, now or soon."""
    missing = set(topics)
    while missing:
        rung = await listener.wait(SOON)
        assert rung, f"never heard {missing}"
        missing -= rung


async def test_a_token_wakes_who_waits_for_its_queue(pair: Pair) -> None:
    mine, other = pair.mine.listen([Q, "q:x"]), pair.mine.listen([OTHER])
    waiting = asyncio.create_task(mine.wait(SOON))
    await asyncio.sleep(0)
    pair.others.ring([Q])
    assert await waiting == {Q}
    assert await other.wait(0.05) == frozenset()


async def test_a_token_waits_for_who_comes_later(pair: Pair) -> None:
    pair.others.ring([Q])
    assert await pair.mine.listen([Q]).wait(SOON) == {Q}


async def test_a_token_wakes_one_and_no_second(pair: Pair, server: Server) -> None:
    listeners = [pair.mine.listen([Q]), pair.others.listen([Q])]
    waiting = [asyncio.create_task(listener.wait(SOON)) for listener in listeners]
    await eventually(lambda: server.info()["blocked_clients"] == "2", "both to wait")
    pair.mine.ring([Q])
    done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [{Q}]
    assert len(left) == 1
    for listener in listeners:
        listener.close()
    assert await left.pop() == frozenset()


async def test_a_token_popped_while_nobody_waits_is_put_back(pair: Pair, server: Server) -> None:
    """Another worker has room."""
    listener = pair.mine.listen([Q])
    waiting = asyncio.create_task(listener.wait(SOON))
    await eventually(lambda: server.info()["blocked_clients"] == "1", "it to wait")
    listener.close()
    assert await waiting == frozenset()
    pair.others.ring([Q])
    assert await pair.others.listen([Q]).wait(SOON) == {Q}


async def test_a_token_found_at_once_when_asked_again(pair: Pair) -> None:
    listener = pair.mine.listen([Q])
    for _ in range(3):
        pair.others.ring([Q])
        assert await listener.wait(SOON) == {Q}
        assert await listener.wait(0.0) == frozenset()


async def test_channels_reach_all_who_listen(pair: Pair) -> None:
    listeners = [pair.mine.listen([UPKEEP, WORKER]), pair.others.listen([UPKEEP])]
    for listener in listeners:
        await hear(listener, *listener.topics)  # they stand now: look
    pair.mine.ring([UPKEEP])
    assert [await listener.wait(SOON) for listener in listeners] == [{UPKEEP}, {UPKEEP}]
    pair.mine.ring([WORKER])
    assert await listeners[0].wait(SOON) == {WORKER}
    assert await listeners[1].wait(0.05) == frozenset()


async def test_rings_before_the_wait_are_heard_once(pair: Pair) -> None:
    listener = pair.mine.listen([RUN])
    await listener.wait(SOON)
    pair.others.ring([RUN])
    pair.others.ring([RUN])
    await eventually(lambda: listener._rung, "the ring to come")
    assert await listener.wait(SOON) == {RUN}


async def test_what_is_asked_behind_a_listen_misses_nothing(server: Server, linked: Linked) -> None:
    """The channel stands before the question is answered, however slow its way: what is published then is heard."""
    async with Proxy(server.port) as proxy:
        link = linked(proxy.url)
        await link.open()
        bell = RedisDoorbell(link, b"{behind}")
        await hear(bell.listen([UPKEEP]), UPKEEP)  # the connection is there

        def slow(piece: bytes) -> Fault:
            return Fault.DELAY if b"SUBSCRIBE" in piece else Fault.NONE

        proxy.plan = slow
        for number in range(5):
            topic = run_topic(str(number))
            listener = bell.listen([topic])
            assert await bell.run(PUBLISH, [], [f"{{behind}}:{topic}"]) == 1
            await hear(listener, topic)
        await asyncio.to_thread(server.ask, "SCRIPT", "FLUSH")
        assert await bell.run(PUBLISH, [], ["nobody"]) == 0
        await bell.close()
        await link.close()


async def test_a_channel_of_a_run_that_stands_rings_nothing_by_itself(pair: Pair) -> None:
    await pair.mine.listen([UPKEEP]).wait(SOON)
    listener = pair.mine.listen([RUN])
    await pair.mine.run(PUBLISH, [], ["nobody"])
    assert await listener.wait(0.05) == frozenset()


async def test_closing_ends_the_wait_and_the_subscription(pair: Pair, server: Server) -> None:
    listener = pair.mine.listen([RUN])
    await listener.wait(SOON)
    waiting = asyncio.create_task(listener.wait(60))
    await asyncio.sleep(0)
    listener.close()
    listener.close()
    assert await waiting == frozenset()
    assert await listener.wait(60) == frozenset()
    await eventually(lambda: server.ask("PUBSUB", "NUMSUB", f"{pair.prefix}:{RUN}")[1] == 0, "the subscription to end")


async def test_a_killed_connection_is_made_anew_and_says_look(pair: Pair, server: Server) -> None:
    listener = pair.mine.listen([RUN, UPKEEP])
    await hear(listener, RUN, UPKEEP)
    await asyncio.to_thread(server.ask, "CLIENT", "KILL", "TYPE", "pubsub")
    await hear(listener, RUN, UPKEEP)  # something may have rung meanwhile
    pair.others.ring([RUN])
    assert await listener.wait(SOON) == {RUN}


async def test_a_killed_pop_is_asked_again_at_the_next_wait(pair: Pair, server: Server) -> None:
    listener = pair.mine.listen([Q])
    waiting = asyncio.create_task(listener.wait(0.3))
    await eventually(lambda: server.info()["blocked_clients"] == "1", "it to wait")
    await asyncio.to_thread(server.ask, "CLIENT", "KILL", "TYPE", "normal")
    assert await waiting == frozenset()
    server.ask("ZADD", pair.token(Q), 0, "1")
    assert await listener.wait(SOON) == {Q}


async def test_a_dead_connection_is_noticed(server: Server, linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-072: within ten seconds with the numbers as they are; here with smaller ones."""
    monkeypatch.setattr("penstock.backends.redis.ear.PROBE", 0.05)
    monkeypatch.setattr("penstock.backends.redis.ear.REPLY", 0.1)
    async with Proxy(server.port) as proxy:
        link = linked(proxy.url)
        await link.open()
        bell = RedisDoorbell(link, b"{dead}")
        listener = bell.listen([RUN])
        await listener.wait(SOON)
        proxy.strike(Fault.DEAD)
        assert await listener.wait(SOON) == {RUN}  # the new connection says: look
        assert proxy.struck[Fault.DEAD] == 1
        await bell.close()
        await link.close()


async def test_a_server_that_is_down_costs_the_waiter_nothing_but_time(linked: Linked) -> None:
    async with Puppet(says(b"+OK\r\n")) as puppet:
        link = linked(puppet.url)
        await link.open()
    bell = RedisDoorbell(link, b"{down}")
    listener = bell.listen([Q, RUN])
    assert await listener.wait(0.05) == frozenset()
    await bell.close()


async def test_every_loop_hears_for_itself(pair: Pair, server: Server) -> None:
    async def there() -> frozenset[str]:
        listener = pair.mine.listen([WORKER])
        await listener.wait(SOON)
        pair.mine.ring([WORKER])
        return await listener.wait(SOON)  # and nobody closes anything

    assert await asyncio.to_thread(asyncio.run, there()) == {WORKER}
    assert await pair.mine.listen([UPKEEP]).wait(SOON) == {UPKEEP}


async def test_a_loop_that_ends_leaves_nothing_open(server: Server) -> None:
    before = int(server.info()["connected_clients"])

    async def forget() -> None:
        link = Link(parse(server.url))
        await link.open()
        bell = RedisDoorbell(link, b"{left}")
        listener = bell.listen([Q, RUN])
        await listener.wait(0.05)
        bell.ring([Q])
        await listener.wait(SOON)

    await asyncio.to_thread(asyncio.run, forget())
    await eventually(lambda: int(server.info()["connected_clients"]) <= before, "the connections to be closed")
