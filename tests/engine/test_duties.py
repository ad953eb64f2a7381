"""What a worker does besides runs: upkeep, registration, roll-ups, events; and how little it asks when idle."""

import asyncio
import logging
from itertools import pairwise

import msgspec
import pytest

from penstock.core.errors import Invalid, Unavailable
from penstock.core.registry import Definition
from penstock.core.state import State
from penstock.engine.events import WAITING, Event, Observers
from penstock.engine.handler import Attempt
from penstock.engine.registration import Numbers
from tests.engine.support import TestHandler, enqueue, new_store, read, until_finished, worker_of
from tests.engine.tapped import tapped
from tests.engine.virtual import now, passes, virtual


@virtual
async def test_an_idle_worker_asks_the_store_hardly_once_a_second() -> None:
    """The target: at most 2 store calls a second, better 1."""
    tap, store = tapped(new_store())
    async with worker_of(store, TestHandler()):
        await passes(60)
        tap.calls.clear()
        await passes(600)
        assert tap.calls.total() / 600 <= 1.0, tap.calls


@virtual
async def test_no_two_workers_keep_step() -> None:
    tap, store = tapped(new_store())
    times: list[float] = []
    async with worker_of(store, TestHandler()):
        await passes(60)
        for _ in range(100):
            before = tap.calls["claim"]
            while tap.calls["claim"] == before:
                await passes(0.01)
            times.append(now())
    gaps = {round(later - earlier, 1) for earlier, later in pairwise(times)}
    assert len(gaps) >= 4


@virtual
async def test_delayed_runs_start_when_they_are_due() -> None:
    """Also one due earlier than all that the last round of upkeep saw."""
    store, late = new_store(), list[float]()

    async def work(attempt: Attempt) -> bytes:
        late.append(now() - float(attempt.claim.input))
        return b"1"

    async with worker_of(store, TestHandler(work)):
        await passes(10.3)
        run_ids = list[str]()
        for delay in (3600.0, 5.0, 0.2, 1.7):
            run_ids += await enqueue(store, delay=delay, input=str(now() + delay).encode())
        await until_finished(store, run_ids)
    assert all(0 <= wait <= 0.03 for wait in late), late


@virtual
async def test_upkeep_in_large_amounts_is_done_in_bounded_moves() -> None:
    tap, store = tapped(new_store())
    run_ids = await enqueue(store, 3000, delay=5.0)
    async with worker_of(store, TestHandler(), concurrency=100):
        await passes(5.5)
        runs = await until_finished(store, run_ids)
    assert {run.state for run in runs} == {State.SUCCEEDED}
    assert {args[0] for name, args in tap.arguments if name == "tend"} == {500}


@virtual
async def test_runs_expire_and_meet_their_deadline_without_a_worker_for_them() -> None:
    store = new_store()
    expired, late = await enqueue(store, expires=30.0), await enqueue(store, deadline=60.0)
    since = now()
    async with worker_of(store, TestHandler(task="none"), queues=("none",)):
        runs = await until_finished(store, [*expired, *late])
    assert [run.cause for run in runs] == ["expired", "deadline"]
    assert now() - since == pytest.approx(60, abs=0.1)


@virtual
async def test_a_run_at_its_deadline_is_stopped() -> None:
    store, ended = new_store(), list[float]()

    async def work(attempt: Attempt) -> bytes:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(now())
        return b"1"

    since = now()
    run_ids = await enqueue(store, deadline=45.0)
    async with worker_of(store, TestHandler(work)):
        (run,) = await until_finished(store, run_ids)
        await passes(31)
    assert (run.state, run.cause) == (State.FAILED, "deadline")
    assert ended[0] - since == pytest.approx(45, abs=0.2)


@virtual
async def test_a_worker_is_known_while_it_lives_and_for_what_it_can_do() -> None:
    store = new_store()
    worker = worker_of(store, TestHandler(), name="mail", app="shop")
    worker._definitions = [Definition(task="job", app="shop")]
    async with worker:
        for _ in range(4):
            await passes(100)
            assert [info.expires_at > now() for info in await store.workers()] == [True]
        (info,) = await store.workers()
        assert (info.worker, info.app, info.queues) == (worker.identity, "shop", ("default",))
        assert {ability.task for ability in info.abilities} == {"job"}
        numbers = msgspec.json.decode(info.state, type=Numbers)
        assert (numbers.concurrency, numbers.running, numbers.runs) == (10, 0, ())
        assert [one.task for one in await store.definitions()] == ["job"]
    assert await store.workers() == []


