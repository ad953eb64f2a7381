"""Deduplication by keys: until the start, for a time, taken over before the start, and one that waits for the end."""

from typing import Any

import pytest

from penstock.core.answers import Answer, Entered
from penstock.core.leases import Complete, Release
from penstock.core.requests import Edit, Group
from penstock.core.run import Key, NewRun
from penstock.core.state import State
from penstock.ports.store import Store
from tests.builders import limit, new_run, refs
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
    succeed,
    suspend,
)


def keyed(run_id: str, data: bytes = b"", *, delay: float | None = None, **fields: Any) -> NewRun:
    """A run under the key `k`, treated as said here."""
    given: dict[str, Any] = {"key": "k", "input_hash": b"u", "ttl": 0.0}
    return new_run(run_id, input=data, delay=delay, key=Key(**(given | fields)))


async def asked(store: Store, run_id: str, data: bytes = b"", **fields: Any) -> Entered:
    [entered] = await put(store, keyed(run_id, data, **fields))
    return entered


def made(run_id: str) -> Entered:
    return Entered(id=run_id, created=True)


def there(run_id: str) -> Entered:
    return Entered(id=run_id, created=False)


# until it has started


async def test_until_started_the_claim_ends_it(store: Store) -> None:
    assert await asked(store, "a", until="started") == made("a")
    assert await asked(store, "b", until="started") == there("a")
    lease = (await hold(store, "a")).lease
    assert await asked(store, "c", until="started") == made("c")
    await settled(store, Complete(lease=lease, result=b""))
    assert await asked(store, "d", until="started") == there("c")
    assert await store.check() == []


async def test_until_started_a_retry_does_not_take_it_again(store: Store, clock: FakeClock) -> None:
    await asked(store, "a", until="started")
    await retry(store, "a", delay=5)
    assert await asked(store, "b", until="started") == made("b")
    await later(store, clock, 6)
    assert sorted(await claimed(store, limit=5)) == ["a", "b"]
    assert await asked(store, "c", until="started") == made("c")


async def test_until_started_what_is_handed_back_unstarted_takes_it_again(store: Store) -> None:
    """As if it had never been claimed: claimed ahead, it had not begun."""
    await asked(store, "a", until="started", replace=True)
    await settled(store, Release(lease=(await hold(store, "a")).lease, unstarted=True))
    assert await asked(store, "b", b"2", until="started", replace=True) == there("a")
    assert (await hold(store, "a")).input == b"2"
    assert await asked(store, "c", until="started") == made("c")
    assert await store.check() == []


async def test_until_started_what_is_handed_back_takes_it_from_nobody(store: Store) -> None:
    await asked(store, "a", until="started")
    lease = (await hold(store, "a")).lease
    assert await asked(store, "b", until="started") == made("b")
    await settled(store, Release(lease=lease, unstarted=True))
    assert await asked(store, "c", until="started") == there("b")
    assert sorted(await claimed(store, limit=5)) == ["a", "b"]
    assert await asked(store, "c", until="started") == made("c")


async def test_until_started_what_another_had_meanwhile_is_taken_again(store: Store) -> None:
    await asked(store, "a", until="started")
    lease = (await hold(store, "a")).lease
    await asked(store, "b", until="started")
    await store.cancel(["b"])
    await settled(store, Release(lease=lease, unstarted=True))
    assert await asked(store, "c", until="started") == there("a")


async def test_until_started_what_had_begun_does_not_take_it_again(store: Store) -> None:
    await asked(store, "a", until="started")
    await settled(store, Release(lease=(await hold(store, "a")).lease))
    assert await asked(store, "b", until="started") == made("b")
    await settled(store, Release(lease=(await hold(store, "a")).lease, unstarted=True))
    assert await asked(store, "c", until="started") == there("b")


async def test_until_started_one_that_never_starts_ends_it(store: Store) -> None:
    await asked(store, "a", until="started")
    await store.cancel(["a"])
    assert await asked(store, "b", until="started") == made("b")


