"""Schedules: rows with a revision, ticks that move them once, overlap, pause. Expressions are the engine's."""

import pytest

from penstock.core.answers import Answer
from penstock.core.requests import Pause
from penstock.core.run import Cause
from penstock.core.schedule import Fire, Overlap, Schedule
from penstock.core.state import State
from penstock.ports.store import Store
from tests.builders import fire, new_run, schedule
from tests.clock import FakeClock
from tests.conformance.acts import claimed, fail, hold, look, put, state, states, stops, succeed
from tests.conformance.scenes import LONG


async def one(store: Store, name: str = "s") -> Schedule:
    [found] = [each for each in await store.schedules() if each.name == name]
    return found


async def test_a_schedule_is_stored_as_put(store: Store, clock: FakeClock) -> None:
    asked = schedule(next_at=clock() + 60, spec=b"\x00spec")
    assert await store.put_schedule(asked) == asked
    assert await store.schedules() == [asked]


async def test_putting_the_same_twice_changes_nothing(store: Store, clock: FakeClock) -> None:
    """S2-36: as every process does on its start."""
    asked = schedule(next_at=clock() + 60)
    first = await store.put_schedule(asked)
    assert await store.put_schedule(asked) == first


async def test_an_edit_makes_another_revision(store: Store, clock: FakeClock) -> None:
    first = await store.put_schedule(schedule(next_at=clock() + 60))
    second = await store.put_schedule(schedule(next_at=clock() + 60, spec=b"other"))
    assert second.revision > first.revision
    assert (await one(store)).spec == b"other"


async def test_a_tick_fires_once(store: Store, clock: FakeClock) -> None:
    """S0-20, S2-42, S4-42, S4-46: whoever comes first, however often it is asked."""
    due = await store.put_schedule(schedule(next_at=clock()))
    tick = fire(due, new_run("tick", schedule="s", nominal_at=due.next_at), next_at=clock() + 60)
    assert await store.fire(tick) == Answer.OK
    assert await store.fire(tick) == Answer.DUPLICATE
    run = await look(store, "tick")
    assert (run.schedule, run.nominal_at, run.state) == ("s", clock(), State.QUEUED)
    now = await one(store)
    assert (now.next_at, now.last_at, now.fired, now.skipped) == (clock() + 60, clock(), 1, 0)
    assert await claimed(store, limit=10) == ["tick"]


async def test_a_tick_of_an_older_revision_fires_nothing(store: Store, clock: FakeClock) -> None:
    """S2-44."""
    old = await store.put_schedule(schedule(next_at=clock()))
    await store.put_schedule(schedule(next_at=clock(), spec=b"other"))
    assert await store.fire(fire(old, new_run("tick"), next_at=clock() + 60)) == Answer.DUPLICATE
    assert await state(store, "tick") is None
    assert (await one(store)).next_at == clock()


async def test_a_tick_for_another_moment_fires_nothing(store: Store, clock: FakeClock) -> None:
    due = await store.put_schedule(schedule(next_at=clock()))
    wrong = Fire(name="s", revision=due.revision, at=clock() - 60, next_at=clock() + 60, run=new_run("tick"))
    assert await store.fire(wrong) == Answer.DUPLICATE
    assert await state(store, "tick") is None


async def test_an_edit_keeps_what_was_counted(store: Store, clock: FakeClock) -> None:
    due = await store.put_schedule(schedule(next_at=clock()))
    await store.fire(fire(due, new_run("tick"), next_at=clock() + 60))
    edited = await store.put_schedule(schedule(next_at=clock() + 90, spec=b"other"))
    assert (edited.fired, edited.last_at, edited.next_at) == (1, clock(), clock() + 90)


async def test_a_skipped_tick_is_recorded(store: Store, clock: FakeClock) -> None:
    due = await store.put_schedule(schedule(next_at=clock()))
    assert await store.fire(fire(due, None, next_at=clock() + 60)) == Answer.OK
    now = await one(store)
    assert (now.next_at, now.fired, now.skipped, now.last_at) == (clock() + 60, 0, 1, None)


