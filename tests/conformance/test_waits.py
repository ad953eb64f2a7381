"""Waiting: each part of a wake, met before and after suspending, in every order of events."""

import itertools

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Claim, Suspend
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import call, dependency, key, new_run, send
from tests.clock import FakeClock
from tests.conformance.acts import (
    claimed,
    fail,
    hold,
    later,
    look,
    put,
    reason,
    settled,
    spawn,
    state,
    succeed,
    suspend,
    upkeep,
)
from tests.conformance.scenes import LONG


async def parent_with(store: Store, *names: str, **fields: int) -> Claim:
    """A running parent `p` with calls of these names."""
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, *(call(name, "p") for name in names))
    return got


async def wait_for(store: Store, got: Claim, wake: Wake) -> State | None:
    """Suspend; says how the run stands then."""
    await settled(store, Suspend(lease=got.lease, wake=wake))
    return await state(store, got.run_id)


async def test_a_moment_wakes(store: Store, clock: FakeClock) -> None:
    """S0-73: with no worker in between."""
    await put(store, new_run())
    await suspend(store, delay=3 * 86_400)
    run = await look(store)
    assert run.state == State.WAITING
    assert run.wake is not None
    assert run.wake.at == clock() + 3 * 86_400
    await later(store, clock, 3 * 86_400 - 0.5)
    assert await state(store) == State.WAITING
    await later(store, clock, 0.5)
    assert await state(store) == State.QUEUED


async def test_a_moment_that_has_come_wakes_at_once(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("a"), new_run("b"))
    await suspend(store, "a", at=clock() - 1)
    assert await state(store, "a") == State.QUEUED
    await store.remove(["a"])
    await suspend(store, "b", delay=0)
    assert await state(store, "b") == State.QUEUED


async def test_suspending_is_free(store: Store) -> None:
    """B-019, S4-34: no attempt, no crash, no release; nothing is held."""
    await put(store, new_run())
    await suspend(store, signals={"go": 1})
    run = await look(store)
    assert (run.failures, run.crashes, run.releases) == (0, 0, 0)
    assert (run.worker, run.lease_expires_at) == (None, None)
    await store.signal(send())
    assert (await hold(store)).attempt == 1


async def test_a_woken_run_has_no_wake(store: Store) -> None:
    await put(store, new_run())
    await suspend(store, signals={"go": 1})
    await store.signal(send())
    run = await look(store)
    assert (run.state, run.wake) == (State.QUEUED, None)


async def test_any_part_wakes(store: Store, clock: FakeClock) -> None:
    for n, event in enumerate(("signal", "moment")):
        name = f"r{n}"
        await put(store, new_run(name, queue=name))
        await suspend(store, name, delay=60, signals={"go": 1}, finishes=5)
        if event == "signal":
            await store.signal(send(run_id=name))
        else:
            await later(store, clock, 60)
        assert await state(store, name) == State.QUEUED


@pytest.mark.parametrize("early", [0, 1, 2])
async def test_finishes_count_from_the_first_child(store: Store, early: int) -> None:
    """Whether they finish before or after the parent suspends: P7 of the reliability notes."""
    got = await parent_with(store, "a", "b", "c")
    names = ["a", "b", "c"]
    for name in names[:early]:
        await succeed(store, name)
    stood = await wait_for(store, got, Wake(finishes=2))
    assert stood == (State.QUEUED if early == 2 else State.WAITING)
    for name in names[early:2]:
        await succeed(store, name)
    parent = await look(store, "p")
    assert (parent.state, parent.finishes) == (State.QUEUED, 2)


async def test_finishes_count_bad_ends_too(store: Store) -> None:
    got = await parent_with(store, "a", "b")
    await fail(store, "a")
    assert await wait_for(store, got, Wake(finishes=2)) == State.WAITING
    await store.cancel(["b"])
    assert await state(store, "p") == State.QUEUED


async def test_a_claim_tells_what_has_been_counted(store: Store) -> None:
    got = await parent_with(store, "a", "b")
    assert (got.finishes, got.early, got.pending) == (0, 0, 0)
    await spawn(store, got.lease, dependency("d", "p"))
    await wait_for(store, got, Wake(finishes=1))
    await succeed(store, "a")
    again = await hold(store, "p")
    assert (again.finishes, again.early, again.pending) == (1, 0, 1)