async def test_until_started_a_redriven_run_takes_it_until_it_starts_again(store: Store) -> None:
    await asked(store, "a", until="started")
    await fail(store, "a")
    assert await store.redrive(["a"]) == [Answer.OK]
    assert await asked(store, "b", until="started") == there("a")
    await hold(store, "a")
    assert await asked(store, "c", until="started") == made("c")


async def test_until_started_a_redrive_is_refused_while_another_stands(store: Store) -> None:
    await asked(store, "a", until="started")
    await fail(store, "a")
    await asked(store, "b", until="started")
    assert await store.redrive(["a"]) == [Answer.KEY_CONFLICT]


async def test_a_claim_of_many_ends_each_of_them(store: Store) -> None:
    await put(store, new_run("x"), keyed("a", until="started"), new_run("y"))
    assert await claimed(store, limit=5) == ["x", "a", "y"]
    assert await asked(store, "b", until="started") == made("b")


# every


async def test_every_counts_from_the_first(store: Store, clock: FakeClock) -> None:
    """B-135: the window is fixed, whoever asks meanwhile."""
    await asked(store, "a", every=60.0)
    lease = (await hold(store, "a")).lease
    await later(store, clock, 20)
    await settled(store, Complete(lease=lease, result=b""))
    await later(store, clock, 20)
    assert await asked(store, "b", every=60.0) == there("a")
    await later(store, clock, 19)
    assert await asked(store, "c", every=60.0) == there("a")
    await later(store, clock, 2)
    assert await asked(store, "d", every=60.0) == made("d")


async def test_every_does_not_let_a_second_one_in_while_the_first_runs(store: Store, clock: FakeClock) -> None:
    await asked(store, "a", every=60.0)
    lease = (await hold(store, "a", lease=900)).lease
    await later(store, clock, 100)
    assert await asked(store, "b", every=60.0) == there("a")
    await settled(store, Complete(lease=lease, result=b""))
    assert await asked(store, "c", every=60.0) == made("c")


async def test_every_until_started_throttles(store: Store, clock: FakeClock) -> None:
    await asked(store, "a", every=60.0, until="started")
    await hold(store, "a", lease=900)
    assert await asked(store, "b", every=60.0, until="started") == there("a")
    await later(store, clock, 61)
    assert await asked(store, "c", every=60.0, until="started") == made("c")


# replace


async def test_replace_rewrites_what_has_not_started(store: Store) -> None:
    await store.put_limit(limit())
    await put(store, keyed("a", b"1", replace=True))
    again = new_run("b", input=b"2", limits=refs("l:x"), key=keyed("b", replace=True).key)
    assert await put(store, again) == [there("a")]
    run = await look(store, "a")
    assert (run.input, run.limits, run.state) == (b"2", refs("l:x"), State.QUEUED)
    assert await standing(store, key="x") == (0, 1, 0)
    assert await states(store, "b") == [None]
    [claim_] = await claim(store)
    assert (claim_.run_id, claim_.input) == ("a", b"2")
    assert await standing(store, key="x") == (1, 0, 0)
    assert await store.check() == []


async def test_debounce(store: Store, clock: FakeClock) -> None:
    """B-136: each one asked moves the moment on; there is one run, with the last input."""
    for n in range(20):
        await asked(store, f"r{n}", b"%d" % n, replace=True, delay=1.0)
        await later(store, clock, 0.1)
        assert await claimed(store) == []
    assert await state(store, "r0") is State.SCHEDULED
    await later(store, clock, 1.0)
    [claim_] = await claim(store, limit=5)
    assert (claim_.run_id, claim_.input) == ("r0", b"19")


async def test_replace_delays_what_stands_ready(store: Store, clock: FakeClock) -> None:
    await asked(store, "a", b"1", replace=True)
    await asked(store, "b", b"2", replace=True, delay=5.0)
    assert await state(store, "a") is State.SCHEDULED
    await asked(store, "c", b"3", replace=True)
    assert await state(store, "a") is State.QUEUED
    assert (await claim(store))[0].input == b"3"


