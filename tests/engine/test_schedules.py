"""Which ticks of a schedule make runs: missed ones, overlaps, jitter, counts. Any worker's upkeep fires them."""

from typing import Any

import msgspec
import pytest

from penstock.backends.memory import MemoryStore
from penstock.core.answers import Answer
from penstock.core.errors import Invalid, Unavailable
from penstock.core.leases import Complete
from penstock.core.requests import Guard
from penstock.core.run import NewRun
from penstock.core.schedule import Fire, Schedule
from penstock.core.state import State
from penstock.core.views import Filter
from penstock.engine import schedules_plan, upkeep
from penstock.engine.schedules import fire_due
from penstock.engine.schedules_plan import ONE_AT_A_TIME, Plan
from penstock.engine.schedules_ticks import timing
from penstock.engine.supervision import Duty
from penstock.ports.store import Store
from tests.builders import limit, new_run, refs
from tests.clock import FakeClock
from tests.conformance.acts import claim, fail, hold, look, put, settled, succeed
from tests.engine.virtual import virtual

GUARD = Guard(gap=1e12, hold=0.0)


def plan(every: float = 60, **fields: Any) -> Plan:
    made = Plan(timing=timing(every=every), run=NewRun(id="", task="t", input=b"{}"))
    return msgspec.structs.replace(made, **fields)


async def put_plan(store: Store, clock: FakeClock, made: Plan, name: str = "s") -> Schedule:
    row = Schedule(name=name, app="shop", task="t", spec=schedules_plan.encode(made), next_at=made.first(clock()))
    return await store.put_schedule(row)


async def tend(store: Store, clock: FakeClock) -> None:
    await upkeep.tend(store, GUARD, Duty("upkeep", clock, within=30.0))


async def ticks(store: Store) -> list[float]:
    """The nominal moments of the runs there are, in order."""
    page = await store.find(Filter(schedule="s"), limit=1000)
    return sorted(run.nominal_at or 0.0 for run in page.items)


async def one(store: Store) -> Schedule:
    [found] = await store.schedules()
    return found


def minute_of(clock: FakeClock) -> float:
    """The last full minute."""
    return clock() // 60 * 60


async def test_upkeep_fires_what_is_due(store: Store, clock: FakeClock) -> None:
    await put_plan(store, clock, plan())
    await tend(store, clock)
    assert await ticks(store) == []
    clock.advance(60)
    await tend(store, clock)
    assert await ticks(store) == [minute_of(clock)]
    await tend(store, clock)
    assert await ticks(store) == [minute_of(clock)]
    assert (await one(store)).next_at == minute_of(clock) + 60


async def test_two_who_look_at_once_make_one_run(store: Store, clock: FakeClock) -> None:
    """S2-42: the second finds that the schedule has moved on."""
    await put_plan(store, clock, plan())
    clock.advance(60)
    [due] = await store.schedules(due=True)
    move = schedules_plan.due(plan(), due, clock())
    assert move is not None
    assert await fire_due(store)
    await store.fire(move)
    assert len(await ticks(store)) == 1


@pytest.mark.parametrize(
    ("missed", "late", "made"),
    [
        ("latest", 30, [0]),
        ("latest", 630, [0]),
        ("skip", 30, [0]),
        ("skip", 630, [0]),  # the tick of this minute is not missed
        (3, 630, [-2, -1, 0]),
        (100, 630, [-10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 0]),
    ],
    ids=str,
)
async def test_missed_ticks(store: Store, clock: FakeClock, missed: Any, late: float, made: list[int]) -> None:
    """B-165, S4-45: no burst after nobody was there, unless asked for; what is passed over is counted."""
    clock.advance(60 - clock() % 60 + 0.5)
    await put_plan(store, clock, plan(missed=missed, overlap="allow"))
    clock.advance(late + 30)
    await tend(store, clock)
    last = minute_of(clock)
    assert await ticks(store) == [last + 60 * back for back in made]
    now = await one(store)
    assert now.fired == len(made)
    assert now.fired + now.skipped == (late + 30) // 60
    assert now.next_at == last + 60


