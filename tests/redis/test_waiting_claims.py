"""Claims that wait at the server: made when somebody rings, once, and never after they were given up."""

import asyncio
from asyncio import Future
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from penstock import App
from penstock.backends import open_store
from penstock.core.leases import ClaimRequest, Claims, Complete
from penstock.ports.doorbell import queue_topic
from penstock.ports.patient import Patient
from penstock.ports.store import Store
from tests.builders import able, group, new_run
from tests.clock import FakeClock
from tests.engine.tapped import Tapped, tapped
from tests.redis.proxy import Fault, Proxy
from tests.redis.servers import Server, eventually

SOON = 30.0  # real seconds that only a failing test waits


@pytest.fixture
async def store(server: Server) -> AsyncIterator[Store]:
    await asyncio.to_thread(server.ask, "FLUSHALL")
    store = open_store(server.url)
    await store.open()
    await store.claim(asked("first"))  # the server knows the script
    yield store
    await store.close()


def asked(claim_id: str, *, limit: int = 10) -> ClaimRequest:
    return ClaimRequest(claim_id=claim_id, worker="w", queues=("default",), abilities=able("t"), limit=limit, lease=600)


def never() -> Future[None]:
    return asyncio.get_running_loop().create_future()


def waiting(store: Store, request: ClaimRequest, hurry: Future[None] | None = None) -> asyncio.Task[Claims | None]:
    return asyncio.create_task(cast("Patient", store).claim_when_rung(request, 2.5, hurry or never()))


async def over(store: Store, request: ClaimRequest) -> list[str]:
    return ids(await cast("Patient", store).claim_over(request))


def ids(claims: Claims | None) -> list[str]:
    assert claims is not None
    return [claim.run_id for claim in claims.claims]


async def blocked(server: Server) -> None:
    await eventually(lambda: server.info()["blocked_clients"] != "0", "the claim to wait", SOON)


async def test_a_claim_waits_for_a_ring_and_brings_what_is_there(store: Store, server: Server) -> None:
    for number in range(3):  # the connection is used again
        task = waiting(store, asked(str(number)))
        await blocked(server)
        await store.enqueue([group(new_run(f"r{number}"))])
        assert ids(await task) == [f"r{number}"]
        assert await over(store, asked(str(number))) == [f"r{number}"]  # as often as it is asked
    assert (await store.check()) == []


async def test_a_claim_takes_what_was_rung_for_before(store: Store) -> None:
    await store.enqueue([group(new_run("a")), group(new_run("b"))])
    assert ids(await waiting(store, asked("1", limit=1))) == ["a"]
    assert ids(await waiting(store, asked("2", limit=1))) == ["b"]


async def test_a_claim_that_nobody_rings_for_is_made_in_the_end(store: Store) -> None:
    """A lost ring costs a poll interval."""
    await store.enqueue([group(new_run("a"))])
    await store.doorbell.listen([queue_topic("default")]).wait(SOON)  # somebody has taken the token
    assert ids(await waiting(store, asked("1"))) == ["a"]


async def test_a_claim_that_is_hurried_brings_nothing_any_more(store: Store, server: Server) -> None:
    hurry = never()
    task = waiting(store, asked("1"), hurry)
    await blocked(server)
    hurry.set_result(None)
    assert await task is None
    assert await over(store, asked("1")) == []
    await store.enqueue([group(new_run("a"))])
    assert ids(await store.claim(asked("2"))) == ["a"]


async def test_a_claim_that_was_given_up_is_not_made_however_late(store: Store, server: Server) -> None:
    """The server has not noticed that nobody hears it any more: it makes the claim, and that brings nothing."""
    task = waiting(store, asked("1"))
    await blocked(server)
    assert await over(store, asked("1")) == []
    await store.enqueue([group(new_run("a"))])
    assert ids(await task) == []
    assert ids(await store.claim(asked("2"))) == ["a"]


