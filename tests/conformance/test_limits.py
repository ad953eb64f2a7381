"""Limits: slots, lines and their offers, several limits, hold, drop, replace, and changes while runs stand there."""

from typing import Any

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Complete, Fail, Release, Retry, Suspend
from penstock.core.requests import Edit, Pause
from penstock.core.run import Cause
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import able, dependency, limit, new_run, refs, send
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
    reason,
    retry,
    settled,
    standing,
    state,
    states,
    stops,
    succeed,
    upkeep,
)
from tests.conformance.scenes import LONG


async def limited(store: Store, *names: str, of: str = "l", **fields: Any) -> None:
    """Enqueue runs of this limit, one after the other."""
    for name in names:
        await put(store, new_run(name, limits=refs(of), **fields))


async def test_no_more_than_n_run_at_once(store: Store) -> None:
    """S4-36, S4-37, B-132: the others stand in order, and follow as slots come back."""
    await store.put_limit(limit(n=2))
    await limited(store, "a", "b", "c", "d")
    first, second = await claim(store, limit=10)
    assert [first.run_id, second.run_id] == ["a", "b"]
    assert await standing(store) == (2, 0, 2)
    await settled(store, Complete(lease=first.lease, result=b""))
    assert await standing(store) == (1, 1, 1)
    assert await claimed(store, limit=10) == ["c"]
    await settled(store, Complete(lease=second.lease, result=b""))
    assert await claimed(store, limit=10) == ["d"]


async def test_keys_of_one_limit_are_apart(store: Store) -> None:
    await store.put_limit(limit())
    await limited(store, "a1", "a2", of="l:a")
    await limited(store, "b1", "b2", of="l:b")
    assert await claimed(store, limit=10) == ["a1", "b1"]
    assert await standing(store, "l", "a") == (1, 0, 1)


async def test_the_unlimited_pass_by(store: Store) -> None:
    """S4-38, B-127."""
    await store.put_limit(limit())
    await limited(store, *(f"r{n}" for n in range(300)))
    await put(store, new_run("free"))
    assert await claimed(store, limit=2) == ["r0", "free"]
    assert await claimed(store, limit=2) == []


async def test_a_name_without_a_definition_limits_nothing(store: Store) -> None:
    await limited(store, "a", "b")
    assert await claimed(store, limit=10) == ["a", "b"]


async def test_at_most_so_many_stand_where_claims_look(store: Store) -> None:
    await store.put_limit(limit(n=3))
    await limited(store, *(f"r{n}" for n in range(10)))
    assert await standing(store) == (0, 3, 7)
    await alive(store)
    assert await reason(store, "r9") == "limit"
    assert await reason(store, "r0") == "ready"


async def test_each_queue_and_priority_has_its_own_offers(store: Store) -> None:
    """A high priority passes those that were parked before it."""
    await store.put_limit(limit())
    await limited(store, "a", "b")
    await limited(store, "x", queue="other")
    await limited(store, "high", priority=5)
    assert await standing(store) == (0, 3, 1)
    assert await claimed(store, limit=10) == ["high"]
    assert await claimed(store, limit=10, queues=("other",)) == []
    assert (await standing(store))[0] == 1


async def test_priority_decides_among_the_parked(store: Store) -> None:
    await store.put_limit(limit())
    await limited(store, "first", "a", "b")
    held = await hold(store, "first")
    await limited(store, "high", priority=5)
    assert await claimed(store, limit=10) == []
    await settled(store, Complete(lease=held.lease, result=b""))
    for name in ("high", "a", "b"):
        [got] = await claim(store, limit=10)
        assert got.run_id == name
        await settled(store, Complete(lease=got.lease, result=b""))