@virtual
async def test_roll_ups_count_outcomes_and_times_per_minute() -> None:
    store = new_store()

    async def work(attempt: Attempt) -> bytes:
        await asyncio.sleep(0.1)
        if attempt.claim.input == b"bad":
            raise ValueError
        return b"1"

    run_ids = await enqueue(store, 3) + await enqueue(store, input=b"bad")
    async with worker_of(store, TestHandler(work)):
        await until_finished(store, run_ids)
        await passes(15)
        rollups = await store.rollups(0, 10**9)
    assert {(one.queue, one.task) for one in rollups} == {("default", "job")}
    assert sum(one.succeeded for one in rollups) == 3
    assert (sum(one.retried for one in rollups), sum(one.failed for one in rollups)) == (2, 1)
    assert sum(sum(one.times) for one in rollups) == 6
    assert sum(one.times[7] for one in rollups) == 6, "100 ms: up to 2 ** 7"
    assert sum(sum(one.waits) for one in rollups) == 4, "only first claims know since when they waited"


@virtual
async def test_counts_without_an_answer_are_told_again() -> None:
    """The store knows their number: told twice they count once."""
    for applied in ("no", "unknown"):
        tap, store = tapped(new_store())
        tap.fail("flush", Unavailable("down", applied=applied))
        async with worker_of(store, TestHandler()):
            await until_finished(store, await enqueue(store, 5))
            await passes(30)
            assert sum(one.succeeded for one in await store.rollups(0, 10**9)) == 5


@virtual
async def test_observers_hear_what_happens_to_runs() -> None:
    store, heard = new_store(), list[tuple[str, str, int]]()

    async def work(attempt: Attempt) -> bytes:
        if attempt.claim.attempt == 1:
            raise ValueError("first")
        return b"1"

    async def note(event: Event) -> None:
        await asyncio.sleep(0)
        heard.append((event.kind, event.run_id, event.attempt))

    worker = worker_of(store, TestHandler(work))
    offs = [worker.observers.on(kind, note) for kind in ("run.started", "run.retried", "run.succeeded", "run.failed")]
    (run_id,) = await enqueue(store)
    async with worker:
        await until_finished(store, [run_id])
        await worker.observers.delivered()
        kinds = ("run.started", "run.retried", "run.started", "run.succeeded")
        assert heard == [(kind, run_id, attempt) for kind, attempt in zip(kinds, (1, 1, 2, 2), strict=True)]
        for off in offs:
            off()
            off()
        assert worker.observers.wanted == frozenset()
        await until_finished(store, await enqueue(store))
    assert len(heard) == 4


@virtual
async def test_an_observer_that_raises_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    store, heard = new_store(), list[str]()
    worker = worker_of(store, TestHandler())

    def broken(event: Event) -> None:
        raise ValueError("observer")

    worker.observers.on("run.succeeded", broken)
    worker.observers.on("run.succeeded", lambda event: heard.append(event.run_id))
    run_ids = await enqueue(store, 3)
    async with worker:
        await until_finished(store, run_ids)
        await worker.observers.delivered()
    assert sorted(heard) == sorted(run_ids)
    assert "an observer of run.succeeded failed" in caplog.text
    assert (await read(store, run_ids[0])).state is State.SUCCEEDED


def test_an_unknown_event_is_refused_naming_the_known_ones() -> None:
    with pytest.raises(Invalid, match=r"run\.succeeded"):
        Observers().on("run.done", print)


@virtual
async def test_observers_slower_than_events_cost_events_and_say_so(caplog: pytest.LogCaptureFixture) -> None:
    observers, heard = Observers(), 0

    def count(event: Event) -> None:
        nonlocal heard
        heard += 1

    observers.on("run.lost", count)
    with caplog.at_level(logging.WARNING):
        for _ in range(WAITING + 7):
            observers.tell(Event(kind="run.lost", worker="w"))
        await observers.delivered()
    assert heard == WAITING
    assert "7 events were dropped" in caplog.text
