"""Claim: order, queues, pause, abilities, versions, side lines, refused code, bounds, repetition."""

import random

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Ability, Complete, Release, Retry, Suspend
from penstock.core.requests import Edit, Pause
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import able, new_run, send
from tests.clock import FakeClock
from tests.conformance.acts import (
    ask,
    claim,
    claimed,
    hold,
    later,
    look,
    put,
    reason,
    retry,
    settled,
    states,
    suspend,
    upkeep,
)


async def test_last_in_first_out_if_asked(store: Store, clock: FakeClock) -> None:
    """B-057: among those of its priority; what becomes ready later, also after a delay or a retry, goes first."""
    await put(store, new_run("fifo"))
    for name in ("a", "b"):
        await put(store, new_run(name, lifo=True))
    await put(store, new_run("late", lifo=True, delay=5.0), new_run("high", priority=1))
    assert await claimed(store, limit=1) == ["high"]
    (b,) = await claim(store)
    assert b.run_id == "b"
    await settled(store, Retry(lease=b.lease, delay=10.0, error=b"boom"))
    await later(store, clock, 6)
    assert await claimed(store, limit=1) == ["late"]
    await later(store, clock, 6)
    assert await claimed(store, limit=3) == ["b", "a", "fifo"]


async def test_a_run_that_was_handed_back_keeps_its_place_among_the_last(store: Store) -> None:
    await put(store, *(new_run(name, lifo=True) for name in "abc"))
    (c,) = await claim(store)
    await settled(store, Release(lease=c.lease))
    await put(store, new_run("d", lifo=True))
    assert await claimed(store, limit=4) == ["d", "c", "b", "a"]


async def test_first_in_first_out(store: Store) -> None:
    """B-057."""
    names = [f"r{n}" for n in range(20)]
    random.Random(7).shuffle(names)
    for name in names:
        await put(store, new_run(name))
    assert await claimed(store, limit=20) == names


async def test_a_group_is_served_in_its_order(store: Store) -> None:
    await put(store, new_run("b"), new_run("a"), new_run("c"))
    assert await claimed(store, limit=3) == ["b", "a", "c"]


async def test_higher_priority_first_then_order(store: Store) -> None:
    """B-106."""
    for name, priority in [("low", -1000), ("a", 0), ("high", 1000), ("b", 0), ("one", 1), ("next", 1000)]:
        await put(store, new_run(name, priority=priority))
    assert await claimed(store, limit=10) == ["high", "next", "one", "a", "b", "low"]


async def test_queues_are_served_in_the_order_asked(store: Store) -> None:
    await put(store, new_run("x", queue="one", priority=9), new_run("y", queue="two"), new_run("z", queue="one"))
    assert await claimed(store, limit=10, queues=("two", "one")) == ["y", "x", "z"]


async def test_other_queues_are_left_alone(store: Store) -> None:
    await put(store, new_run("x", queue="one"))
    assert await claimed(store, limit=10, queues=("two",)) == []


async def test_a_claim_says_all_that_a_handler_needs(store: Store, clock: FakeClock) -> None:
    await put(store, new_run(input=b"in", options=b"opt", priority=2, tags=("a",), deadline=100))
    clock.advance(5)
    [got] = await claim(store, lease=20)
    assert (got.run_id, got.task, got.queue, got.input, got.options) == ("r", "t", "default", b"in", b"opt")
    assert (got.attempt, got.life, got.history, got.claims, got.crashes) == (1, 1, 0, 1, 0)
    assert (got.enqueued_at, got.started_at, got.deadline_at) == (clock() - 5, clock(), clock() + 95)
    assert (got.priority, got.tags, got.pending, got.ending, got.about) == (2, ("a",), 0, None, None)
    run = await look(store)
    assert (run.state, run.worker, run.lease_expires_at) == (State.RUNNING, "w", clock() + 20)
    assert (run.claims, run.started_at) == (1, clock())


async def test_each_claim_has_a_token_of_its_own_and_a_higher_fence(store: Store) -> None:
    await put(store, new_run())
    first = await hold(store)
    await settled(store, Release(lease=first.lease))
    second = await hold(store)
    assert first.lease.token != second.lease.token
    assert second.fence > first.fence


async def test_a_claim_asked_twice_gives_the_same_leases(store: Store) -> None:
    """A lost reply leaks no lease."""
    await put(store, new_run("a"), new_run("b"), new_run("c"))
    request = ask(limit=2)
    first = await store.claim(request)
    assert [one.run_id for one in first.claims] == ["a", "b"]
    again = await store.claim(request)
    assert [one.lease for one in again.claims] == [one.lease for one in first.claims]
    assert (await look(store, "a")).claims == 1
    assert await claimed(store, limit=10) == ["c"]


