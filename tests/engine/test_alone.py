"""Runs that have cost workers: at their last chance they are carried out alone, so that no neighbour fails them."""

import asyncio

import pytest

from penstock.core import ids
from penstock.core.leases import Ability, ClaimRequest
from penstock.core.state import State
from penstock.engine.alone import WITHIN
from penstock.engine.handler import Attempt
from penstock.ports.store import Store
from tests.engine.support import TestHandler, enqueue, new_store, read, until_finished, worker_of
from tests.engine.virtual import now, passes, virtual


class Neighbours:
    """A handler that notes with how many others each run was carried out."""

    def __init__(self, seconds: float = 0.1) -> None:
        self.seconds = seconds
        self.running = set[str]()
        self.most = dict[str, int]()  # by run

    async def work(self, attempt: Attempt) -> bytes:
        self.running.add(attempt.claim.run_id)
        for run_id in self.running:
            self.most[run_id] = max(self.most.get(run_id, 0), len(self.running) - 1)
        await asyncio.sleep(float(attempt.claim.input or self.seconds))
        self.running.discard(attempt.claim.run_id)
        return b"1"


async def lose(store: Store, times: int, n: int) -> None:
    """So many workers take so many runs and die."""
    async with worker_of(store, TestHandler(task="none"), queues=("none",)):
        for _ in range(times):
            held = 0
            while held < n:
                claims = await store.claim(
                    ClaimRequest(
                        claim_id=ids.new_claim_id(),
                        worker="dead",
                        queues=("default",),
                        abilities=frozenset({Ability(task="job")}),
                        limit=n,
                        lease=1.0,
                    )
                )
                held += len(claims.claims)
                await passes(0.1)
            await passes(2.0)


@virtual
async def test_runs_at_their_last_chance_have_no_neighbours_and_all_end() -> None:
    store, neighbours = new_store(), Neighbours()
    suspects = await enqueue(store, 5)
    await lose(store, 2, 5)
    others = await enqueue(store, 20)
    async with worker_of(store, TestHandler(neighbours.work)):
        runs = await until_finished(store, [*suspects, *others])
    assert {run.state for run in runs} == {State.SUCCEEDED}
    assert [neighbours.most[run_id] for run_id in suspects] == [0] * 5
    assert max(neighbours.most[run_id] for run_id in others) > 0
    assert [run.claims for run in runs[:5]] == [3] * 5, "those given back were not claimed"
    assert await store.check() == []


@virtual
async def test_one_crash_of_three_costs_no_company() -> None:
    store, neighbours = new_store(), Neighbours()
    run_ids = await enqueue(store, 5)
    await lose(store, 1, 5)
    async with worker_of(store, TestHandler(neighbours.work)):
        await until_finished(store, run_ids)
    assert max(neighbours.most.values()) == 4


@virtual
async def test_the_last_chance_is_counted_by_the_runs_own_limit() -> None:
    for crashes, alone in ((1, False), (2, True), (3, False), (4, False)):
        store, neighbours = new_store(), Neighbours()
        run_ids = await enqueue(store, 2, crashes=crashes)
        if crashes > 1:
            await lose(store, 1, 2)
        async with worker_of(store, TestHandler(neighbours.work)):
            await until_finished(store, run_ids)
        assert (max(neighbours.most.values()) == 0) is alone, crashes


@virtual
async def test_waiting_and_solitude_are_bounded() -> None:
    store, neighbours = new_store(), Neighbours()
    (suspect,) = await enqueue(store, input=b"3600", crashes=2)
    await lose(store, 1, 1)
    async with worker_of(store, TestHandler(neighbours.work), grace=0.0, concurrency=3):
        await passes(1)
        (other,) = await enqueue(store)
        since = now()
        await until_finished(store, [other])
        assert now() - since == pytest.approx(WITHIN, abs=2), "it was alone for so long, then no more"
        assert (await read(store, suspect)).state is State.RUNNING
    store, neighbours = new_store(), Neighbours()
    (long,) = await enqueue(store, input=b"3600", priority=9)
    (suspect,) = await enqueue(store, crashes=2)
    async with worker_of(store, TestHandler(neighbours.work), grace=0.0, concurrency=1) as worker:
        await passes(1)
        assert neighbours.running == {long}
        await lose(store, 1, 1)
        worker.concurrency = 3
        since = now()
        await until_finished(store, [suspect])
        assert now() - since == pytest.approx(WITHIN, abs=2), "it waited for the long one for so long"


@virtual
async def test_a_run_that_waits_to_be_alone_is_given_back_by_a_stop_and_ended_by_a_cancel() -> None:
    for end in ("stop", "cancel"):
        store, neighbours = new_store(), Neighbours()
        (long,) = await enqueue(store, input=b"30", priority=9)
        (suspect,) = await enqueue(store, crashes=2)
        worker = worker_of(store, TestHandler(neighbours.work), concurrency=1, grace=60.0)
        worker.start()
        await passes(1)
        await lose(store, 1, 1)
        worker.concurrency = 3
        await passes(1)
        assert worker.health().waiting == 1
        if end == "cancel":
            await store.cancel([suspect])
            (run,) = await until_finished(store, [suspect])
            assert run.state is State.CANCELLED
        worker.stop()
        await worker.stopped()
        run = await read(store, suspect)
        assert (run.state, run.claims) == (State.QUEUED, 1) if end == "stop" else (State.CANCELLED, 2)
        assert (await read(store, long)).state is State.SUCCEEDED
        assert suspect not in neighbours.most