async def test_a_tick_that_is_late_is_skipped_where_missed_ones_are(store: Store, clock: FakeClock) -> None:
    await put_plan(store, clock, plan(every=3600, missed="skip"))
    clock.advance(3600 - clock() % 3600 + 61)
    await tend(store, clock)
    now = await one(store)
    assert (await ticks(store), now.fired, now.skipped) == ([], 0, 1)


async def test_a_long_outage_is_passed_over_in_bounded_moves(store: Store, clock: FakeClock) -> None:
    """C5: a tick a second, a day without any worker: not one move, nor one for each."""
    await put_plan(store, clock, plan(every=1, missed=2, overlap="allow"))
    clock.advance(5_000)
    await tend(store, clock)
    now = await one(store)
    assert (now.fired, now.skipped) == (2, 4_998)


@pytest.mark.parametrize("end", ["succeeded", "failed"])
async def test_overlapping_ticks_queue_up(store: Store, clock: FakeClock, end: str) -> None:
    """One at a time, also while the one before waits for another attempt; none is lost."""
    await store.put_limit(ONE_AT_A_TIME)
    await put_plan(store, clock, plan(overlap="queue"))
    for _ in range(3):
        clock.advance(60)
        await tend(store, clock)
    assert len(await ticks(store)) == 3
    order: list[float] = []
    for _ in range(3):
        page = await store.find(Filter(schedule="s", states=frozenset({State.QUEUED})))
        first = min(page.items, key=lambda run: run.nominal_at or 0.0)
        order.append(first.nominal_at or 0.0)
        await (succeed(store, first.id) if end == "succeeded" else fail(store, first.id))
    assert order == sorted(order)
    assert await store.check() == []


async def test_only_one_of_the_queued_ticks_is_claimed(store: Store, clock: FakeClock) -> None:
    await store.put_limit(ONE_AT_A_TIME)
    await put_plan(store, clock, plan(overlap="queue"))
    for _ in range(3):
        clock.advance(60)
        await tend(store, clock)
    assert len(await claim(store, limit=10)) == 1


async def test_a_tick_at_a_full_limit_waits(store: Store, clock: FakeClock) -> None:
    """Its run stands in the limit's line, with the ticks that come meanwhile, unless `overlap` says otherwise."""
    await store.put_limit(limit())
    run = NewRun(id="", task="t", input=b"{}", limits=refs("l"))
    await put(store, new_run("other", limits=refs("l")))
    other = await hold(store, "other", lease=3600)
    await put_plan(store, clock, plan(run=run, overlap="allow"))
    for _ in range(2):
        clock.advance(60)
        await tend(store, clock)
    assert await claim(store, limit=10) == []
    await settled(store, Complete(lease=other.lease, result=b""))
    [first] = await claim(store, limit=10)
    assert (await look(store, first.run_id)).nominal_at == minute_of(clock) - 60
    now = await one(store)
    assert (now.fired, now.skipped, await store.check()) == (2, 0, [])


async def test_a_skipped_overlap_is_recorded(store: Store, clock: FakeClock) -> None:
    """S2-43, S4-44: a run that is only queued counts."""
    await put_plan(store, clock, plan(overlap="skip"))
    for _ in range(2):
        clock.advance(60)
        await tend(store, clock)
    now = await one(store)
    assert (now.fired, now.skipped, len(await ticks(store))) == (1, 1, 1)


async def test_jitter_delays_the_run_and_not_the_tick(store: Store, clock: FakeClock) -> None:
    """The same for whoever fires it, and not the same for every tick."""
    await put_plan(store, clock, plan(jitter=30.0, overlap="allow"))
    delays = set[float]()
    for _ in range(5):
        clock.advance(60 - clock() % 60)
        await tend(store, clock)
        page = await store.find(Filter(schedule="s"))
        late = max(page.items, key=lambda run: run.nominal_at or 0.0)
        assert late.state is State.SCHEDULED
        assert late.nominal_at == clock()
        delays.add(round((late.due_at or 0.0) - clock(), 6))
    assert all(0 < delay < 30 for delay in delays)
    assert len(delays) == 5


