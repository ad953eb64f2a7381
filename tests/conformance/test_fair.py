"""Fairness: the values of a queue take turns, whoever has asked for more; priority orders within a value."""

from typing import Any

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Complete, Release
from penstock.core.requests import Edit, Pause
from penstock.core.run import NewRun
from penstock.ports.store import Store
from tests.builders import limit, new_run, refs
from tests.clock import FakeClock
from tests.conformance.acts import alive, ask, claim, claimed, later, put, reason, retry, settled, standing, succeed


async def asked(store: Store, *names: str, **fields: Any) -> None:
    """Enqueue runs, one after the other; `a1` is of value `a`."""
    for name in names:
        await put(store, fair_run(name, **fields))


def fair_run(name: str, **fields: Any) -> NewRun:
    return new_run(name, **{"fair": name[0], **fields})


async def test_values_take_turns(store: Store) -> None:
    await asked(store, "a1", "a2", "a3", "b1", "b2", "c1")
    assert await claimed(store, limit=10) == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_one_after_the_other_they_take_turns_too(store: Store) -> None:
    await asked(store, "a1", "a2", "a3", "b1", "b2", "c1")
    assert [(await claimed(store))[0] for _ in range(6)] == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_who_comes_late_does_not_wait_for_the_backlog_of_others(store: Store) -> None:
    await asked(store, *(f"a{n}" for n in range(9)))
    assert await claimed(store, limit=3) == ["a0", "a1", "a2"]
    await asked(store, "b1", "b2")
    assert await claimed(store, limit=4) == ["a3", "b1", "a4", "b2"]


async def test_a_value_with_more_weight_goes_more_often(store: Store) -> None:
    await asked(store, "a1", "a2", "a3", "a4", weight=2)
    await asked(store, "b1", "b2", "b3")
    assert await claimed(store, limit=10) == ["a1", "a2", "b1", "a3", "a4", "b2", "b3"]


async def test_priority_orders_within_a_value(store: Store) -> None:
    """Not between values: who would say 1000 for all its runs would have the queue alone."""
    await asked(store, "a1", "b1", "b2")
    await asked(store, "a2", "a3", priority=9)
    assert await claimed(store, limit=10) == ["a2", "b1", "a3", "b2", "a1"]


async def test_who_comes_back_stands_before_those_of_its_value(store: Store) -> None:
    await asked(store, "a1", "a2", "b1")
    [first] = await claim(store)
    await settled(store, Release(lease=first.lease))
    assert await claimed(store, limit=3) == ["b1", "a1", "a2"]


async def test_runs_without_a_value_stand_among_the_turns(store: Store) -> None:
    """Of each value one run stands among them; the next takes its place behind them all."""
    await asked(store, "a1", "a2")
    await put(store, new_run("x"))
    await asked(store, "b1")
    await put(store, new_run("y"))
    assert await claimed(store, limit=9) == ["a1", "x", "b1", "y", "a2"]


async def test_priority_gives_a_value_nothing_over_runs_without_one(store: Store) -> None:
    await put(store, new_run("x"))
    await asked(store, "a1", priority=9)
    assert await claimed(store, limit=9) == ["x", "a1"]


async def test_queues_are_apart(store: Store) -> None:
    await asked(store, "a1", "a2")
    await asked(store, "a3", "b1", queue="other")
    assert await claimed(store, limit=9, queues=("other", "default")) == ["a3", "b1", "a1", "a2"]


async def test_a_retry_takes_a_turn_again(store: Store, clock: FakeClock) -> None:
    await asked(store, "a1", "a2", "b1")
    await retry(store, "a1", delay=5)
    await later(store, clock, 6)
    assert await claimed(store, limit=3) == ["b1", "a2", "a1"]


async def test_what_nobody_can_run_lets_the_next_of_its_value_go(store: Store) -> None:
    """A claim looks at each of them once."""
    await asked(store, "a1", "a2", task="unknown")
    await asked(store, "a3", "b1")
    assert await claimed(store, limit=9) == ["b1", "a3"]
    assert await reason(store, "a1") == "no_worker"