async def test_replace_leaves_alone_what_has_started(store: Store) -> None:
    """B-137: then it is a duplicate and nothing else."""
    await asked(store, "a", b"1", replace=True)
    lease = (await hold(store, "a")).lease
    assert await asked(store, "b", b"2", replace=True) == there("a")
    await settled(store, Release(lease=lease))
    assert await asked(store, "c", b"3", replace=True) == there("a")
    assert (await look(store, "a")).input == b"1"


async def test_replace_leaves_alone_what_waits(store: Store) -> None:
    await asked(store, "a", b"1", replace=True)
    await suspend(store, "a", signals={"go": 1})
    assert await asked(store, "b", b"2", replace=True) == there("a")
    assert (await look(store, "a")).input == b"1"


async def test_replace_within_one_group(store: Store) -> None:
    entered = await put(store, keyed("a", b"1", replace=True), keyed("b", b"2", replace=True))
    assert entered == [made("a"), there("a")]
    assert (await look(store, "a")).input == b"2"


async def test_replace_keeps_the_rank(store: Store) -> None:
    await asked(store, "a", b"1", replace=True)
    await put(store, new_run("x"))
    await asked(store, "b", b"2", replace=True)
    assert await claimed(store, limit=5) == ["a", "x"]


async def test_replace_moves_a_run_to_another_line(store: Store) -> None:
    await store.put_limit(limit())
    await put(store, new_run("holder", limits=refs("l:x")))
    await hold(store, "holder")
    for name, key in (("a", "x"), ("b", "y")):
        await put(store, new_run(name, limits=refs(f"l:{key}"), key=keyed(name, replace=True).key))
    assert await standing(store, key="x") == (1, 0, 0)
    assert await claimed(store) == ["a"]
    assert await store.check() == []


async def test_replace_moves_a_run_to_another_value(store: Store) -> None:
    for name, value in (("a", "v"), ("x", "v"), ("b", "w")):
        key = None if name == "x" else keyed(name, replace=True).key
        await put(store, new_run(name, fair=value, key=key))
    assert await store.check() == []
    assert await claimed(store, limit=5) == ["x", "a"]


# follow


async def test_follow_keeps_one_with_the_last_input(store: Store) -> None:
    """B-138: added 1 to 5 while the first one runs: exactly one more, with the last input, when that has ended."""
    await asked(store, "a", b"0", follow=True)
    lease = (await hold(store, "a")).lease
    assert await asked(store, "r1", b"1", follow=True) == made("r1")
    for n in range(2, 6):
        assert await asked(store, f"r{n}", b"%d" % n, follow=True) == there("r1")
    assert await state(store, "r1") is State.WAITING
    assert await claimed(store, limit=5) == []
    await settled(store, Complete(lease=lease, result=b""))
    [claim_] = await claim(store, limit=5)
    assert (claim_.run_id, claim_.input) == ("r1", b"5")
    assert await asked(store, "r6", b"6", follow=True) == made("r6")
    assert await state(store, "r6") is State.WAITING
    assert await store.check() == []


@pytest.mark.parametrize("end", ["fail", "cancel", "remove"])
async def test_follow_whatever_the_end(store: Store, end: str) -> None:
    await asked(store, "a", b"0", follow=True)
    await asked(store, "b", b"1", follow=True)
    if end == "fail":
        await fail(store, "a")
    elif end == "cancel":
        await store.cancel(["a"])
    else:
        await store.remove(["a"])
    assert await claimed(store, limit=5) == ["b"]
    assert await asked(store, "c", follow=True) == made("c")
    assert await store.check() == []


async def test_follow_does_not_come_between_retries_nor_waits(store: Store, clock: FakeClock) -> None:
    """B-138: not before the final outcome."""
    await asked(store, "a", follow=True)
    await asked(store, "b", follow=True)
    await retry(store, "a", delay=5)
    assert await state(store, "b") is State.WAITING
    await later(store, clock, 6)
    await suspend(store, "a", delay=5.0)
    assert await state(store, "b") is State.WAITING
    await later(store, clock, 6)
    await succeed(store, "a")
    assert await state(store, "b") is State.QUEUED


async def test_follow_after_a_crash(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("a", crashes=1, key=keyed("a", follow=True).key))
    await hold(store, "a", lease=10)
    await asked(store, "b", follow=True)
    await later(store, clock, 11)
    assert await states(store, "a", "b") == [State.FAILED, State.QUEUED]


