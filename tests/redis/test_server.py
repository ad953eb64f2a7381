"""Servers to which runs may be entrusted, and those that are refused."""

import asyncio
import logging
from pathlib import Path

import pytest

from penstock.backends import open_store
from penstock.backends.redis import server as server_module
from penstock.backends.redis.server import Server as Trusted
from penstock.cli.findings import _durability, _room
from penstock.core.errors import Invalid
from tests.redis.conftest import Linked
from tests.redis.load import Load
from tests.redis.puppet import Puppet, Words
from tests.redis.servers import Cluster, Server, eventually

KEY = b"{t}:meta"
RIGHTS = (
    "ACL SETUSER worker on >password ~{shop}* resetchannels &{shop}* "
    "+@read +@write +@scripting +@pubsub +@connection +@blocking -@dangerous +info +time"
)


async def check(linked: Linked, url: str) -> Trusted:
    link = linked(url)
    await link.open()
    trusted = Trusted(link, KEY)
    try:
        await trusted.check()
    finally:
        trusted.close()
    return trusted


async def test_a_server_that_appends_every_command_is_trusted(tmp_path: Path, linked: Linked) -> None:
    with Server(tmp_path, aof=True) as server:
        assert (await check(linked, server.url)).durable == "aof"


async def test_one_that_keeps_nothing_is_refused_unless_it_may(server: Server, linked: Linked) -> None:
    """R5 of the reliability notes, turned round: what is kept is asked for, too."""
    with pytest.raises(Invalid, match=r"keeps nothing when it stops.*allow_volatile=1"):
        await check(linked, f"redis://127.0.0.1:{server.port}")
    allowed = await check(linked, f"redis://127.0.0.1:{server.port}?allow_volatile=1")
    assert allowed.durable == "volatile"


async def test_one_with_save_points_only_is_warned_of(
    tmp_path: Path, linked: Linked, caplog: pytest.LogCaptureFixture
) -> None:
    with Server(tmp_path) as server:
        server.ask("CONFIG", "SET", "save", "3600 1")
        assert (await check(linked, f"redis://127.0.0.1:{server.port}")).durable == "points"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "save points only" in caplog.text


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_one_that_evicts_is_refused(tmp_path: Path, linked: Linked, policy: str) -> None:
    """R5 of the reliability notes."""
    with Server(tmp_path, "--maxmemory-policy", policy) as server:
        with pytest.raises(Invalid, match=f"maxmemory-policy is {policy}.*noeviction"):
            await check(linked, server.url)
        await check(linked, f"{server.url}&assume_noeviction=1")


async def test_a_policy_that_changes_later_is_told(
    tmp_path: Path, linked: Linked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server_module, "AGAIN", 0.01)
    with Server(tmp_path) as server:
        link = linked(server.url)
        await link.open()
        trusted = Trusted(link, KEY)
        await trusted.check()
        server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
        await eventually(lambda: "runs may vanish" in caplog.text, "the change to be told")
        trusted.close()
    assert caplog.records[0].levelno == logging.ERROR


async def test_a_replica_is_refused(tmp_path: Path, server: Server, linked: Linked) -> None:
    with (
        Server(tmp_path, "--replicaof", "127.0.0.1", str(server.port)) as replica,
        pytest.raises(Invalid, match=r"a replica of 127\.0\.0\.1: name the primary"),
    ):
        await check(linked, replica.url)


async def test_a_user_without_config_is_trusted_on_what_info_says(server: Server, linked: Linked) -> None:
    server.ask("ACL", "SETUSER", "plain", "on", ">pw", "~*", "&*", "+@all", "-config")
    await check(linked, f"redis://plain:pw@127.0.0.1:{server.port}?allow_volatile=1")


@pytest.mark.parametrize("missing", ["evalsha", "eval", "info"])
async def test_a_user_who_may_not_what_we_must_is_refused(server: Server, linked: Linked, missing: str) -> None:
    """R14 of the reliability notes."""
    server.ask("SCRIPT", "FLUSH")
    server.ask("ACL", "SETUSER", f"no-{missing}", "on", ">pw", "~*", "&*", "+@all", f"-{missing}")
    with pytest.raises(Invalid, match=missing.upper() if missing == "info" else "NOPERM"):
        await check(linked, f"redis://no-{missing}:pw@127.0.0.1:{server.port}?allow_volatile=1")