async def test_a_limit_of_the_value_holds_up_that_value_alone(store: Store) -> None:
    await store.put_limit(limit())
    for name in ("a1", "a2", "a3", "b1", "b2"):
        await asked(store, name, limits=refs(f"l:{name[0]}"))
    first, _ = await claim(store, limit=9)
    assert first.run_id == "a1"
    await settled(store, Complete(lease=first.lease, result=b""))
    assert await claimed(store, limit=9) == ["a2"]
    assert await store.check() == []


async def test_with_one_limit_for_all_values_they_still_take_turns(store: Store) -> None:
    await store.put_limit(limit(n=3))
    await asked(store, "a1", "a2", "a3", "b1", "c1", limits=refs("l"))
    assert await claimed(store, limit=9) == ["a1", "a2", "a3"]
    assert await standing(store) == (3, 0, 2)


async def test_a_dropped_limit_lets_the_values_take_turns(store: Store) -> None:
    await store.put_limit(limit(n=0))
    await asked(store, "a1", "a2", "b1", limits=refs("l"))
    assert await claimed(store, limit=9) == []
    assert await store.drop_limit("l") is Answer.OK
    assert await claimed(store, limit=9) == ["a1", "b1", "a2"]


async def test_a_changed_priority_counts_at_once(store: Store) -> None:
    await asked(store, "a1", "a2", "a3", "b1")
    assert await store.edit("a3", Edit(priority=4)) is Answer.OK
    assert await store.edit("a1", Edit(priority=-4)) is Answer.OK
    assert await store.check() == []
    assert await claimed(store, limit=9) == ["a3", "b1", "a2", "a1"]


async def test_a_lowered_priority_gives_the_turn_to_the_next(store: Store) -> None:
    await asked(store, "a1", "a2", "b1")
    assert await store.edit("a1", Edit(priority=-4)) is Answer.OK
    assert await store.check() == []
    assert await claimed(store, limit=9) == ["b1", "a2", "a1"]


@pytest.mark.parametrize("how", ["cancel", "remove", "reschedule"])
async def test_who_leaves_lets_the_next_of_its_value_go(store: Store, how: str) -> None:
    await asked(store, "a1", "a2", "b1")
    if how == "cancel":
        await store.cancel(["a1"])
    elif how == "remove":
        await store.remove(["a1"])
    else:
        await store.reschedule("a1", delay=60)
    assert await store.check() == []
    assert await claimed(store, limit=9) == ["b1", "a2"]


async def test_a_paused_queue_keeps_its_turns(store: Store) -> None:
    await asked(store, "a1", "a2", "b1")
    await store.pause(Pause(kind="queue", name="default", paused=True))
    assert await claimed(store, limit=9) == []
    await store.pause(Pause(kind="queue", name="default", paused=False))
    assert await claimed(store, limit=9) == ["a1", "b1", "a2"]


async def test_it_says_that_it_waits_for_its_turn(store: Store) -> None:
    await asked(store, "a1", "a2")
    await alive(store)
    assert await reason(store, "a1") == "ready"
    assert await reason(store, "a2") == "fair"


async def test_a_claim_looks_at_a_bounded_number(store: Store) -> None:
    """What it moves aside lets the next of its value go, up to the bound; then it says that there is more."""
    await put(store, *(fair_run(f"a{n}", task="unknown") for n in range(130)))
    await asked(store, "a-able")
    first = await store.claim(ask(1))
    assert (len(first.claims), first.more) == (0, True)
    assert await claimed(store) == ["a-able"]


async def test_a_fork_stands_among_its_value(store: Store) -> None:
    await asked(store, "a1", "a2", "a3")
    await succeed(store, "a1")
    assert await store.fork("a1", "a4") is Answer.OK
    assert await claimed(store, limit=9) == ["a2", "a3", "a4"]
    assert await store.check() == []


async def test_who_weighs_more_and_has_to_go_behind_may_come_back_at_once(store: Store) -> None:
    await asked(store, "a1", weight=2)
    await asked(store, "a2", priority=3)
    assert await store.check() == []
    assert await claimed(store, limit=9) == ["a2", "a1"]


async def test_who_leaves_makes_room_for_all_who_weigh_more(store: Store) -> None:
    await asked(store, "a1", "a2")
    await asked(store, "a3", "a4", weight=3)
    await asked(store, "b1")
    assert await claimed(store) == ["a1"]
    assert await store.check() == []
    assert await claimed(store, limit=9) == ["b1", "a2", "a3", "a4"]
