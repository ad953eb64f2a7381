"""Another input may mean another key of a limit, or another value: the run stands by it from the same move on."""

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Complete
from penstock.core.limits import LimitRef
from penstock.core.requests import Counted, Edit
from penstock.core.run import Key
from penstock.core.state import State
from penstock.ports.store import Store
from tests.builders import limit, new_run
from tests.clock import FakeClock
from tests.conformance.acts import claimed, hold, later, look, put, settled, standing, state


def of(key: str) -> tuple[LimitRef, ...]:
    return (LimitRef(name="l", key=key),)


def now(key: str, **fields: object) -> Edit:
    return Edit(input=b"other", counted=Counted(limits=of(key), **fields))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


async def limited(store: Store, key: str, *names: str) -> None:
    for name in names:
        await put(store, new_run(name, limits=of(key)))


async def test_a_parked_run_leaves_the_line_of_its_old_key(store: Store) -> None:
    await store.put_limit(limit())
    await limited(store, "x", "a", "b", "c")
    holder = await hold(store, "a")
    assert await store.edit("b", now("y")) is Answer.OK
    run = await look(store, "b")
    assert (run.input, run.limits) == (b"other", of("y"))
    assert await standing(store, "l", "x") == (1, 0, 1)
    assert await claimed(store, limit=10) == ["b"]
    await settled(store, Complete(lease=holder.lease, result=b""))
    assert await claimed(store, limit=10) == ["c"]


async def test_one_that_was_let_out_makes_room(store: Store) -> None:
    await store.put_limit(limit())
    await limited(store, "x", "a", "b")
    assert await store.edit("a", now("y")) is Answer.OK
    assert sorted(await claimed(store, limit=10)) == ["a", "b"]


async def test_a_full_key_parks_it_rank_kept(store: Store) -> None:
    await store.put_limit(limit())
    await limited(store, "y", "holder")
    holder = await hold(store, "holder")
    await limited(store, "x", "a")
    await limited(store, "y", "b")
    assert await store.edit("a", now("y")) is Answer.OK
    assert await claimed(store, limit=10) == []
    await settled(store, Complete(lease=holder.lease, result=b""))
    assert await claimed(store, limit=10) == ["a"]


async def test_a_run_gets_a_limit_or_loses_it(store: Store) -> None:
    await store.put_limit(limit())
    await limited(store, "x", "holder", "b")
    await put(store, new_run("a"))
    await hold(store, "holder")
    assert await store.edit("a", now("x")) is Answer.OK
    assert await store.edit("b", Edit(input=b"free", counted=Counted())) is Answer.OK
    assert await claimed(store, limit=10) == ["b"]
    assert (await look(store, "b")).limits == ()


async def test_it_takes_its_turn_with_its_new_value(store: Store) -> None:
    for name in ("a1", "a2", "a3", "b1"):
        await put(store, new_run(name, fair=name[0]))
    assert await store.edit("a1", Edit(input=b"c", counted=Counted(fair="c"))) is Answer.OK
    run = await look(store, "a1")
    assert (run.fair, run.weight) == ("c", 1)
    assert await claimed(store, limit=9) == ["b1", "a2", "a1", "a3"]


async def test_a_value_behind_which_others_stand_lets_the_next_go_up(store: Store) -> None:
    for name in ("a1", "a2"):
        await put(store, new_run(name, fair=name[0]))
    assert await store.edit("a1", Edit(input=b"free", counted=Counted())) is Answer.OK
    assert await store.check() == []
    assert sorted(await claimed(store, limit=9)) == ["a1", "a2"]
    assert (await look(store, "a1")).fair is None


async def test_weight_comes_with_the_value(store: Store) -> None:
    await put(store, new_run("a1", fair="a"))
    assert await store.edit("a1", Edit(input=b"b", counted=Counted(fair="b", weight=4))) is Answer.OK
    assert ((await look(store, "a1")).fair, (await look(store, "a1")).weight) == ("b", 4)


async def test_who_is_not_ready_yet_stands_so_later(store: Store, clock: FakeClock) -> None:
    await store.put_limit(limit())
    await limited(store, "y", "holder")
    holder = await hold(store, "holder")
    await put(store, new_run("a", delay=10, limits=of("x")))
    assert await store.edit("a", now("y")) is Answer.OK
    assert await state(store, "a") is State.SCHEDULED
    await later(store, clock, 11)
    assert await claimed(store, limit=10) == []
    await settled(store, Complete(lease=holder.lease, result=b""))
    assert await claimed(store, limit=10) == ["a"]


async def test_what_is_the_same_keeps_its_place(store: Store) -> None:
    await store.put_limit(limit())
    await limited(store, "x", "a", "b")
    assert await store.edit("a", now("x")) is Answer.OK
    assert await claimed(store, limit=10) == ["a"]


@pytest.mark.parametrize("priority", [None, 5])
async def test_its_key_stands_and_priority_counts_too(store: Store, priority: int | None) -> None:
    await store.put_limit(limit())
    await limited(store, "y", "a")
    key = Key(key="k", input_hash=b"", ttl=0.0)
    await put(store, new_run("b", limits=of("x"), key=key))
    edit = Edit(input=b"other", priority=priority, counted=Counted(limits=of("y")))
    assert await store.edit("b", edit) is Answer.OK
    [again] = await put(store, new_run("c", key=key))
    assert (again.id, again.created) == ("b", False)
    assert await claimed(store, limit=10) == (["a"] if priority is None else ["b"])
    assert await store.check() == []


async def test_one_that_runs_is_not_touched(store: Store) -> None:
    await store.put_limit(limit())
    await limited(store, "x", "a", "b")
    assert await claimed(store) == ["a"]
    assert await store.edit("a", now("y")) is Answer.STATE
    assert (await look(store, "a")).limits == of("x")
    assert await claimed(store, limit=9) == []
