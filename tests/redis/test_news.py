"""Ends that bring the run along: who waits for it need not ask."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from penstock import App
from penstock.backends import open_store
from penstock.backends.redis.bell import RedisListener
from penstock.core.leases import Claim, ClaimRequest, Complete
from penstock.core.run import NewRun
from penstock.ports.doorbell import Listener, log_topic, run_topic
from penstock.ports.news import Bringing
from penstock.ports.store import Store
from tests.builders import able, group, new_run
from tests.engine.tapped import Tapped
from tests.redis.servers import Server

SOON = 30.0  # real seconds that only a failing test waits


@pytest.fixture
async def store(server: Server) -> AsyncIterator[Store]:
    await asyncio.to_thread(server.ask, "FLUSHALL")
    store = open_store(server.url)
    await store.open()
    yield store
    await store.close()


async def watched(store: Store, new: NewRun, *topics: str) -> tuple[Claim, Listener]:
    """A running run, whose end rings."""
    await store.enqueue([group(new)])
    listener = store.doorbell.listen([run_topic(new.id), *topics])
    assert await listener.wait(SOON)  # a new connection says: look now
    assert await store.watch([new.id]) == ["queued"]
    request = ClaimRequest(claim_id="c", worker="w", queues=("default",), abilities=able("t"), limit=1, lease=600)
    (claim,) = (await store.claim(request)).claims
    return claim, listener


@pytest.mark.parametrize("run_id", ["a", "0190b0f4-3c1c-7c3e-8f6a-7d6f8a1b2c3d"])
async def test_an_end_brings_the_run_as_it_is_stored(store: Store, run_id: str) -> None:
    claim, listener = await watched(store, new_run(run_id, input=b"in", options=b"options"))
    await store.settle([Complete(lease=claim.lease, result=b"out")])
    assert await listener.wait(SOON) == {run_topic(run_id)}
    run = cast("Bringing", listener).brought()
    assert run is not None
    assert [run] == await store.get([run_id])
    assert (run.state, run.result) == ("succeeded", b"out")
    assert cast("Bringing", listener).brought() is None


@pytest.mark.parametrize(
    "new", [new_run("a", input=b"x" * 20_000), new_run("a", tags=("t",)), new_run("a", priority=1)]
)
async def test_what_is_large_or_has_more_to_it_is_asked_for(store: Store, new: NewRun) -> None:
    claim, listener = await watched(store, new, log_topic("a"))
    await store.settle([Complete(lease=claim.lease, result=b"out")])
    assert await listener.wait(SOON)
    assert cast("Bringing", listener).brought() is None


async def test_a_look_at_what_has_finished_brings_it_too(store: Store) -> None:
    claim, listener = await watched(store, new_run("a"))
    await store.settle([Complete(lease=claim.lease, result=b"out")])
    assert await listener.wait(SOON)
    cast("Bringing", listener).brought()
    assert await store.watch(["a", "no"]) == ["succeeded", None]
    run = cast("Bringing", listener).brought()
    assert run is not None
    assert [run] == await store.get(["a"])


async def test_a_look_brings_so_much_at_once_and_no_more(store: Store) -> None:
    runs = [new_run(f"run-{number}", input=b"x" * 20_000) for number in range(5)]
    listener = store.doorbell.listen([run_topic(new.id) for new in runs])
    await store.enqueue([group(*runs)])
    request = ClaimRequest(claim_id="c", worker="w", queues=("default",), abilities=able("t"), limit=5, lease=600)
    claims = (await store.claim(request)).claims
    await store.settle([Complete(lease=claim.lease, result=b"out") for claim in claims])
    before: list[str] = []
    keep = RedisListener.keep

    def noted(listener: RedisListener, channel: bytes, said: bytes) -> None:
        before.append(channel.decode())
        keep(listener, channel, said)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RedisListener, "keep", noted)
        assert await store.watch([new.id for new in runs]) == ["succeeded"] * 5
    assert [name.rpartition(":")[2] for name in before] == ["run-0", "run-1", "run-2"]  # 64 KiB of them
    listener.close()


async def test_who_comes_late_does_not_ask_for_the_run_either(server: Server) -> None:
    await asyncio.to_thread(server.ask, "FLUSHALL")
    app = App(server.url)
    stores = app._client.stores
    tap = Tapped(stores._new_store())
    stores._new_store = lambda: cast("Store", tap)

    @app.task
    async def job() -> str:
        return "done"

    async with app.worker():
        run = await job.enqueue()
        assert await run.result(SOON) == "done"
        tap.calls.clear()
        assert await run.result(SOON) == "done"
    assert (tap.calls["watch"], tap.calls["get"]) == (1, 0)
    await app.close()


class Noting(Tapped):
    """Says when a watch was answered."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.looked = asyncio.Event()

    async def _call(self, name: str, call: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        answer = await super()._call(name, call, *args, **kwargs)
        if name == "watch":
            self.looked.set()
        return answer


async def test_who_waits_for_a_result_does_not_ask_for_the_run(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.app.waiting.LOOK", SOON)  # however slow the machine is, nobody looks by himself
    await asyncio.to_thread(server.ask, "FLUSHALL")
    app = App(server.url)
    stores = app._client.stores
    tap = Noting(stores._new_store())
    stores._new_store = lambda: cast("Store", tap)

    @app.task
    async def job() -> str:
        async with asyncio.timeout(SOON):
            await tap.looked.wait()
        return "done"

    async with app.worker():
        assert await (await job.enqueue()).result(SOON) == "done"  # from now on there are connections
        tap.calls.clear()
        tap.looked.clear()
        assert await (await job.enqueue()).result(SOON) == "done"
    assert tap.calls["watch"] == 1
    assert tap.calls["get"] == 0
    await app.close()