@pytest.mark.parametrize("end", ["fail", "release", "retry", "suspend", "rescue", "cancel"])
async def test_every_way_out_frees_the_slot_once(store: Store, clock: FakeClock, end: str) -> None:
    """S4-34, B-132."""
    await store.put_limit(limit())
    await limited(store, "a")
    got = await hold(store, "a")
    assert await standing(store) == (1, 0, 0)
    match end:
        case "fail":
            await settled(store, Fail(lease=got.lease, error=b""))
        case "release":
            await settled(store, Release(lease=got.lease))
        case "retry":
            await settled(store, Retry(lease=got.lease, delay=60))
        case "suspend":
            await settled(store, Suspend(lease=got.lease, wake=Wake(signals={"go": 1})))
        case "rescue":
            await later(store, clock, 31)
        case _:
            await store.cancel(["a"])
            assert (await standing(store))[0] == 1
            await settled(store, Complete(lease=got.lease, result=b""))
    assert (await standing(store))[0] == 0
    await limited(store, "b", "c")
    got_now = await claimed(store, limit=10)
    assert len(got_now) == 1


async def test_a_released_run_stands_before_those_that_came_later(store: Store) -> None:
    """B-107, B-128."""
    await store.put_limit(limit())
    await limited(store, "a", "b", "c")
    await settled(store, Release(lease=(await hold(store, "a")).lease))
    assert await claimed(store, limit=10) == ["a"]


async def test_a_woken_run_stands_before_those_that_never_started(store: Store) -> None:
    await store.put_limit(limit())
    await limited(store, "a", "b", "c")
    first = await hold(store, "a")
    await settled(store, Suspend(lease=first.lease, wake=Wake(signals={"go": 1})))
    second = await hold(store, "b")
    await store.signal(send(run_id="a"))
    assert await claimed(store, limit=10) == []
    await settled(store, Complete(lease=second.lease, result=b""))
    assert await claimed(store, limit=10) == ["a"]


async def test_a_claim_takes_all_slots_or_none(store: Store) -> None:
    await store.put_limit(limit("one"))
    await store.put_limit(limit("two"))
    await put(store, new_run("holder", limits=refs("two")))
    held = await hold(store, "holder")
    await put(store, new_run("both", limits=refs("one", "two")), new_run("single", limits=refs("one")))
    assert await claimed(store, limit=10) + await claimed(store, limit=10) == ["single"]
    assert (await standing(store, "one"))[0] == 1
    assert await reason(store, "both") == "limit"
    assert await claimed(store, limit=10) == []
    await settled(store, Complete(lease=held.lease, result=b""))
    assert await claimed(store, limit=10) + await claimed(store, limit=10) == []


async def test_who_waits_for_several_gets_them_in_the_end(store: Store) -> None:
    await store.put_limit(limit("one"))
    await store.put_limit(limit("two"))
    await put(
        store,
        new_run("x", queue="x", limits=refs("one")),
        new_run("y", queue="y", limits=refs("two")),
    )
    holders = [await hold(store, "x"), await hold(store, "y")]
    await put(store, new_run("both", limits=refs("one", "two")))
    for holder in holders:
        assert await claimed(store) == []
        await settled(store, Complete(lease=holder.lease, result=b""))
    assert await claimed(store) + await claimed(store) == ["both"]


async def test_a_raised_limit_is_offered_at_once(store: Store) -> None:
    await store.put_limit(limit(n=1))
    await limited(store, "a", "b", "c", "d")
    await claim(store)
    await store.put_limit(limit(n=3))
    assert await standing(store) == (1, 2, 1)
    assert await claimed(store, limit=10) == ["b", "c"]


async def test_a_lowered_limit_waits_for_slots_to_come_back(store: Store) -> None:
    """B-132."""
    await store.put_limit(limit(n=3))
    await limited(store, "a", "b", "c", "d", "e")
    held = await claim(store, limit=3)
    await store.put_limit(limit(n=1))
    for got in held[:2]:
        await settled(store, Complete(lease=got.lease, result=b""))
        assert await claimed(store, limit=10) == []
    await settled(store, Complete(lease=held[2].lease, result=b""))
    assert await claimed(store, limit=10) == ["d"]