async def test_an_answer_that_is_lost_is_asked_for_again(store: Store, server: Server) -> None:
    async with Proxy(server.port) as proxy:
        behind = open_store(proxy.url)
        await behind.open()

        def swallow(piece: bytes) -> Fault:
            return Fault.SWALLOW if b"BZPOPMIN" in piece else Fault.NONE

        proxy.plan = swallow
        task = waiting(behind, asked("1"))
        await blocked(server)
        await store.enqueue([group(new_run("a"))])
        assert await task is None
        assert await over(behind, asked("1")) == ["a"]
        await behind.close()


async def test_forgotten_scripts_and_killed_clients_lose_no_claim(store: Store, server: Server) -> None:
    for number, disturb in enumerate((("SCRIPT", "FLUSH"), ("CLIENT", "KILL", "TYPE", "normal"))):
        task = waiting(store, asked(f"1{number}"))
        await blocked(server)
        await asyncio.to_thread(server.ask, *disturb)
        await store.enqueue([group(new_run(f"r{number}"))])
        claims = await task
        found = ids(claims) if claims is not None else await over(store, asked(f"1{number}"))
        found += ids(await store.claim(asked(f"2{number}")))
        assert found == [f"r{number}"]


async def test_with_a_moment_of_tests_no_claim_waits(server: Server, clock: FakeClock) -> None:
    store = open_store(server.url, clock=clock)
    assert not cast("Patient", store).claims_wait


async def test_an_idle_worker_takes_a_run_without_being_asked_to_look(server: Server) -> None:
    """One call claims it and one settles it, and nothing is asked in between."""
    await asyncio.to_thread(server.ask, "FLUSHALL")
    taps: list[Tapped] = []
    app = App(server.url)
    new_store = app._client.stores._new_store

    def new_tapped() -> Store:
        tap, store = tapped(new_store())
        taps.append(tap)
        return store

    app._client.stores._new_store = new_tapped

    @app.task
    async def job() -> None: ...

    def calls() -> Counter[str]:
        return sum((tap.calls for tap in taps), Counter[str]())

    async with app.worker():
        await (await job.enqueue()).result(SOON)
        waited = calls()["claim_when_rung"]
        await eventually(lambda: calls()["claim_when_rung"] > waited, "a claim to wait", SOON)
        before = calls()
        await (await job.enqueue()).result(SOON)
        found = calls() - before
    assert (found["claim"], found["turn"], found["claim_over"], found["settle"]) == (0, 0, 0, 1), found
    await app.close()


async def test_a_stopping_worker_leaves_no_claim_behind(server: Server) -> None:
    await asyncio.to_thread(server.ask, "FLUSHALL")
    app = App(server.url)

    @app.task
    async def job() -> None: ...

    async with app.worker():
        await blocked(server)
    run = await job.enqueue()
    await eventually(lambda: server.info()["blocked_clients"] == "0", "the wait to end", SOON)
    assert (await run.status()).state == "queued"
    store = await app._client.store()
    claims = await store.claim(
        ClaimRequest(claim_id="x", worker="x", queues=("default",), abilities=able("job"), limit=1, lease=600)
    )
    (claim,) = claims.claims
    assert (claim.attempt, claim.crashes) == (1, 0)
    await store.settle([Complete(lease=claim.lease, result=b"null")])
    await app.close()


class Answered(Tapped):
    """Notes when it is known what a claim that waited has brought; holds that back a while."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.known = False

    async def _call(self, name: str, call: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        answer = await super()._call(name, call, *args, **kwargs)
        if name == "claim_over":
            for _ in range(5):
                await self._store.counts()
            self.known = True
        return answer


async def test_who_leaves_hands_nothing_back_to_a_claim_of_his_own(server: Server) -> None:
    """The claim that waits is over before a run is interrupted, also without any grace."""
    await asyncio.to_thread(server.ask, "FLUSHALL")
    app = App(server.url)
    stores = app._client.stores
    tap = Answered(stores._new_store())
    stores._new_store = lambda: cast("Store", tap)
    started = asyncio.Event()
    known: list[bool] = []

    @app.task
    async def endless() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            known.append(tap.known)

    async with app.worker(grace=0):
        run = await endless.enqueue()
        await started.wait()
        await blocked(server)
    status = await run.status()
    assert known == [True]
    assert (status.state, status.releases) == ("queued", 1)
    await app.close()
