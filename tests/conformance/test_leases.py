"""Leases: extend, stop, lost; the four counters; the crash limit; the guard after an outage."""

import pytest

from penstock.core.answers import Answer, Tended
from penstock.core.leases import Append, Complete, Fail, Lease, Release, Retry, Suspend
from penstock.core.requests import Guard
from penstock.core.run import Cause
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import new_run, send
from tests.clock import FakeClock
from tests.conformance.acts import (
    alive,
    claim,
    claimed,
    fail,
    hold,
    later,
    look,
    put,
    retry,
    settle,
    settled,
    states,
    stops,
    tend,
    upkeep,
)

GUARD = Guard(gap=15.0, hold=30.0)


async def test_an_extended_lease_lives_from_now(store: Store, clock: FakeClock) -> None:
    """B-118, S0-47, S1-02, S1-03."""
    await put(store, new_run())
    got = await hold(store, lease=30)
    for _ in range(5):
        clock.advance(20)
        assert await store.extend([got.lease], 30) == [Answer.OK]
        await upkeep(store)
    run = await look(store)
    assert (run.state, run.lease_expires_at, run.crashes) == (State.RUNNING, clock() + 30, 0)


async def test_leases_are_extended_each_for_itself(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("a"), new_run("b"))
    first, second = await hold(store, "a"), await hold(store, "b")
    await settled(store, Complete(lease=first.lease, result=b""))
    assert await store.extend([first.lease, second.lease], 60) == [Answer.LOST, Answer.OK]


async def test_what_a_claim_brought_is_kept_alive_before_its_answer_arrives(store: Store, clock: FakeClock) -> None:
    """By worker and claim, and no other's; also when the worker is no longer registered."""
    await alive(store, "w", seconds=5)
    await put(store, new_run("a"), new_run("b"), new_run("c"))
    first = await claim(store, limit=2)
    [other] = await claim(store, worker="w2")
    assert {one.lease.token for one in first} != {other.lease.token}
    clock.advance(20)
    await upkeep(store)
    await store.extend_claim("w", first[0].lease.token, 30)
    await store.extend_claim("w", other.lease.token, 30)
    clock.advance(20)
    await upkeep(store)
    assert await states(store, "a", "b", "c") == ["running", "running", "queued"]
    await store.cancel(["a"])
    clock.advance(29)
    await store.extend_claim("w", first[0].lease.token, 30)  # one more lease to stop, and no more, as ever
    clock.advance(29)
    await store.extend_claim("w", first[0].lease.token, 30)
    clock.advance(2)
    await upkeep(store)
    assert await states(store, "a", "b") == ["cancelled", "running"]


async def test_a_lease_that_ran_out_is_rescued(store: Store, clock: FakeClock) -> None:
    """S0-44, B-076: once, and the next attempt is told."""
    await put(store, new_run())
    got = await hold(store, lease=30)
    clock.advance(29.9)
    assert (await tend(store)).rescued == 0
    clock.advance(0.2)
    assert (await tend(store)).rescued == 1
    run = await look(store)
    assert (run.state, run.worker, run.lease_expires_at) == (State.QUEUED, None, None)
    assert (run.crashes, run.failures, run.releases, run.claims) == (1, 0, 0, 1)
    assert await store.extend([got.lease], 30) == [Answer.LOST]
    again = await hold(store)
    assert (again.attempt, again.crashes, again.claims) == (1, 1, 2)


async def test_a_rescued_run_keeps_its_rank(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("a"), new_run("b"))
    await hold(store, "a")
    await later(store, clock, 31)
    assert await claimed(store, limit=2) == ["a", "b"]


@pytest.mark.parametrize("crashes", [1, 2, 3])
async def test_too_many_crashes_fail_the_run(store: Store, clock: FakeClock, crashes: int) -> None:
    """B-116, S2-26."""
    await put(store, new_run(crashes=crashes))
    for n in range(1, crashes + 1):
        await hold(store)
        await later(store, clock, 31)
        run = await look(store)
        assert run.crashes == n
        assert run.state == (State.FAILED if n == crashes else State.QUEUED)
    run = await look(store)
    assert (run.cause, run.failures) == (Cause.CRASHED, 0)


async def test_a_claim_says_when_one_more_crash_is_the_end(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("r", crashes=3), new_run("once", queue="once", crashes=1))
    assert not (await hold(store, "once")).last_chance
    told: list[bool] = []
    for _ in range(3):
        told.append((await hold(store)).last_chance)
        await later(store, clock, 31)
    assert told == [False, False, True]
    assert (await look(store)).state == State.FAILED


