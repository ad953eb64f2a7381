"""Scripts go out and replies come back, each to who asked, whatever happens to the connection."""

import asyncio
import gc
import os
import secrets
import signal
import tempfile
import time
from pathlib import Path

import pytest

from penstock.backends.redis import line
from penstock.backends.redis import link as link_module
from penstock.backends.redis.address import parse
from penstock.backends.redis.link import Link
from penstock.backends.redis.refusals import ScriptFailed
from penstock.backends.redis.script import Script
from penstock.backends.redis.wire import FLIGHT
from penstock.core.errors import Closed, Invalid, Unavailable
from tests.redis.conftest import Linked
from tests.redis.proxy import Fault, Proxy
from tests.redis.puppet import Puppet, says
from tests.redis.servers import Server, eventually

ECHO = Script("echo", "return ARGV[1]")
COUNT = Script("count", "return redis.call('incr', KEYS[1])")
SOME = Script("some", "return {ARGV[1], 7, false, {KEYS[1]}}")
OK = b"$2\r\nok\r\n"


@pytest.fixture
def key() -> bytes:
    """One that no other test uses."""
    return secrets.token_bytes(8)


async def test_replies_are_bytes_numbers_none_and_lists(link: Link) -> None:
    assert await link.run(SOME, [b"k"], [1.5]) == [b"1.5", 7, None, [b"k"]]
    assert await link.run(ECHO, [], ["ä"]) == "ä".encode()
    assert await link.run(ECHO, [], [2**60]) == str(2**60).encode()


async def test_each_gets_its_own_reply(link: Link) -> None:
    answers = await asyncio.gather(*(link.run(ECHO, [], [number]) for number in range(500)))
    assert answers == [str(number).encode() for number in range(500)]


async def test_what_is_asked_in_one_turn_leaves_in_one_write(server: Server, linked: Linked) -> None:
    async with Proxy(server.port) as proxy:
        link = linked(proxy.url)
        await link.open()
        await link.run(ECHO, [], ["known"])
        proxy.sent.clear()
        await asyncio.gather(*(link.run(ECHO, [], [number]) for number in range(50)))
        assert len(proxy.sent) == 1
        proxy.sent.clear()
        assert await link.run_both((ECHO, [], ["a"]), (ECHO, [], ["b"])) == (b"a", b"b")
        assert len(proxy.sent) == 1
        await link.close()


async def test_a_second_that_fails_never_undoes_the_first(link: Link, key: bytes) -> None:
    answer, then = await link.run_both((COUNT, [key], []), (Script("bad", "return redis.call('nope')"), [], []))
    assert answer == 1
    assert isinstance(then, ScriptFailed)
    assert await link.run(COUNT, [key], []) == 2


async def test_a_first_that_fails_is_raised(link: Link, key: bytes) -> None:
    with pytest.raises(ScriptFailed):
        await link.run_both((Script("bad", "return redis.call('nope')"), [], []), (COUNT, [key], []))


async def test_scripts_that_the_server_forgot_are_sent_again(link: Link) -> None:
    """R1 of the reliability notes."""
    for _ in range(2):
        await link.command("SCRIPT", "FLUSH")
        answers = await asyncio.gather(*(link.run(ECHO, [], [number]) for number in range(10)))
        assert answers == [str(number).encode() for number in range(10)]
    await link.command("SCRIPT", "FLUSH")
    assert await link.run_both((ECHO, [], ["a"]), (ECHO, [], ["b"])) == (b"a", b"b")


async def test_killed_connections_are_made_anew(server: Server, link: Link) -> None:
    answers: list[object] = []

    async def ask() -> None:
        answers.extend([await link.run(ECHO, [], [number]) for number in range(300)])

    asking = [asyncio.create_task(ask()) for _ in range(5)]
    for _ in range(5):
        await asyncio.to_thread(server.ask, "CLIENT", "KILL", "TYPE", "normal")
    await asyncio.gather(*asking)
    assert sorted(map(str, answers)) == sorted(str(str(number).encode()) for number in range(300) for _ in range(5))