async def test_follow_waits_out_its_own_delay(store: Store, clock: FakeClock) -> None:
    """B-139: the one that follows is treated as it was asked for."""
    await asked(store, "a", follow=True)
    await asked(store, "own-id", follow=True, delay=7.0)
    await succeed(store, "a")
    assert await state(store, "own-id") is State.SCHEDULED
    await later(store, clock, 8)
    assert await claimed(store) == ["own-id"]


async def test_follow_asked_twice_is_done_once(store: Store) -> None:
    await asked(store, "a", follow=True)
    await asked(store, "b", follow=True)
    assert await asked(store, "b", follow=True) == there("b")
    assert await store.check() == []


@pytest.mark.parametrize("how", ["cancel", "remove"])
async def test_who_follows_may_be_taken_away(store: Store, how: str) -> None:
    await asked(store, "a", follow=True)
    await asked(store, "b", follow=True)
    await (store.cancel(["b"]) if how == "cancel" else store.remove(["b"]))
    assert await store.check() == []
    assert await asked(store, "c", follow=True) == made("c")
    await succeed(store, "a")
    assert await claimed(store, limit=5) == ["c"]


async def test_follow_with_replace_rewrites_before_the_start(store: Store) -> None:
    await asked(store, "a", b"1", follow=True, replace=True)
    assert await asked(store, "b", b"2", follow=True, replace=True) == there("a")
    lease = (await hold(store, "a")).lease
    assert await asked(store, "c", b"3", follow=True, replace=True) == made("c")
    await settled(store, Complete(lease=lease, result=b""))
    assert [(one.run_id, one.input) for one in await claim(store, limit=5)] == [("c", b"3")]
    assert (await look(store, "a")).input == b"2"


async def test_follow_in_one_group(store: Store) -> None:
    entered = await put(store, *(keyed(f"r{n}", b"%d" % n, follow=True) for n in range(4)))
    assert entered == [made("r0"), made("r1"), there("r1"), there("r1")]
    assert (await look(store, "r1")).input == b"3"


async def test_a_redrive_is_refused_while_another_stands_or_follows(store: Store) -> None:
    await asked(store, "a", follow=True)
    await asked(store, "b", follow=True)
    await fail(store, "a")
    assert await store.redrive(["a"]) == [Answer.KEY_CONFLICT]
    await store.cancel(["b"])
    assert await store.redrive(["a"]) == [Answer.OK]
    assert await store.check() == []


async def test_it_says_for_whom_it_waits(store: Store) -> None:
    await asked(store, "a", follow=True)
    await asked(store, "b", follow=True)
    await alive(store)
    found = await store.why("b")
    assert found is not None
    assert (found.reason, found.detail) == ("unique", ("a",))


# by hand


async def test_a_run_may_give_up_its_key(store: Store) -> None:
    """B-141: who owns it opens it, nobody else does."""
    await asked(store, "a")
    assert await store.edit("a", Edit(free_key=True)) is Answer.OK
    assert await asked(store, "b") == made("b")
    assert await store.edit("a", Edit(free_key=True)) is Answer.STATE
    assert await asked(store, "c") == there("b")
    assert await store.edit("nobody", Edit(free_key=True)) is Answer.NOT_FOUND


async def test_a_key_that_is_given_up_goes_to_who_waits_for_it(store: Store) -> None:
    await asked(store, "a", follow=True)
    await asked(store, "b", follow=True)
    assert await store.edit("a", Edit(free_key=True)) is Answer.OK
    assert await asked(store, "c", b"9", follow=True) == made("c")
    assert sorted(await claimed(store, limit=5)) == ["a", "b"]
    assert await store.check() == []


async def test_of_many_at_once_one_is_stored_and_one_follows(store: Store) -> None:
    await store.enqueue([Group(runs=(keyed(f"r{n}", follow=True),)) for n in range(9)])
    assert await states(store, *(f"r{n}" for n in range(4))) == [State.QUEUED, State.WAITING, None, None]
    assert await reason(store, "r1") == "unique"