async def test_a_user_without_the_keys_of_the_namespace_is_refused(server: Server, linked: Linked) -> None:
    server.ask("ACL", "SETUSER", "other", "on", ">pw", "~other:*", "&*", "+@all")
    with pytest.raises(Invalid, match="NOPERM"):
        await check(linked, f"redis://other:pw@127.0.0.1:{server.port}?allow_volatile=1")


async def test_a_store_says_what_its_server_keeps(tmp_path: Path, server: Server) -> None:
    """`penstock doctor` tells."""
    with Server(tmp_path, aof=True) as lasting:
        for url, durable in ((lasting.url, "aof"), (server.url, "volatile")):
            store = open_store(url, namespace="says")
            await store.open()
            info = await store.info()
            assert info.durable == durable
            assert _durability(info).status == ("ok" if durable == "aof" else "warn")
            await store.close()


async def test_a_store_says_how_much_room_its_server_has(server: Server) -> None:
    """`penstock doctor` tells before nothing can be enqueued any more."""
    store = open_store(server.url, namespace="room")
    await store.open()
    assert (await store.info()).left is None  # as much as the machine has
    told: list[tuple[str, ...]] = []
    for most in ("1gb", "30mb", "1mb"):
        server.ask("CONFIG", "SET", "maxmemory", most)
        info = await store.info()
        assert info.left is not None
        told += [(one.status, one.name) for one in _room(info)]
    assert told == [("ok", "room"), ("warn", "room"), ("fail", "room")]
    server.ask("CONFIG", "SET", "maxmemory", "0")
    await store.close()


async def test_the_rights_of_the_manual_suffice(server: Server) -> None:
    """docs/how-to/redis.md names them."""
    await asyncio.to_thread(server.ask, *RIGHTS.split())
    url = f"redis://worker:password@127.0.0.1:{server.port}?allow_volatile=1"
    store = open_store(url, namespace="shop")
    await store.open()
    load = Load(1)
    producing, working = (asyncio.create_task(work) for work in (load.produce(store), load.work(store, "w")))
    await eventually(lambda: len(load.ended) > 50 or producing.done() or working.done(), "runs to end")
    load.stop()
    await asyncio.gather(producing, working)
    assert await load.wrong(store) == []
    await store.close()
    with pytest.raises(Invalid, match="NOPERM"):
        await open_store(url, namespace="other").open()


def answering(info: str) -> Puppet:
    """A server of that kind, where CONFIG is forbidden."""

    def says(words: Words) -> bytes:
        if words[0] == b"INFO":
            return b"$%d\r\n%s\r\n" % (len(info), info.encode())
        return b":0\r\n" if words[0] == b"EVALSHA" else b"-NOPERM you may not\r\n"

    return Puppet(says)


@pytest.mark.parametrize("version", ["5.0.14", "6.0.16"])
async def test_an_old_one_is_refused(linked: Linked, version: str) -> None:
    async with answering(f"redis_version:{version}\r\n") as puppet:
        with pytest.raises(Invalid, match=rf"it is Redis {version}: at least 6\.2"):
            await check(linked, puppet.url)


async def test_one_that_says_nothing_of_eviction_needs_our_word(linked: Linked) -> None:
    """R5 of the reliability notes: where CONFIG is forbidden."""
    async with answering("redis_version:7.2.4\r\naof_enabled:1\r\n") as puppet:
        with pytest.raises(Invalid, match="assume_noeviction=1"):
            await check(linked, puppet.url)
        await check(linked, f"{puppet.url}?assume_noeviction=1")


async def test_one_that_says_nothing_of_save_points_is_warned_of(
    linked: Linked, caplog: pytest.LogCaptureFixture
) -> None:
    async with answering("redis_version:7.2.4\r\nmaxmemory_policy:noeviction\r\n") as puppet:
        await check(linked, puppet.url)
    assert "does not say what it keeps" in caplog.text


async def test_on_a_cluster_the_node_of_the_namespace_is_asked(cluster: Cluster, linked: Linked) -> None:
    for node in cluster.nodes:
        node.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    owner = cluster.owner(cluster.slot_of(KEY.decode()))
    owner.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(Invalid, match="allkeys-lru"):
            await check(linked, cluster.url)
    finally:
        owner.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    await check(linked, cluster.url)


async def test_looking_again_ends_with_the_store(server: Server, linked: Linked) -> None:
    link = linked(server.url)
    await link.open()
    trusted = Trusted(link, KEY)
    await trusted.check()
    await trusted.check()
    trusted.close()
    trusted.close()
    await asyncio.sleep(0)
    assert trusted._looking is None
