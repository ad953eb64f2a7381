"""One connection: what is known of a command when it breaks."""

import asyncio

from penstock.backends.redis.address import Address, Node
from penstock.backends.redis.dial import dial
from penstock.backends.redis.wire import FLIGHT, ErrorReply, Lost, Wire, pack
from tests.redis.puppet import Puppet, says
from tests.redis.servers import eventually

PING = pack(("PING",))


async def dialled(puppet: Puppet, patience: float = 5.0) -> Wire:
    return await dial(Address(), Node("127.0.0.1", puppet.port), patience=patience)


def fate(future: asyncio.Future[object]) -> str:
    """What is known of a lost command."""
    lost = future.result()
    assert isinstance(lost, Lost)
    return lost.applied


async def test_what_never_left_was_certainly_not_done() -> None:
    async with Puppet(lambda _: None) as puppet:
        wire = await dialled(puppet)
        sent = wire.ask(PING)
        big = wire.ask(pack(("SET", "k", b"x" * FLIGHT)))
        beyond = wire.ask(PING)
        await asyncio.sleep(0)
        wire.fail("cut")
        assert [fate(sent), fate(big), fate(beyond)] == ["unknown", "unknown", "no"]
        assert fate(wire.ask(PING)) == "no"
        wire.fail("again")
        assert wire.lost == "cut"


async def test_what_was_cancelled_before_it_left_is_not_sent() -> None:
    async with Puppet(says(b"+PONG\r\n")) as puppet:
        wire = await dialled(puppet)
        first = wire.ask(PING)
        gone = wire.ask(pack(("GONE",)))
        behind = wire.ask(pack(("BEHIND",)), gone)
        last = wire.ask(PING)
        gone.cancel()
        await asyncio.wait([first, last])
        assert [words for words in puppet.heard if words != [b"PING"]] == []
        assert not behind.done()
        wire.fail("over")


async def test_a_silent_connection_is_given_up() -> None:
    async with Puppet(lambda _: None) as puppet:
        wire = await dialled(puppet, patience=0.05)
        lost = await asyncio.wait_for(wire.ask(PING), 5)
        assert isinstance(lost, Lost)
        assert "no reply within 0.05 s" in lost.reason


async def test_a_connection_without_questions_is_kept() -> None:
    async with Puppet(says(b"+PONG\r\n")) as puppet:
        wire = await dialled(puppet, patience=0.02)
        await wire.ask(PING)
        await eventually(lambda: wire.silent_for > 0.1, "some time to pass")
        assert await wire.ask(PING) == b"PONG"
        wire.fail("over")


async def test_a_slow_answer_after_others_is_waited_for() -> None:
    """Each byte that comes begins the time anew."""
    async with Puppet(says(b"+PONG\r\n")) as puppet:
        wire = await dialled(puppet, patience=0.3)
        for _ in range(5):
            await eventually(lambda: wire.silent_for > 0.1, "some time to pass")
            assert await wire.ask(PING) == b"PONG"
        wire.fail("over")


async def test_errors_are_answers() -> None:
    async with Puppet(says(b"-WRONGTYPE of key\r\n")) as puppet:
        wire = await dialled(puppet)
        refused = await wire.ask(PING)
        assert isinstance(refused, ErrorReply)
        assert (refused.code, refused.text) == ("WRONGTYPE", "WRONGTYPE of key")
        assert repr(refused) == "ErrorReply('WRONGTYPE of key')"
        wire.fail("over")
        assert repr(await wire.ask(PING)) == "Lost('over', 'no')"


async def test_a_reply_that_nobody_asked_for_ends_the_connection() -> None:
    async with Puppet(says(b"+ONE\r\n+TWO\r\n")) as puppet:
        wire = await dialled(puppet)
        assert await wire.ask(PING) == b"ONE"
        await wire.over
        assert "no reply to anything" in wire.lost


async def test_drained_means_answered() -> None:
    async with Puppet(says(b"+PONG\r\n")) as puppet:
        wire = await dialled(puppet)
        asked = [wire.ask(PING) for _ in range(10)]
        await wire.drained()
        assert all(future.done() for future in asked)
        await wire.drained()
        wire.fail("over")