async def test_a_repeated_claim_gives_only_what_is_still_held(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"))
    request = ask(limit=2)
    first = await store.claim(request)
    await settled(store, Complete(lease=first.claims[0].lease, result=b""))
    assert [one.run_id for one in (await store.claim(request)).claims] == ["b"]


async def test_no_run_is_claimed_twice(store: Store) -> None:
    """B-061."""
    await put(store, new_run())
    assert await claimed(store, limit=10) == ["r"]
    assert await claimed(store, limit=10, worker="another") == []


async def test_a_released_run_comes_back_where_it_stood(store: Store) -> None:
    """S0-64, B-107: rank kept, no attempt used."""
    await put(store, new_run("a"), new_run("b"))
    await settled(store, Release(lease=(await hold(store, "a")).lease))
    run = await look(store, "a")
    assert (run.state, run.releases, run.failures, run.crashes) == (State.QUEUED, 1, 0, 0)
    assert await claimed(store, limit=2) == ["a", "b"]


async def test_a_retried_run_goes_behind_those_that_wait(store: Store, clock: FakeClock) -> None:
    """B-098."""
    await put(store, new_run("a"), new_run("b"))
    await retry(store, "a", delay=0)
    assert await claimed(store, limit=2) == ["b", "a"]


async def test_a_promoted_run_gets_its_rank_when_it_is_due(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("late", delay=10), new_run("a"))
    await later(store, clock, 10)
    await put(store, new_run("b"))
    assert await claimed(store, limit=3) == ["a", "late", "b"]


async def test_due_runs_are_promoted_in_the_order_of_their_moments(store: Store, clock: FakeClock) -> None:
    """B-112."""
    await put(store, new_run("c", delay=30), new_run("a", delay=10), new_run("b", delay=20))
    await later(store, clock, 60)
    assert await claimed(store, limit=3) == ["a", "b", "c"]


async def test_nothing_is_promoted_before_its_time(store: Store, clock: FakeClock) -> None:
    """S2-12."""
    await put(store, new_run(delay=10))
    await later(store, clock, 9.999)
    assert await claimed(store) == []
    await later(store, clock, 0.001)
    assert await claimed(store) == ["r"]


async def test_a_woken_run_goes_before_those_that_never_started(store: Store) -> None:
    await put(store, new_run("old"))
    await suspend(store, "old", signals={"go": 1})
    await put(store, new_run("new"), new_run("urgent", priority=1))
    await store.signal(send(run_id="old"))
    assert await claimed(store, limit=3) == ["urgent", "old", "new"]


async def test_a_woken_run_goes_before_what_was_handed_back(store: Store) -> None:
    """Whatever their ranks: what waits for it waits already."""
    await put(store, new_run("first"), new_run("second"))
    first, second = await claim(store, limit=2)
    await settled(store, Suspend(lease=second.lease, wake=Wake(signals={"go": 1})))
    await settled(store, Release(lease=first.lease))
    await store.signal(send(run_id="second"))
    assert await claimed(store, limit=2) == ["second", "first"]


async def test_woken_runs_keep_their_rank(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"))
    for got in await claim(store, limit=2):
        await settled(store, Suspend(lease=got.lease, wake=Wake(signals={"go": 1})))
    await store.signal(send(run_id="b"))
    await store.signal(send(run_id="a"))
    assert await claimed(store, limit=2) == ["a", "b"]


async def test_priority_may_change_before_the_start(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"))
    assert await store.edit("b", Edit(priority=1)) == Answer.OK
    assert await claimed(store, limit=2) == ["b", "a"]


async def test_nothing_of_a_paused_queue_starts(store: Store) -> None:
    """X-07, B-142."""
    await put(store, new_run("a"), new_run("b"), new_run("x", queue="other"))
    held = await hold(store, "a")
    await store.pause(Pause(kind="queue", name="default", paused=True))
    assert await claimed(store, limit=10, queues=("default", "other")) == ["x"]
    assert await reason(store, "b") == "pause"
    await settled(store, Complete(lease=held.lease, result=b""))
    await store.pause(Pause(kind="queue", name="default", paused=False))
    await put(store, new_run("c"))
    assert await claimed(store, limit=10) == ["b", "c"]


async def test_nothing_of_a_paused_task_starts(store: Store) -> None:
    await put(store, new_run("a"), new_run("b", task="u"), new_run("c"))
    await store.pause(Pause(kind="task", name="t", paused=True))
    assert await claimed(store, limit=10) == ["b"]
    assert await reason(store, "a") == "pause"
    await put(store, new_run("d"))
    await store.pause(Pause(kind="task", name="t", paused=False))
    assert await claimed(store, limit=10) == ["a", "c", "d"]


async def test_pausing_twice_is_pausing_once(store: Store) -> None:
    paused = Pause(kind="queue", name="default", paused=True)
    await store.pause(paused)
    await store.pause(paused)
    assert await store.paused() == [paused]
    await store.pause(Pause(kind="queue", name="default", paused=False))
    assert await store.paused() == []


async def test_due_runs_of_a_paused_queue_are_queued_and_wait(store: Store, clock: FakeClock) -> None:
    """B-111, B-144."""
    await put(store, new_run(delay=10))
    await store.pause(Pause(kind="queue", name="default", paused=True))
    await later(store, clock, 10)
    assert (await look(store)).state == State.QUEUED
    assert await claimed(store) == []


async def test_a_worker_leaves_a_task_that_it_does_not_know(store: Store) -> None:
    """S4-17: it stands aside, its rank kept, for one that knows it."""
    await put(store, new_run("strange", task="new"), new_run("a"))
    assert await claimed(store, limit=10, abilities=able("t")) == ["a"]
    await put(store, new_run("b"))
    assert await reason(store, "strange") == "no_worker"
    assert await claimed(store, limit=10, abilities=able("t", "new")) == ["strange", "b"]


@pytest.mark.parametrize(
    ("asked", "offered", "fits"),
    [("", "", True), ("", "2", True), ("2", "2", True), ("2", "", False), ("2", "3", False)],
)
async def test_a_version_is_served_by_its_own_code(store: Store, asked: str, offered: str, fits: bool) -> None:
    """S0-66, S0-67."""
    await put(store, new_run(version=asked))
    got = await claimed(store, abilities=able("t", version=offered))
    assert got == (["r"] if fits else [])
    assert (await look(store)).state == (State.RUNNING if fits else State.QUEUED)


async def test_side_lines_keep_priority_and_rank(store: Store) -> None:
    await put(store, new_run("a", version="1"), new_run("b", version="2"), new_run("c", version="1", priority=5))
    assert await claimed(store, limit=10, abilities=able("u")) == []
    await put(store, new_run("d", version="1"))
    both = able("t", version="1") | able("t", version="2")
    assert await claimed(store, limit=10, abilities=both) == ["c", "a", "b", "d"]


async def test_refused_code_never_gets_the_run_again(store: Store) -> None:
    await put(store, new_run())
    old, new = able("t", fingerprint="old"), able("t", fingerprint="new")
    [got] = await claim(store, abilities=old)
    await settled(store, Release(lease=got.lease, refused="old"))
    run = await look(store)
    assert (run.state, run.refused, run.releases) == (State.QUEUED, ("old",), 1)
    assert await claimed(store, abilities=old) == []
    assert await reason(store) == "mismatch"
    assert await claimed(store, abilities=new) == ["r"]


async def test_a_run_may_refuse_several(store: Store) -> None:
    await put(store, new_run())
    for fingerprint in ("a", "b"):
        [got] = await claim(store, abilities=able("t", fingerprint=fingerprint))
        await settled(store, Release(lease=got.lease, refused=fingerprint))
    for fingerprint in ("a", "b"):
        assert await claimed(store, abilities=able("t", fingerprint=fingerprint)) == []
    mixed = able("t", fingerprint="a") | frozenset({Ability(task="t", fingerprint="c")})
    assert await claimed(store, abilities=mixed) == ["r"]


async def test_a_claim_looks_at_a_bounded_number_of_runs(store: Store) -> None:
    """Each is moved out of the way once; `more` says that there are others."""
    await put(store, *(new_run(f"x{n}", task="strange") for n in range(150)), new_run("a"))
    first = await store.claim(ask(limit=1))
    assert ([one.run_id for one in first.claims], first.more) == ([], True)
    second = await store.claim(ask(limit=1))
    assert [one.run_id for one in second.claims] == ["a"]


async def test_a_claim_that_saw_everything_says_so(store: Store) -> None:
    await put(store, *(new_run(f"x{n}", task="strange") for n in range(50)))
    answer = await store.claim(ask(limit=1))
    assert (answer.claims, answer.more) == ((), False)


async def test_expired_runs_never_start(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("a", expires=10), new_run("b", expires=20))
    clock.advance(15)
    assert await claimed(store, limit=10) == ["b"]
    assert await states(store, "a", "b") == [State.FAILED, State.RUNNING]


async def test_turn_settles_and_claims_in_one(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"))
    held = await hold(store, "a")
    turn = await store.turn([Complete(lease=held.lease, result=b"done")], ask(limit=1))
    assert turn.answers == (Answer.OK,)
    assert [one.run_id for one in turn.claims.claims] == ["b"]
    assert await states(store, "a", "b") == [State.SUCCEEDED, State.RUNNING]


async def test_turn_claims_what_its_own_settle_freed(store: Store) -> None:
    await put(store, new_run())
    held = await hold(store)
    turn = await store.turn([Release(lease=held.lease)], ask(limit=1))
    assert [one.run_id for one in turn.claims.claims] == ["r"]


async def test_an_empty_claim_is_no_error(store: Store) -> None:
    """B-080."""
    answer = await store.claim(ask(limit=5))
    assert (answer.claims, answer.more) == ((), False)
    await upkeep(store)