async def test_a_limit_of_nothing_stops_all(store: Store) -> None:
    await store.put_limit(limit(n=0))
    await limited(store, "a")
    assert await claimed(store) == []
    await store.put_limit(limit(n=1))
    assert await claimed(store) == ["a"]


async def test_a_dropped_limit_lets_everybody_go_on(store: Store) -> None:
    """B-129, B-133."""
    await store.put_limit(limit())
    await limited(store, "a", "b", "c")
    await claim(store)
    assert await store.drop_limit("l") == Answer.OK
    assert await claimed(store, limit=10) == ["b", "c"]
    assert await store.drop_limit("l") == Answer.NOT_FOUND
    assert [view for view in await store.limits() if view.definition.name == "l"] == []


async def test_a_limit_put_later_counts_from_then_on(store: Store) -> None:
    await limited(store, "a", "b", "c", "d")
    before = await hold(store, "a")
    await store.put_limit(limit(n=2))
    assert await claimed(store, limit=10) == ["b", "c"]
    await settled(store, Complete(lease=before.lease, result=b""))
    assert await standing(store) == (2, 0, 1)


async def test_a_cancelled_member_leaves_the_line(store: Store) -> None:
    await store.put_limit(limit())
    await limited(store, "a", "b", "c")
    await store.cancel(["a"])
    assert await standing(store) == (0, 1, 1)
    assert await claimed(store, limit=10) == ["b"]


async def test_an_expired_member_leaves_the_line(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit())
    await put(store, new_run("a", limits=refs("l"), expires=10), new_run("b", limits=refs("l"), expires=10))
    await limited(store, "c")
    await later(store, clock, 11)
    assert await states(store, "a", "b") == [State.FAILED, State.FAILED]
    assert await standing(store) == (0, 1, 0)


async def test_a_rescheduled_member_leaves_the_line(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit())
    await limited(store, "a", "b")
    await store.reschedule("a", delay=60)
    await hold(store, "b", lease=LONG)
    await later(store, clock, 60)
    assert await standing(store) == (1, 0, 1)


async def test_a_member_that_nobody_can_run_makes_room(store: Store) -> None:
    """It stands aside, and the offer goes to the next."""
    await store.put_limit(limit())
    await put(store, new_run("strange", task="new", limits=refs("l")))
    await limited(store, "a")
    got = await claimed(store, limit=10, abilities=able("t"))
    got += await claimed(store, limit=10, abilities=able("t"))
    assert got == ["a"]


async def test_a_member_of_a_paused_task_makes_room(store: Store) -> None:
    await store.put_limit(limit())
    await put(store, new_run("paused", task="u", limits=refs("l")))
    await limited(store, "a")
    await store.pause(Pause(kind="task", name="u", paused=True))
    got = await claimed(store, limit=10) + await claimed(store, limit=10)
    assert got == ["a"]


async def test_a_member_with_another_priority_moves_to_its_place(store: Store) -> None:
    await store.put_limit(limit())
    await limited(store, "a", "b", "c")
    await store.edit("c", Edit(priority=5))
    assert await claimed(store, limit=10) == ["c"]


async def test_a_held_slot_is_kept_through_waits_and_retries(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit(hold=True))
    await limited(store, "a", "b")
    await settled(store, Suspend(lease=(await hold(store, "a")).lease, wake=Wake(signals={"go": 1})))
    assert await standing(store) == (1, 0, 1)
    assert await claimed(store, limit=10) == []
    await store.signal(send(run_id="a"))
    assert (await standing(store))[0] == 1
    await retry(store, "a", delay=10)
    assert await claimed(store, limit=10) == []
    await later(store, clock, 10)
    await succeed(store, "a")
    assert await claimed(store, limit=10) == ["b"]