async def test_a_count_of_ticks_ends_the_schedule(store: Store, clock: FakeClock) -> None:
    """B-156: skipped ones count."""
    await put_plan(store, clock, plan(count=3))
    for _ in range(5):
        clock.advance(60)
        await tend(store, clock)
    now = await one(store)
    assert (now.next_at, now.fired + now.skipped) == (None, 3)


async def test_a_one_off_fires_once_even_late(store: Store, clock: FakeClock) -> None:
    await put_plan(store, clock, plan(timing=timing(at=clock() - 499.999_999_51)))
    await tend(store, clock)
    await tend(store, clock)
    assert len(await ticks(store)) == 1
    assert ((await one(store)).next_at, (await one(store)).fired) == (None, 1)


async def test_a_tick_whose_run_is_refused_is_skipped_and_the_next_one_comes(store: Store, clock: FakeClock) -> None:
    """B-157, B-164."""
    await put(store, NewRun(id="r", task="t", key=None))
    made = plan()
    await put_plan(
        store, clock, msgspec.structs.replace(made, run=msgspec.structs.replace(made.run, input=b"x" * 5_000_000))
    )
    clock.advance(60)
    await tend(store, clock)
    now = await one(store)
    assert (now.fired, now.skipped) == (0, 1)
    assert now.next_at is not None


async def test_what_a_later_version_wrote_is_left_to_it(clock: FakeClock) -> None:
    store = MemoryStore(clock=clock)
    await put_plan(store, clock, plan(v=99))
    await store.put_schedule(Schedule(name="other", app="shop", task="t", spec=b"\x00", next_at=clock()))
    clock.advance(60)
    assert not await fire_due(store)
    await tend(store, clock)
    assert await ticks(store) == []


async def test_a_plan_is_read_as_it_was_written() -> None:
    made = plan(missed=7, overlap="queue", jitter=1.5, count=3)
    row = Schedule(name="s", app="a", task="t", spec=schedules_plan.encode(made), next_at=None)
    assert schedules_plan.decode(row) == made


@pytest.mark.parametrize(
    ("check", "values"),
    [
        (schedules_plan.check_missed, ["all", 0, 1001, True, None]),
        (schedules_plan.check_overlap, ["wait", 1, None]),
        (schedules_plan.check_count, [0, -1, 1.5, True]),
        (schedules_plan.check_jitter, [-1, "soon", None]),
    ],
    ids=["missed", "overlap", "count", "jitter"],
)
def test_policies_that_are_none_are_refused(check: Any, values: list[object]) -> None:
    """S2-17."""
    for value in values:
        with pytest.raises(Invalid):
            check(value)


async def test_odd_intervals_keep_their_place_in_every_store(store: Store, clock: FakeClock) -> None:
    """A moment comes back from the store as it went there, else no tick would ever be the one that is meant."""
    await put_plan(store, clock, plan(every=1.1, missed=1000, overlap="allow"))
    for _ in range(5):
        clock.advance(1.3)
        await tend(store, clock)
    now = await one(store)
    assert now.fired in {5, 6}
    assert now.next_at is not None
    assert clock() < now.next_at <= clock() + 1.1


@virtual
async def test_a_tick_that_the_store_did_not_take_fires_when_it_does(clock: FakeClock) -> None:
    """B-167: told while it lasts; no tick is lost, and the next ones follow."""
    told: list[Unavailable | None] = []
    fails = [Unavailable("away", applied="no"), Unavailable("away", applied="unknown")]

    class Shaky(MemoryStore):
        async def fire(self, fire: Fire) -> Answer:
            if fails:
                raise fails.pop()
            return await super().fire(fire)

    def hear(error: Unavailable | None) -> None:
        told.append(error)

    store = Shaky(clock=clock)
    await put_plan(store, clock, plan(overlap="allow"))
    for _ in range(2):
        clock.advance(60)
        await fire_due(store, hear)
    assert len(await ticks(store)) == 2
    assert [one is None for one in told] == [False, False, True]  # away, away, back