async def test_wakers_beyond_the_threshold_do_nothing_more(store: Store) -> None:
    got = await parent_with(store, "a", "b")
    await wait_for(store, got, Wake(finishes=1))
    await succeed(store, "a")
    await hold(store, "p", lease=LONG)
    await succeed(store, "b")
    assert await state(store, "p") == State.RUNNING


@pytest.mark.parametrize("order", list(itertools.permutations("abS")), ids="".join)
async def test_named_children_in_every_order_of_events(store: Store, order: tuple[str, ...]) -> None:
    """S: the parent suspends until both have finished."""
    got = await parent_with(store, "a", "b", "other")
    await succeed(store, "other")
    for n, event in enumerate(order, start=1):
        if event == "S":
            await settled(store, Suspend(lease=got.lease, wake=Wake(of=((("a", "b"), 2),))))
        else:
            await succeed(store, event)
        if n < 3 and "S" in order[:n]:
            assert await state(store, "p") == State.WAITING
    assert await state(store, "p") == State.QUEUED


async def test_others_than_the_named_do_not_wake(store: Store) -> None:
    got = await parent_with(store, "a", "b")
    await wait_for(store, got, Wake(of=((("a",), 1),)))
    await succeed(store, "b")
    assert await state(store, "p") == State.WAITING
    await succeed(store, "a")
    assert await state(store, "p") == State.QUEUED


@pytest.mark.parametrize("before", [True, False])
async def test_one_bad_end_among_the_named_wakes(store: Store, before: bool) -> None:
    got = await parent_with(store, "a", "b", "c")
    wake = Wake(of=((("a", "b", "c"), 3),))
    if before:
        await fail(store, "b")
        assert await wait_for(store, got, wake) == State.QUEUED
    else:
        assert await wait_for(store, got, wake) == State.WAITING
        await fail(store, "b")
        assert await state(store, "p") == State.QUEUED


async def test_several_named_sets_each_wake(store: Store) -> None:
    got = await parent_with(store, "a", "b", "c")
    await wait_for(store, got, Wake(of=((("a", "b"), 2), (("c",), 1))))
    await succeed(store, "a")
    assert await state(store, "p") == State.WAITING
    await succeed(store, "c")
    assert await state(store, "p") == State.QUEUED


async def test_nobody_waits_for_what_cannot_come(store: Store) -> None:
    """A name that is no child of the run counts as ended badly."""
    got = await parent_with(store, "a")
    await put(store, new_run("stranger"))
    assert await wait_for(store, got, Wake(of=((("a", "stranger"), 2),))) == State.QUEUED


async def test_a_removed_call_wakes_who_waits_for_it(store: Store) -> None:
    got = await parent_with(store, "a", "b")
    await wait_for(store, got, Wake(of=((("a", "b"), 2),)))
    await store.remove(["a"])
    await upkeep(store)
    assert await state(store, "p") == State.QUEUED


async def test_a_removed_call_counts_as_one_that_has_ended_once(store: Store) -> None:
    got = await parent_with(store, "a", "b", "c")
    await succeed(store, "a")
    await store.remove(["a"])
    assert await wait_for(store, got, Wake(finishes=3)) == State.WAITING
    await store.remove(["b"])
    parent = await look(store, "p")
    assert (parent.state, parent.finishes) == (State.WAITING, 2)
    await store.remove(["c"])
    parent = await look(store, "p")
    assert (parent.state, parent.finishes) == (State.QUEUED, 3)


async def test_a_redriven_call_is_awaited_again(store: Store) -> None:
    got = await parent_with(store, "a")
    await fail(store, "a")
    await store.redrive(["a"])
    assert await wait_for(store, got, Wake(of=((("a",), 1),))) == State.WAITING
    await succeed(store, "a")
    assert await state(store, "p") == State.QUEUED