@pytest.mark.parametrize("end", ["cancel", "fail", "crash"])
async def test_a_held_slot_comes_back_with_the_end(store: Store, clock: FakeClock, end: str) -> None:
    await store.put_limit(limit(hold=True))
    await put(store, new_run("a", limits=refs("l"), crashes=1))
    await limited(store, "b")
    if end == "cancel":
        await settled(store, Suspend(lease=(await hold(store, "a")).lease, wake=Wake(signals={"go": 1})))
        await store.cancel(["a"])
    elif end == "fail":
        await fail(store, "a")
    else:
        await hold(store, "a")
        await later(store, clock, 31)
    assert (await standing(store))[0] == 0
    assert await claimed(store, limit=10) == ["b"]


async def test_drop_refuses_newcomers_of_a_full_limit(store: Store) -> None:
    await store.put_limit(limit(full="drop"))
    await limited(store, "a")
    held = await hold(store, "a")
    await limited(store, "b")
    run = await look(store, "b")
    assert (run.state, run.cause) == (State.CANCELLED, Cause.LIMIT)
    await settled(store, Complete(lease=held.lease, result=b""))
    await limited(store, "c")
    assert await claimed(store) == ["c"]


async def test_drop_refuses_at_the_claim_what_came_before(store: Store) -> None:
    await store.put_limit(limit(full="drop"))
    await limited(store, "a", "b")
    assert await claimed(store, limit=10) == ["a"]
    run = await look(store, "b")
    assert (run.state, run.cause) == (State.CANCELLED, Cause.LIMIT)


async def test_replace_asks_the_holder_to_end(store: Store) -> None:
    """The new run stands first, and starts as soon as the slot comes back."""
    await store.put_limit(limit(full="replace"))
    await limited(store, "old")
    held = await hold(store, "old", lease=LONG)
    assert not await stops(store, held.lease)
    await limited(store, "new")
    assert await stops(store, held.lease)
    assert await claimed(store, limit=10) == []
    await settled(store, Complete(lease=held.lease, result=b"done"))
    old = await look(store, "old")
    assert (old.state, old.cause, old.result) == (State.CANCELLED, Cause.LIMIT, None)
    assert await claimed(store, limit=10) == ["new"]


async def test_replace_with_room_replaces_nobody(store: Store) -> None:
    await store.put_limit(limit(n=2, full="replace"))
    await limited(store, "a")
    held = await hold(store, "a")
    await limited(store, "b")
    assert not await stops(store, held.lease)
    assert await claimed(store) == ["b"]


async def test_the_latest_replacement_stands_first(store: Store) -> None:
    await store.put_limit(limit(full="replace"))
    await limited(store, "old")
    held = await hold(store, "old", lease=LONG)
    await limited(store, "second")
    await limited(store, "third")
    await settled(store, Complete(lease=held.lease, result=b"done"))
    assert (await claimed(store, limit=10))[0] == "third"


async def test_a_replacement_stands_before_those_that_are_offered(store: Store) -> None:
    await store.put_limit(limit(full="replace"))
    await limited(store, "first")
    await limited(store, "second")
    assert await claimed(store, limit=10) == ["second"]


async def test_what_comes_back_replaces_nobody(store: Store) -> None:
    await store.put_limit(limit(full="replace"))
    await limited(store, "old")
    await settled(store, Suspend(lease=(await hold(store, "old")).lease, wake=Wake(signals={"go": 1})))
    await limited(store, "new")
    held = await hold(store, "new", lease=LONG)
    await store.signal(send(run_id="old"))
    assert await claimed(store, limit=10) == []
    assert not await stops(store, held.lease)


async def test_what_comes_back_replaces_nobody_at_its_claim_either(store: Store) -> None:
    await store.put_limit(limit(full="replace"))
    await limited(store, "old")
    await settled(store, Suspend(lease=(await hold(store, "old")).lease, wake=Wake(signals={"go": 1})))
    await store.signal(send(run_id="old"))
    await limited(store, "new", priority=5)
    [new] = await claim(store, limit=10)
    assert new.run_id == "new"
    assert not await stops(store, new.lease)


