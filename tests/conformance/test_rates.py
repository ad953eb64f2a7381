"""Rates: starts in a window, the moment at which a line goes on, blocks by a handler."""

from penstock.core.answers import Answer
from penstock.core.leases import Block, Complete, Lease, Release
from penstock.core.requests import Pause
from penstock.core.state import State
from penstock.ports.store import Store
from tests.builders import limit, new_run, refs
from tests.clock import FakeClock
from tests.conformance.acts import (
    claim,
    claimed,
    hold,
    later,
    put,
    reason,
    settled,
    standing,
    state,
    tend,
)


async def rated(store: Store, *names: str) -> None:
    for name in names:
        await put(store, new_run(name, limits=refs("l")))


async def test_no_more_than_n_start_in_a_window(store: Store, clock: FakeClock) -> None:
    """B-125, B-126: and the next ones as soon as it has passed."""
    await store.put_limit(limit(n=2, period=10.0))
    await rated(store, "a", "b", "c", "d", "e")
    assert await claimed(store, limit=10) == ["a", "b"]
    assert await reason(store, "c") == "rate"
    await later(store, clock, 9.9)
    assert await claimed(store, limit=10) == []
    await later(store, clock, 0.1)
    assert await claimed(store, limit=10) == ["c", "d"]
    await later(store, clock, 10)
    assert await claimed(store, limit=10) == ["e"]


async def test_the_window_slides(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit(n=2, period=10.0))
    await rated(store, "a", "b", "c", "d")
    assert await claimed(store) == ["a"]
    clock.advance(6)
    assert await claimed(store, limit=10) == ["b"]
    await later(store, clock, 4)
    assert await claimed(store, limit=10) == ["c"]
    await later(store, clock, 5.9)
    assert await claimed(store, limit=10) == []
    await later(store, clock, 0.1)
    assert await claimed(store, limit=10) == ["d"]


async def test_a_start_is_counted_whatever_becomes_of_it(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit(n=1, period=10.0))
    await rated(store, "a", "b")
    await settled(store, Complete(lease=(await hold(store, "a")).lease, result=b""))
    assert await claimed(store, limit=10) == []
    await later(store, clock, 10)
    assert await claimed(store, limit=10) == ["b"]


async def test_a_released_run_starts_again_in_its_turn(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit(n=1, period=10.0))
    await rated(store, "a", "b")
    await settled(store, Release(lease=(await hold(store, "a")).lease))
    assert await claimed(store, limit=10) == []
    await later(store, clock, 10)
    assert await claimed(store, limit=10) == ["a"]


async def test_upkeep_knows_when_the_line_goes_on(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit(n=1, period=10.0))
    await rated(store, "a", "b")
    await claim(store, lease=1000.0)
    clock.advance(4)
    assert (await tend(store)).next_in == 6


async def test_a_rate_may_be_raised(store: Store) -> None:
    await store.put_limit(limit(n=1, period=10.0))
    await rated(store, "a", "b", "c")
    assert await claimed(store, limit=10) == ["a"]
    await store.put_limit(limit(n=2, period=10.0))
    assert await claimed(store, limit=10) == ["b"]


async def test_a_dropped_rate_lets_everybody_go_on(store: Store) -> None:
    """B-129."""
    await store.put_limit(limit(n=1, period=10.0))
    await rated(store, "a", "b", "c")
    await claim(store)
    await store.drop_limit("l")
    assert await claimed(store, limit=10) == ["b", "c"]


async def test_a_blocked_rate_starts_nothing_until_its_moment(store: Store, clock: FakeClock) -> None:
    """B-128."""
    await store.put_limit(limit(n=5, period=1.0))
    await rated(store, "a", "b", "c")
    got = await hold(store, "a", lease=1000.0)
    block = Block(lease=got.lease, name="l", key="", seconds=30)
    assert await store.block(block) == Answer.OK
    [view] = await store.limits()
    assert view.blocked_until_at == clock() + 30
    assert await claimed(store, limit=10) == []
    await later(store, clock, 29)
    assert await claimed(store, limit=10) == []
    await later(store, clock, 1)
    assert await claimed(store, limit=10) == ["b", "c"]


async def test_a_block_stops_newcomers_too(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit(n=5, period=1.0))
    await rated(store, "a")
    got = await hold(store, "a", lease=1000.0)
    await store.block(Block(lease=got.lease, name="l", key="", seconds=30))
    await rated(store, "b")
    assert await claimed(store, limit=10) == []
    assert await reason(store, "b") == "rate"
    await later(store, clock, 30)
    assert await claimed(store, limit=10) == ["b"]


async def test_only_users_of_a_rate_may_block_it(store: Store) -> None:
    await store.put_limit(limit(n=5, period=1.0))
    await rated(store, "a")
    await put(store, new_run("x", queue="x"))
    got = await hold(store, "x")
    assert await store.block(Block(lease=got.lease, name="l", key="", seconds=30)) == Answer.INVALID
    stale = Lease(run_id="a", token="stale")
    assert await store.block(Block(lease=stale, name="l", key="", seconds=30)) == Answer.LOST
    assert await claimed(store) == ["a"]