async def test_attempts_crashes_and_releases_are_counted_apart(store: Store, clock: FakeClock) -> None:
    """S0-43."""
    await put(store, new_run(crashes=9))
    await retry(store, delay=0)
    await settled(store, Release(lease=(await hold(store)).lease))
    await hold(store)
    await later(store, clock, 31)
    await retry(store, delay=0, error=None)
    run = await look(store)
    assert (run.claims, run.failures, run.crashes, run.releases) == (4, 1, 1, 2)
    got = await hold(store)
    assert (got.attempt, got.claims) == (2, 5)
    await settled(store, Suspend(lease=got.lease, wake=Wake(signals={"go": 1})))
    await store.signal(send())
    await fail(store)
    run = await look(store)
    assert (run.claims, run.failures, run.crashes, run.releases) == (6, 2, 1, 2)


async def test_a_retry_waits_for_its_delay(store: Store, clock: FakeClock) -> None:
    """S0-35: without holding anything."""
    await put(store, new_run())
    await retry(store, delay=7.5)
    run = await look(store)
    assert (run.state, run.due_at, run.failures) == (State.SCHEDULED, clock() + 7.5, 1)
    assert (run.worker, run.lease_expires_at) == (None, None)
    await later(store, clock, 7.5)
    assert (await hold(store)).attempt == 2


async def test_a_snooze_uses_no_attempt(store: Store, clock: FakeClock) -> None:
    """B-019, B-100."""
    await put(store, new_run())
    await retry(store, delay=5, error=None)
    run = await look(store)
    assert (run.state, run.failures, run.releases, run.due_at) == (State.SCHEDULED, 0, 1, clock() + 5)
    await later(store, clock, 5)
    assert (await hold(store)).attempt == 1