async def test_who_is_cancelled_leaves_the_others_their_replies(link: Link) -> None:
    await link.run(ECHO, [], ["known"])
    asking = [asyncio.create_task(link.run(ECHO, [], [number])) for number in range(100)]
    await asyncio.sleep(0)
    for task in asking[::2]:  # before anything has left
        task.cancel()
    await asyncio.sleep(0)
    for task in asking[1::4]:  # after
        task.cancel()
    await asyncio.wait(asking)
    assert [await task for task in asking[3::4]] == [str(number).encode() for number in range(3, 100, 4)]
    assert await link.run(ECHO, [], ["still"]) == b"still"


async def test_what_was_cancelled_before_it_left_is_not_done(link: Link, key: bytes) -> None:
    """The first leaves at once, the others wait for the end of the loop's turn."""
    assert await link.run(COUNT, [key], []) == 1
    asking = [asyncio.create_task(link.run(COUNT, [key], [])) for _ in range(10)]
    turns = asyncio.create_task(link.run_both((COUNT, [key], []), (COUNT, [key], [])))
    await asyncio.sleep(0)
    for task in (*asking, turns):
        task.cancel()
    await asyncio.wait([*asking, turns])
    assert await link.run(COUNT, [key], []) == 3


@pytest.mark.parametrize(
    ("fault", "done"), [(Fault.CUT_BEFORE, 1), (Fault.SWALLOW, 2), (Fault.CUT_WITHIN, 2), (Fault.DELAY, 1)]
)
async def test_what_may_not_have_been_done_is_asked_again(
    server: Server, linked: Linked, key: bytes, fault: Fault, done: int
) -> None:
    await asyncio.to_thread(server.ask, "SCRIPT", "LOAD", COUNT.text)
    async with Proxy(server.port) as proxy:
        link = linked(proxy.url)
        await link.open()
        proxy.strike(fault)
        assert await link.run(COUNT, [key], []) == done  # the store's operations, unlike this one, do once
        assert proxy.struck[fault] == 1
        await link.close()


async def test_a_dead_connection_is_noticed_and_replaced(server: Server, linked: Linked) -> None:
    """No word, no end: within ten seconds the command is asked elsewhere."""
    async with Proxy(server.port) as proxy:
        link = linked(proxy.url)
        await link.open()
        proxy.strike(Fault.DEAD)
        began = time.monotonic()
        assert await link.run(ECHO, [], ["through"]) == b"through"
        assert time.monotonic() - began < 10
        await link.close()


async def test_a_server_that_is_down_is_unavailable_and_nothing_was_done(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "OPENING", 0.3)
    monkeypatch.setattr(line, "PATIENCE", 0.3)
    async with Puppet(says(OK)) as puppet:
        link = linked(puppet.url)
        await link.open()
    with pytest.raises(Unavailable, match="can't be reached") as caught:
        await link.run(ECHO, [], ["x"])
    assert caught.value.applied == "no"
    with pytest.raises(Unavailable, match="can't be reached"):
        await linked(puppet.url).open()


async def test_what_was_sent_and_never_answered_may_have_been_done(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "PATIENCE", 0.3)
    puppet = Puppet(says(OK))

    def cut(_: list[bytes]) -> bytes | None:
        puppet.cut_all()
        return None

    async with puppet:
        link = linked(puppet.url)
        await link.open()
        puppet.says = cut
        with pytest.raises(Unavailable) as caught:
            await link.run(ECHO, [], ["x"])
        assert caught.value.applied == "unknown"
        assert len(puppet.heard) > 1
        await link.close()


async def test_a_server_that_comes_back_in_time_answers(tmp_path: Path, linked: Linked) -> None:
    with Server(tmp_path) as server:
        link = linked(server.url)
        await link.open()
        server.end(signal.SIGKILL)
        asking = [asyncio.create_task(link.run(ECHO, [], [number])) for number in range(10)]
        await asyncio.to_thread(server.start)
        assert await asyncio.gather(*asking) == [str(number).encode() for number in range(10)]