async def test_all_rates_of_a_run_may_be_blocked_at_once(store: Store, clock: FakeClock) -> None:
    """B-128: whoever is told to slow down says so for all; when that ends can be read."""
    await store.put_limit(limit("l", 9, period=60.0))
    await store.put_limit(limit("m", 9, period=60.0))
    await store.put_limit(limit("slots", 9))
    await put(store, new_run("a", limits=refs("l:x", "m", "slots")))
    lease = (await hold(store, "a", lease=1000.0)).lease
    assert await store.block(Block(lease=lease, seconds=30)) is Answer.OK
    await put(
        store, new_run("b", limits=refs("l:x")), new_run("c", limits=refs("m")), new_run("d", limits=refs("slots"))
    )
    assert await claimed(store, limit=9, lease=1000.0) == ["d"]
    ends = {one.definition.name: one.blocked_until_at for one in await store.limits()}
    assert ends == {"l": clock() + 30, "m": clock() + 30, "slots": None}
    await later(store, clock, 31)
    assert await claimed(store, limit=9) == ["b", "c"]


async def test_a_run_without_a_rate_has_none_to_block(store: Store) -> None:
    await store.put_limit(limit())
    await put(store, new_run("a", limits=refs("l")))
    lease = (await hold(store, "a")).lease
    assert await store.block(Block(lease=lease, seconds=30)) is Answer.INVALID


async def test_rates_and_limits_stand_together(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit("slots", n=1))
    await store.put_limit(limit("pace", n=1, period=10.0))
    for name in ("a", "b"):
        await put(store, new_run(name, limits=refs("slots", "pace")))
    first = await hold(store, "a", lease=1000.0)
    assert await claimed(store, limit=10) == []
    await later(store, clock, 10)
    assert await claimed(store, limit=10) == []
    await settled(store, Complete(lease=first.lease, result=b""))
    assert await claimed(store, limit=10) + await claimed(store, limit=10) == ["b"]
    assert (await standing(store, "slots"))[0] == 1


async def test_a_block_never_ends_earlier_than_one_before_it_said(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit(n=5, period=1.0))
    await rated(store, "a")
    lease = (await hold(store, "a", lease=1000.0)).lease
    for seconds in (30, 5):
        assert await store.block(Block(lease=lease, name="l", key="", seconds=seconds)) is Answer.OK
    [view] = await store.limits()
    assert view.blocked_until_at == clock() + 30


async def test_only_the_named_rate_is_blocked(store: Store) -> None:
    await store.put_limit(limit("l", 9, period=60.0))
    await store.put_limit(limit("m", 9, period=60.0))
    await put(store, new_run("a", limits=refs("l:x", "m")))
    lease = (await hold(store, "a", lease=1000.0)).lease
    assert await store.block(Block(lease=lease, name="l", key="x", seconds=30)) is Answer.OK
    assert await store.block(Block(lease=lease, name="l", key="y", seconds=30)) is Answer.INVALID
    await put(store, new_run("b", limits=refs("l:x")), new_run("c", limits=refs("m")))
    assert await claimed(store, limit=9) == ["c"]


async def test_a_newcomer_does_not_overtake_who_waits_for_the_next_window(store: Store, clock: FakeClock) -> None:
    """There is room by now, and nobody has made the offers yet."""
    await store.put_limit(limit(n=1, period=10.0))
    await rated(store, "a", "b")
    await hold(store, "a", lease=1000.0)
    clock.advance(11)
    await rated(store, "c")
    got = await claimed(store, limit=10)
    await tend(store)
    assert got + await claimed(store, limit=10) == ["b"]


async def test_what_is_due_is_promoted_although_its_rate_is_full_for_long(store: Store, clock: FakeClock) -> None:
    """B-130: it stands in line then, and says so."""
    await store.put_limit(limit(n=1, period=3600.0))
    await rated(store, "a")
    await hold(store, "a", lease=10_000.0)
    await put(store, new_run("b", limits=refs("l"), delay=5.0))
    await later(store, clock, 6)
    assert await state(store, "b") is State.QUEUED
    assert await reason(store, "b") == "rate"
    await later(store, clock, 3600)
    assert await claimed(store, limit=9) == ["b"]


async def test_a_paused_queue_starts_nothing_when_its_rate_has_room_again(store: Store, clock: FakeClock) -> None:
    """B-131: what was handed back meanwhile waits, and goes on with the queue."""
    await store.put_limit(limit(n=2, period=10.0))
    await rated(store, "a", "b", "c")
    first, _ = await claim(store, limit=9, lease=1000.0)
    await store.pause(Pause(kind="queue", name="default", paused=True))
    await settled(store, Release(lease=first.lease))
    assert await state(store, "a") is State.QUEUED
    await later(store, clock, 11)
    assert await claimed(store, limit=9) == []
    await store.pause(Pause(kind="queue", name="default", paused=False))
    assert await claimed(store, limit=9) == ["a", "c"]


async def test_a_rate_whose_room_is_offered_wants_nothing_of_upkeep(store: Store) -> None:
    """What is out has not started yet: no clock changes anything, however long that takes."""
    await store.put_limit(limit("l", 1, period=10.0))
    await rated(store, "a", "b")
    assert (await tend(store)).next_in is None
    await hold(store, "a")
    assert (await tend(store)).next_in == 10.0