async def test_a_completed_run_keeps_its_result(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    got = await hold(store)
    clock.advance(3)
    await settled(store, Complete(lease=got.lease, result=b"\x00result"))
    run = await look(store)
    assert (run.state, run.result, run.error, run.cause) == (State.SUCCEEDED, b"\x00result", None, None)
    assert (run.finished_at, run.started_at, run.worker) == (clock(), clock() - 3, None)


@pytest.mark.parametrize("result", [b"", b"null", b"0", b"\xff"])
async def test_falsy_results_survive(store: Store, result: bytes) -> None:
    """B-058."""
    await put(store, new_run())
    await settled(store, Complete(lease=(await hold(store)).lease, result=result))
    assert (await look(store)).result == result


async def test_a_failed_run_keeps_its_error(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    await fail(store, error=b"why")
    run = await look(store)
    assert (run.state, run.error, run.cause, run.failures) == (State.FAILED, b"why", Cause.ERROR, 1)
    assert (run.finished_at, run.result) == (clock(), None)


async def test_a_failure_may_name_its_cause(store: Store) -> None:
    await put(store, new_run())
    await settled(store, Fail(lease=(await hold(store)).lease, error=b"late", cause=Cause.DEADLINE))
    assert (await look(store)).cause == Cause.DEADLINE


async def test_a_cancelled_run_is_told_when_it_extends(store: Store) -> None:
    """B-179."""
    await put(store, new_run("a"), new_run("b"))
    first, second = await hold(store, "a"), await hold(store, "b")
    assert await store.cancel(["a"]) == [Answer.OK]
    assert await store.extend([first.lease, second.lease], 30) == [Answer.STOP, Answer.OK]
    assert await stops(store, first.lease)


async def test_a_stopped_lease_is_kept_alive(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    got = await hold(store, lease=30)
    await store.cancel(["r"])
    clock.advance(20)
    assert await store.extend([got.lease], 30) == [Answer.STOP]
    await later(store, clock, 25)
    assert (await look(store)).state == State.RUNNING


async def test_a_lost_run_that_was_finished_elsewhere_stays_finished(store: Store, clock: FakeClock) -> None:
    """S4-56, B-076."""
    await put(store, new_run())
    lost = (await hold(store)).lease
    await later(store, clock, 31)
    await settled(store, Complete(lease=(await hold(store, worker="another")).lease, result=b"theirs"))
    assert await settle(store, Complete(lease=lost, result=b"mine")) == Answer.LOST
    assert await store.extend([lost], 30) == [Answer.LOST]
    assert (await look(store)).result == b"theirs"


async def test_a_removed_run_is_lost_to_whoever_held_it(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    lost = (await hold(store)).lease
    await later(store, clock, 31)
    await store.remove(["r"])
    assert await settle(store, Complete(lease=lost, result=b"")) == Answer.LOST
    assert await store.append([Append(lease=lost, kind="log", data=b"")]) == [Answer.LOST]


async def test_a_token_belongs_to_one_run(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"))
    first, second = await hold(store, "a"), await hold(store, "b")
    crossed = Complete(lease=type(first.lease)(run_id="a", token=second.lease.token), result=b"")
    assert await settle(store, crossed) == Answer.LOST
    assert (await look(store, "a")).state == State.RUNNING


async def test_upkeep_rescues_no_more_than_its_budget(store: Store, clock: FakeClock) -> None:
    await put(store, *(new_run(f"r{n}") for n in range(5)))
    await claimed(store, limit=5)
    clock.advance(31)
    first = await tend(store, budget=3)
    assert (first.rescued, first.more) == (3, True)
    second = await tend(store, budget=3)
    assert (second.rescued, second.more) == (2, False)


async def test_after_an_outage_live_workers_come_first(store: Store, clock: FakeClock) -> None:
    """Nobody tended, so nobody could extend either: all leases get one more."""
    await put(store, new_run("alive"), new_run("dead"))
    await store.tend(100, GUARD)
    alive = await hold(store, "alive", lease=30)
    await hold(store, "dead", lease=30)
    clock.advance(60)
    answer = await store.tend(100, GUARD)
    assert (answer.rescued, answer.held_back) == (0, 2)
    assert await store.extend([alive.lease], 60) == [Answer.OK]
    for _ in range(2):
        clock.advance(10)
        assert (await store.tend(100, GUARD)).rescued == 0
    clock.advance(10.1)
    assert (await store.tend(100, GUARD)).rescued == 1
    assert [(await look(store, name)).crashes for name in ("alive", "dead")] == [0, 1]


async def test_without_an_outage_nothing_is_held_back(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    await store.tend(100, GUARD)
    await hold(store, lease=30)
    answers: list[Tended] = []
    for _ in range(3):
        clock.advance(10.1)
        answers.append(await store.tend(100, GUARD))
    assert [(answer.rescued, answer.held_back) for answer in answers] == [(0, 0), (0, 0), (1, 0)]


async def test_an_outage_delays_rescues_only(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("late", delay=50), new_run("old", expires=20))
    await store.tend(100, GUARD)
    clock.advance(60)
    answer = await store.tend(100, GUARD)
    assert (answer.promoted, answer.expired) == (1, 1)


async def test_upkeep_says_when_something_is_due(store: Store, clock: FakeClock) -> None:
    assert (await tend(store)).next_in is None
    await put(store, new_run("a", delay=60), new_run("b", delay=20))
    assert (await tend(store)).next_in == 20
    clock.advance(15)
    assert (await tend(store)).next_in == 5
    await later(store, clock, 5)
    await hold(store, "b", lease=10)
    assert (await tend(store)).next_in == 10


async def test_retrying_with_an_error_counts_even_when_asked_to_end(store: Store) -> None:
    await put(store, new_run())
    got = await hold(store)
    await store.cancel(["r"])
    await settled(store, Retry(lease=got.lease, delay=5, error=b"boom"))
    run = await look(store)
    assert (run.state, run.cause) == (State.CANCELLED, Cause.CANCEL)


async def test_a_run_claimed_ahead_is_given_back_as_if_it_had_not_been(store: Store) -> None:
    await put(store, new_run("a", expires=100), new_run("b"))
    before = await look(store, "a")
    await settled(store, Release(lease=(await hold(store, "a")).lease, unstarted=True))
    after = await look(store, "a")
    assert (after.state, after.claims, after.releases) == (State.QUEUED, 0, 0)
    assert after.expires_at == before.expires_at
    assert await claimed(store, limit=2) == ["a", "b"]


async def test_a_lease_that_nobody_gave_is_not_kept_alive(store: Store) -> None:
    """Also if the run is held, and nothing else has happened to it."""
    await put(store, new_run())
    got = await hold(store)
    asked = [Lease(run_id="r", token="x"), Lease(run_id="r", token=""), got.lease, Lease(run_id="unknown", token="x")]
    assert await store.extend(asked, 30.0) == [Answer.LOST, Answer.LOST, Answer.OK, Answer.LOST]