@pytest.mark.parametrize(
    "text",
    [
        "LOADING Redis is loading the dataset in memory",
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN Hash slot not served",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "READONLY You can't write against a read only replica.",
        "NOREPLICAS Not enough good replicas to write.",
    ],
    ids=lambda text: text.split(" ")[0],
)
async def test_a_server_that_can_not_serve_now_is_asked_again(
    linked: Linked, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    async with Puppet(says(f"-{text}\r\n".encode(), f"-{text}\r\n".encode(), OK)) as puppet:
        link = linked(puppet.url)
        await link.open()
        assert await link.run(ECHO, [], ["x"]) == b"ok"
        assert len(puppet.heard) == 3
        monkeypatch.setattr(line, "PATIENCE", 0.05)
        puppet.says = says(f"-{text}\r\n".encode())
        with pytest.raises(Unavailable, match=text.split(" ", maxsplit=1)[0]) as caught:
            await link.run(ECHO, [], ["x"])
        assert caught.value.applied == "no"
        await link.close()


async def test_no_memory_is_said_at_once_and_nothing_was_done(server: Server, link: Link, key: bytes) -> None:
    """R4 of the reliability notes."""
    script = Script("write", "redis.call('set', KEYS[1], ARGV[1]) return redis.call('get', KEYS[1])")
    server.ask("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises(Unavailable, match="no memory left") as caught:
            await link.run(script, [key], ["x"])
    finally:
        server.ask("CONFIG", "SET", "maxmemory", 0)
    assert caught.value.applied == "no"
    assert await link.run(script, [key], ["x"]) == b"x"


async def test_keys_of_others_are_an_error_that_says_so(server: Server, link: Link, key: bytes) -> None:
    server.ask("SET", key, "theirs")
    with pytest.raises(ScriptFailed, match=r"the script push failed: .*another program uses keys"):
        await link.run(Script("push", "return redis.call('rpush', KEYS[1], 1)"), [key], [])


async def test_what_a_user_may_not_do_is_an_error_that_says_so(server: Server, linked: Linked) -> None:
    server.ask("ACL", "SETUSER", "weak", "on", ">pw", "~*", "+@all", "-eval", "-evalsha")
    link = linked(f"redis://weak:pw@127.0.0.1:{server.port}")
    await link.open()
    with pytest.raises(Invalid, match="NOPERM"):
        await link.run(ECHO, [], ["x"])


async def test_a_wrong_script_is_an_error_that_names_it(link: Link) -> None:
    with pytest.raises(ScriptFailed, match="the script wrong failed"):
        await link.run(Script("wrong", "return nothing.here"), [], [])


async def test_no_more_is_in_flight_than_the_bound(linked: Linked) -> None:
    async with Puppet(lambda _: None) as puppet:
        link = linked(puppet.url)
        await link.open()
        big = b"x" * (1 << 20)
        asking = [asyncio.create_task(link.run(ECHO, [], [big])) for _ in range(40)]
        await eventually(lambda: puppet.bytes_read >= FLIGHT, "the bound to be reached")
        for _ in range(100):
            await asyncio.sleep(0)
        assert puppet.bytes_read < FLIGHT + (2 << 20)
        assert len(puppet.heard) < 20
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)


async def test_what_waited_for_room_goes_on(link: Link) -> None:
    big = [bytes([65 + number]) * (3 << 20) for number in range(12)]
    assert await asyncio.gather(*(link.run(ECHO, [], [text]) for text in big)) == big


async def test_every_loop_has_a_connection_of_its_own(server: Server, linked: Linked) -> None:
    link = linked(server.url)
    await link.open()

    async def ask() -> object:
        return await link.run(Script("id", "return ARGV[1]"), [], ["there"])

    assert await asyncio.to_thread(asyncio.run, ask()) == b"there"  # its end closes what it opened
    assert await link.run(ECHO, [], ["here"]) == b"here"


async def test_a_loop_that_ends_without_closing_leaves_nothing_open(server: Server) -> None:
    before = int(server.info()["connected_clients"])

    async def forget() -> None:
        link = Link(parse(server.url))
        await link.open()
        await link.run(ECHO, [], ["x"])

    await asyncio.to_thread(asyncio.run, forget())
    gc.collect()
    await eventually(lambda: int(server.info()["connected_clients"]) <= before, "the connection to be closed")


def test_a_loop_that_is_closed_without_ceremony_hears_no_complaint(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Scripts and notebooks end so. What Python says of sockets that are left open is another matter."""
    loop = asyncio.new_event_loop()

    async def forget() -> None:
        link = Link(parse(server.url))
        await link.open()
        await link.run(ECHO, [], ["x"])

    loop.run_until_complete(forget())
    loop.close()
    with pytest.warns(ResourceWarning, match="unclosed"):
        gc.collect()
    assert caplog.records == []


async def test_closing_waits_for_what_is_in_flight(server: Server, linked: Linked) -> None:
    async with Proxy(server.port) as proxy:
        link = linked(proxy.url)
        await link.open()
        proxy.strike(Fault.DELAY)
        asking = asyncio.create_task(link.run(ECHO, [], ["x"]))
        await asyncio.sleep(0)
        await link.close()
        assert await asking == b"x"
        with pytest.raises(Closed):
            await link.run(ECHO, [], ["x"])
        await link.close()  # harmless


async def test_closing_does_not_wait_for_ever(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "CLOSING", 0.05)
    async with Puppet(lambda _: None) as puppet:
        link = linked(puppet.url)
        await link.open()
        asking = asyncio.create_task(link.run(ECHO, [], ["x"]))
        await asyncio.sleep(0)
        await link.close()
        with pytest.raises(Unavailable, match="closed") as caught:
            await asking
        assert caught.value.applied == "unknown"


async def test_before_it_is_opened_it_is_closed(linked: Linked, server: Server) -> None:
    with pytest.raises(Closed):
        await linked(server.url).run(ECHO, [], ["x"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
async def test_a_forked_child_has_no_connection_and_harms_none(link: Link) -> None:
    """W12 of the reliability notes."""
    await link.run(ECHO, [], ["x"])
    pid = os.fork()
    if pid == 0:
        os._exit(0 if not link._lines and link._closed else 1)
    assert (await asyncio.to_thread(os.waitpid, pid, 0))[1] == 0
    assert await link.run(ECHO, [], ["still"]) == b"still"


async def test_each_connection_says_whose_it_is_and_which_database_it_wants(server: Server, linked: Linked) -> None:
    server.ask("ACL", "SETUSER", "shop", "on", ">p:w@/d", "~*", "+@all")
    link = linked(f"redis://shop:p%3Aw%40%2Fd@localhost:{server.port}/3")
    await link.open()
    said = await link.command("CLIENT", "LIST")
    assert isinstance(said, bytes)
    [ours] = [client for client in said.decode().splitlines() if " user=shop " in client]
    assert f" name=penstock-{os.getpid()} " in ours
    assert " db=3 " in ours


@pytest.mark.parametrize("entry", ["shop2:wrong@", "nobody:wrong@"])
async def test_a_wrong_password_is_refused_when_it_opens(server: Server, linked: Linked, entry: str) -> None:
    server.ask("ACL", "SETUSER", "shop2", "on", ">right", "~*", "+@all")
    with pytest.raises(Invalid, match="WRONGPASS") as caught:
        await linked(f"redis://{entry}127.0.0.1:{server.port}").open()
    assert "wrong@" not in str(caught.value)


async def test_a_password_that_is_needed_is_asked_for(tmp_path: Path, linked: Linked) -> None:
    with Server(tmp_path, "--requirepass", "secret", password="secret") as server:
        await linked(f"redis://:secret@127.0.0.1:{server.port}").open()
        with pytest.raises(Invalid, match="NOAUTH"):
            await linked(f"redis://127.0.0.1:{server.port}").open()


async def test_a_proxy_that_knows_no_hello_lets_us_in(linked: Linked) -> None:
    """Some stand before a server and know fewer words."""
    async with Puppet(says(OK)) as puppet:
        puppet.hello = b"-ERR unknown command 'HELLO'\r\n"
        link = linked(f"redis://shop:secret@127.0.0.1:{puppet.port}")
        await link.open()
        assert await link.run(ECHO, [], ["x"]) == b"ok"
        assert puppet.heard[0] == [b"AUTH", b"shop", b"secret"]
        await link.close()


async def test_a_socket_of_the_file_system_leads_there_too(tmp_path: Path, linked: Linked) -> None:
    with tempfile.TemporaryDirectory() as folder, Server(tmp_path, "--unixsocket", f"{folder}/r.sock"):
        link = linked(f"unix://{folder}/r.sock?db=1")
        await link.open()
        assert await link.run(ECHO, [], ["x"]) == b"x"
        await link.close()


async def test_garbage_is_no_reply(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "PATIENCE", 0.1)
    async with Puppet(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as puppet:
        link = linked(puppet.url)
        await link.open()
        with pytest.raises(Unavailable, match="no reply to anything"):
            await link.run(ECHO, [], ["x"])
        await link.close()