async def test_what_has_started_is_not_dropped(store: Store) -> None:
    await store.put_limit(limit(full="drop"))
    await limited(store, "old")
    await settled(store, Suspend(lease=(await hold(store, "old")).lease, wake=Wake(signals={"go": 1})))
    await limited(store, "new")
    held = await hold(store, "new")
    await store.signal(send(run_id="old"))
    assert await claimed(store, limit=10) == []
    await settled(store, Complete(lease=held.lease, result=b""))
    assert await claimed(store, limit=10) == ["old"]


async def test_what_has_started_is_not_dropped_at_its_claim_either(store: Store) -> None:
    """It comes back by the line of its first limit, and meets the second, which is full by now."""
    await store.put_limit(limit("l"))
    await store.put_limit(limit("m", full="drop"))
    await put(store, new_run("a", limits=refs("l", "m")))
    lease = (await hold(store, "a")).lease
    await settled(store, Release(lease=lease))
    await put(store, new_run("x", queue="x", limits=refs("m")))
    await hold(store, "x")
    assert await claimed(store) == []
    assert await state(store, "a") is State.QUEUED
    assert await store.check() == []


async def test_a_limit_that_no_longer_holds_lets_go_of_who_waits(store: Store) -> None:
    await store.put_limit(limit(hold=True))
    await limited(store, "a", "b")
    await settled(store, Suspend(lease=(await hold(store, "a")).lease, wake=Wake(signals={"go": 1})))
    await store.put_limit(limit(hold=False))
    assert await claimed(store, limit=10) == ["b"]


async def test_limits_are_listed_by_key(store: Store) -> None:
    definition = limit("tenants", n=1)
    await store.put_limit(definition)
    await limited(store, "a1", "a2", of="tenants:a")
    await claim(store)
    [view] = [one for one in await store.limits() if one.key == "a"]
    assert (view.definition, view.used, view.out, view.parked) == (definition, 1, 0, 1)


async def test_children_of_a_flow_share_a_limit(store: Store) -> None:
    """B-054: the parent is not held up by it."""
    await store.put_limit(limit())
    children = [dependency(f"c{n}", "p", queue="default", limits=refs("l")) for n in range(3)]
    await put(store, new_run("p", queue="p", wake=Wake(idle=True)), *children)
    for n in range(3):
        [got] = await claim(store, limit=10)
        assert got.run_id == f"c{n}"
        await settled(store, Complete(lease=got.lease, result=b""))
    assert await state(store, "p") == State.QUEUED
    await upkeep(store)


async def test_many_that_fail_and_come_back_get_through_a_limit_of_one(store: Store, clock: FakeClock) -> None:
    """B-104: whoever waits for its next attempt holds no slot, and nobody is forgotten in the line."""
    await store.put_limit(limit())
    names = [f"r{n}" for n in range(20)]
    await limited(store, *names, of="l")
    ends: list[str] = []
    for _ in range(3 * len(names)):
        held = await claim(store, limit=10)
        while not held:
            await later(store, clock, 1.0)
            held = await claim(store, limit=10)
        (one,) = held  # never two at once
        if one.attempt < 3:
            await settled(store, Retry(lease=one.lease, delay=5.0 * one.attempt, error=b"boom"))
        else:
            await settled(store, Fail(lease=one.lease, error=b"boom"))
            ends.append(one.run_id)
    assert sorted(ends) == sorted(names)
    assert await standing(store) == (0, 0, 0)
    assert set(await states(store, *names)) == {State.FAILED}


async def test_all_that_a_dropped_limit_held_up_goes_on(store: Store) -> None:
    """More of one line than are let go at once: upkeep lets the others go, round by round."""
    await store.put_limit(limit())
    names = [f"r{n}" for n in range(700)]
    await put(store, *[new_run(name, limits=refs("l")) for name in names])
    assert await store.drop_limit("l") == Answer.OK
    await upkeep(store)
    found: list[str] = []
    while held := await claim(store, limit=100):
        found += [one.run_id for one in held]
    assert found == names