async def test_ticks_that_were_missed_are_passed_over_in_one_move(store: Store, clock: FakeClock) -> None:
    """S4-45: and counted, however many they are."""
    due = await store.put_schedule(schedule(next_at=clock() - 300))
    assert await store.fire(fire(due, None, next_at=clock(), passed=5)) == Answer.OK
    now = await one(store)
    assert (now.next_at, now.fired, now.skipped) == (clock(), 0, 5)
    await store.fire(fire(now, new_run("tick"), next_at=clock() + 60, passed=7))
    assert ((await one(store)).fired, (await one(store)).skipped) == (1, 5)


async def test_who_edits_names_the_revision_that_was_read(store: Store, clock: FakeClock) -> None:
    """B-153: of two who edit at once, one is told that it has read too early."""
    first = await store.put_schedule(schedule(next_at=clock(), spec=b"1"), was=0)
    assert first.revision == 1
    late = await store.put_schedule(schedule(next_at=clock() + 9, spec=b"2"), was=0)
    assert (late.spec, late.next_at, late.revision) == (b"1", clock(), 1)
    second = await store.put_schedule(schedule(next_at=clock() + 9, spec=b"2"), was=1)
    assert (second.spec, second.next_at, second.revision) == (b"2", clock() + 9, 2)
    again = await store.put_schedule(schedule(next_at=clock() + 9, spec=b"2"), was=1)
    assert again == second, "asked twice, it does once"
    late = await store.put_schedule(schedule(next_at=clock() + 9, spec=b"3"), was=1)
    assert (late.spec, late.revision) == (b"2", 2)


async def test_an_edit_brings_nothing_back(store: Store, clock: FakeClock) -> None:
    gone = await store.put_schedule(schedule(next_at=clock()), was=3)
    assert gone.revision == 0
    assert await store.schedules() == []


async def test_who_drops_may_name_the_revision_that_was_read(store: Store, clock: FakeClock) -> None:
    await store.put_schedule(schedule(next_at=clock()))
    await store.put_schedule(schedule(next_at=clock(), spec=b"other"))
    assert await store.drop_schedule("s", was=1) == Answer.STATE
    assert len(await store.schedules()) == 1
    assert await store.drop_schedule("s", was=2) == Answer.OK
    assert await store.drop_schedule("s", was=2) == Answer.NOT_FOUND


async def test_the_last_tick_ends_the_schedule(store: Store, clock: FakeClock) -> None:
    due = await store.put_schedule(schedule(next_at=clock()))
    await store.fire(fire(due, new_run("tick"), next_at=None))
    assert (await one(store)).next_at is None
    assert await store.schedules(due=True) == []


async def test_due_schedules_are_listed_earliest_first(store: Store, clock: FakeClock) -> None:
    """S2-46."""
    for name, seconds in (("a", 30.0), ("b", -5.0), ("c", -10.0), ("d", 0.0)):
        await store.put_schedule(schedule(name, next_at=clock() + seconds))
    assert [each.name for each in await store.schedules(due=True)] == ["c", "b", "d"]
    assert [each.name for each in await store.schedules(due=True, limit=2)] == ["c", "b"]
    assert [each.name for each in await store.schedules()] == ["a", "b", "c", "d"]
    clock.advance(30)
    assert [each.name for each in await store.schedules(due=True)] == ["c", "b", "d", "a"]


async def test_a_paused_schedule_is_not_due_and_does_not_fire(store: Store, clock: FakeClock) -> None:
    due = await store.put_schedule(schedule(next_at=clock()))
    await store.pause(Pause(kind="schedule", name="s", paused=True))
    assert (await one(store)).paused
    assert await store.schedules(due=True) == []
    assert await store.fire(fire(due, new_run("tick"), next_at=clock() + 60)) != Answer.OK
    assert await state(store, "tick") is None
    await store.pause(Pause(kind="schedule", name="s", paused=False))
    assert [each.name for each in await store.schedules(due=True)] == ["s"]


async def test_a_paused_schedule_fires_for_nobody_who_has_seen_it_paused(store: Store, clock: FakeClock) -> None:
    await store.put_schedule(schedule(next_at=clock()))
    await store.pause(Pause(kind="schedule", name="s", paused=True))
    [paused] = await store.schedules()
    assert await store.fire(fire(paused, new_run("a"), next_at=clock() + 60)) is Answer.DUPLICATE
    assert await state(store, "a") is None