async def test_signals_are_kept_until_they_are_waited_for(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    assert await store.signal(send("go", payload=b"one")) == (Answer.OK, "r")
    clock.advance(2)
    assert await store.signal(send("go", payload=b"two")) == (Answer.OK, "r")
    assert await store.signal(send("stop")) == (Answer.OK, "r")
    kept = [(one.name, one.seq, one.payload, one.at) for one in await store.signals("r")]
    assert [one for one in kept if one[0] == "go"] == [("go", 1, b"one", clock() - 2), ("go", 2, b"two", clock())]
    assert [one for one in kept if one[0] == "stop"] == [("stop", 1, b"p", clock())]
    got = await hold(store)
    assert dict(got.signals) == {"go": 2, "stop": 1}
    assert await wait_for(store, got, Wake(signals={"go": 2})) == State.QUEUED


async def test_signals_wake_by_name_and_number(store: Store) -> None:
    await put(store, new_run())
    await suspend(store, signals={"go": 2, "stop": 1})
    await store.signal(send("other"))
    await store.signal(send("go"))
    assert await state(store) == State.WAITING
    assert await reason(store) == "signal"
    await store.signal(send("go"))
    assert await state(store) == State.QUEUED


async def test_a_repeated_signal_is_dropped(store: Store) -> None:
    """S0-72."""
    await put(store, new_run())
    for _ in range(3):
        answer, run_id = await store.signal(send(once="payment-7"))
        assert (answer in {Answer.OK, Answer.DUPLICATE}, run_id) == (True, "r")
    await store.signal(send(once="payment-8"))
    await store.signal(send("other", once="payment-7"))
    assert [(one.name, one.seq) for one in await store.signals("r")] in (
        [("go", 1), ("go", 2), ("other", 1)],
        [("go", 1), ("go", 2)],
    )


async def test_a_signal_to_a_finished_run_is_refused(store: Store) -> None:
    """S0-71."""
    await put(store, new_run())
    await succeed(store)
    answer, _ = await store.signal(send())
    assert answer == Answer.FINISHED
    assert await store.signals("r") == []


async def test_a_signal_is_addressed_by_key(store: Store) -> None:
    await put(store, new_run(key=key("order-7")))
    assert await store.signal(send(run_id=None, task="t", key="order-7")) == (Answer.OK, "r")
    assert (await store.signal(send(run_id=None, task="t", key="order-8")))[0] == Answer.NOT_FOUND
    assert (await store.signal(send(run_id=None, task="u", key="order-7")))[0] == Answer.NOT_FOUND
    assert len(await store.signals("r")) == 1


async def test_a_signal_may_start_its_run(store: Store) -> None:
    """In one move: the run finds it in its mailbox."""
    start = new_run("fresh", key=key("order-7"))
    asked = send(run_id=None, task="t", key="order-7", start=start)
    assert await store.signal(asked) == (Answer.OK, "fresh")
    assert await store.signal(asked) == (Answer.OK, "fresh")
    assert [one.seq for one in await store.signals("fresh")] == [1, 2]
    assert dict((await hold(store, "fresh")).signals) == {"go": 2}
    assert await claimed(store, limit=10) == []


async def test_a_signal_that_starts_may_wake_at_once(store: Store) -> None:
    await store.signal(send(run_id="fresh", start=new_run("fresh", wake=Wake(signals={"go": 1}))))
    assert await state(store, "fresh") == State.QUEUED


async def test_signals_survive_suspension_and_retry(store: Store) -> None:
    await put(store, new_run())
    await suspend(store, signals={"go": 1})
    await store.signal(send())
    got = await hold(store)
    assert dict(got.signals) == {"go": 1}
    await wait_for(store, got, Wake(signals={"go": 2}))
    assert await state(store) == State.WAITING


async def test_idle_wakes_when_nothing_is_pending(store: Store) -> None:
    got = await parent_with(store)
    await spawn(store, got.lease, dependency("a", "p"), dependency("b", "p"))
    await succeed(store, "a")
    assert await wait_for(store, got, Wake(idle=True)) == State.WAITING
    assert await reason(store, "p") == "children"
    await succeed(store, "b")
    assert await state(store, "p") == State.QUEUED


async def test_idle_without_children_wakes_at_once(store: Store) -> None:
    got = await parent_with(store)
    assert await wait_for(store, got, Wake(idle=True)) == State.QUEUED


async def test_early_is_counted_for_ever(store: Store) -> None:
    got = await parent_with(store)
    assert await wait_for(store, got, Wake(early=0)) == State.QUEUED
    again = await hold(store, "p", lease=LONG)
    assert await wait_for(store, again, Wake(early=1)) == State.WAITING


async def test_waiting_from_the_start_is_waiting(store: Store) -> None:
    await put(store, new_run(wake=Wake(signals={"go": 1})))
    assert await claimed(store) == []
    await store.signal(send())
    assert await claimed(store) == ["r"]


async def test_a_run_waits_again_and_again(store: Store, clock: FakeClock) -> None:
    """S0-74."""
    await put(store, new_run())
    for n in range(1, 4):
        await suspend(store, delay=10)
        await later(store, clock, 10)
        assert (await look(store)).claims == n
    await succeed(store)
    assert (await look(store)).claims == 4