async def test_declaring_a_paused_schedule_again_keeps_it_paused(store: Store, clock: FakeClock) -> None:
    await store.put_schedule(schedule(next_at=clock()))
    await store.pause(Pause(kind="schedule", name="s", paused=True))
    await store.put_schedule(schedule(next_at=clock(), spec=b"other"))
    assert (await one(store)).paused


async def test_a_dropped_schedule_fires_no_more(store: Store, clock: FakeClock) -> None:
    """S2-44: its runs stay."""
    due = await store.put_schedule(schedule(next_at=clock()))
    await store.fire(fire(due, new_run("tick", schedule="s"), next_at=clock()))
    assert await store.drop_schedule("s") == Answer.OK
    assert await store.drop_schedule("s") == Answer.NOT_FOUND
    late = fire(due, new_run("late", schedule="s"), next_at=clock() + 60)
    assert await store.fire(late) == Answer.NOT_FOUND
    assert await states(store, "tick", "late") == [State.QUEUED, None]


OVERLAPS: list[Overlap] = ["allow", "skip", "replace"]


async def second_tick(store: Store, clock: FakeClock, overlap: Overlap) -> Answer:
    now = await one(store)
    clock.advance(60)
    run = new_run("second", schedule="s")
    return await store.fire(fire(now, run, next_at=clock() + 60, overlap=overlap))


@pytest.mark.parametrize("overlap", OVERLAPS)
@pytest.mark.parametrize("standing", ["queued", "running"])
async def test_overlap_decides_about_a_run_that_has_not_ended(
    store: Store, clock: FakeClock, overlap: Overlap, standing: str
) -> None:
    """S2-43, S4-44: queued ones count too."""
    due = await store.put_schedule(schedule(next_at=clock()))
    await store.fire(fire(due, new_run("first", schedule="s"), next_at=clock() + 60))
    held = await hold(store, "first", lease=LONG) if standing == "running" else None
    answer = await second_tick(store, clock, overlap)
    now = await one(store)
    assert now.next_at == clock() + 60
    if overlap == "skip":
        assert (answer, await state(store, "second")) == (Answer.STATE, None)
        assert (now.fired, now.skipped) == (1, 1)
    else:
        assert (answer, await state(store, "second")) == (Answer.OK, State.QUEUED)
        assert (now.fired, now.skipped) == (2, 0)
    if held is not None:
        assert await stops(store, held.lease) is (overlap == "replace")
    else:
        replaced = State.CANCELLED if overlap == "replace" else State.QUEUED
        assert await state(store, "first") == replaced
    if overlap == "replace" and held is None:
        assert (await look(store, "first")).cause == Cause.CANCEL


@pytest.mark.parametrize("overlap", OVERLAPS)
@pytest.mark.parametrize("end", ["succeeded", "failed"])
async def test_what_has_ended_does_not_overlap(store: Store, clock: FakeClock, overlap: Overlap, end: str) -> None:
    """B-157: a failed tick stops nothing."""
    due = await store.put_schedule(schedule(next_at=clock()))
    await store.fire(fire(due, new_run("first", schedule="s"), next_at=clock() + 60))
    await (succeed(store, "first") if end == "succeeded" else fail(store, "first"))
    assert await second_tick(store, clock, overlap) == Answer.OK
    assert await states(store, "first", "second") == [State(end), State.QUEUED]


async def test_a_tick_whose_run_is_there_already_moves_on(store: Store, clock: FakeClock) -> None:
    """B-164: the chain never stops for it."""
    await put(store, new_run("tick"))
    due = await store.put_schedule(schedule(next_at=clock()))
    await store.fire(fire(due, new_run("tick"), next_at=clock() + 60))
    assert (await one(store)).next_at == clock() + 60
    assert await claimed(store, limit=10) == ["tick"]


async def test_schedules_of_two_apps_are_told_apart(store: Store, clock: FakeClock) -> None:
    """S2-37: who prunes sees whose they are."""
    await store.put_schedule(schedule("a", next_at=clock(), app="shop"))
    await store.put_schedule(schedule("b", next_at=clock(), app="blog"))
    assert [(each.name, each.app) for each in await store.schedules()] == [("a", "shop"), ("b", "blog")]
