"""The small parts of the engine: batches, timeouts, the stop flag, patience, counts, the registry."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import Unavailable
from penstock.engine.batcher import BYTES, ITEMS, Batcher
from penstock.engine.handler import Registry
from penstock.engine.identity import new_identity
from penstock.engine.patience import LONGEST, Backoff, repeat
from penstock.engine.stop import Reason, Stop
from penstock.engine.tally import BUCKETS, bucket
from penstock.engine.timeouts import Timeouts
from tests.engine.support import TestHandler
from tests.engine.virtual import now, passes, virtual


class Calls:
    """A call that notes its batches, takes a second, and raises what it is told."""

    def __init__(self, *errors: Exception) -> None:
        self.batches: list[list[int]] = []
        self.errors = list(errors)

    async def __call__(self, items: list[int]) -> list[int]:
        self.batches.append(list(items))
        await asyncio.sleep(1)
        if self.errors:
            raise self.errors.pop(0)
        return [item * 10 for item in items]


def by_count(item: int) -> int:
    return 0


@virtual
async def test_a_lone_item_leaves_at_once_and_others_gather_behind_it() -> None:
    calls = Calls()
    batcher = Batcher[int, int](calls, by_count)
    since = now()
    first = batcher.put(1)
    await passes(0.1)
    rest = [batcher.put(n) for n in (2, 3, 4)]
    assert await first == 10
    assert now() - since == pytest.approx(1)
    assert await asyncio.gather(*rest) == [20, 30, 40]
    assert calls.batches == [[1], [2, 3, 4]]
    await batcher.drained()


@virtual
async def test_a_lone_caller_asks_by_itself_and_others_gather_behind() -> None:
    calls = Calls()
    batcher = Batcher[int, int](calls, by_count)
    first = asyncio.create_task(batcher.ask(1))
    await passes(0.1)
    rest = [asyncio.create_task(batcher.ask(n)) for n in (2, 3)]
    await passes(0.1)
    drained = asyncio.create_task(batcher.drained())
    assert [await first, *await asyncio.gather(*rest)] == [10, 20, 30]
    await drained
    assert now() >= 2
    assert calls.batches == [[1], [2, 3]]


@virtual
async def test_many_callers_keep_together() -> None:
    """One that leaves alone each time would double the calls."""
    calls = Calls()
    batcher = Batcher[int, int](calls, by_count)

    async def caller(number: int) -> None:
        for _ in range(5):
            await batcher.ask(number)

    await asyncio.gather(*map(caller, range(10)))
    assert [len(batch) for batch in calls.batches] == [1, 10, 10, 10, 10, 9]


@virtual
async def test_a_lone_caller_may_give_up_or_fail_and_others_go_on() -> None:
    calls = Calls()
    batcher = Batcher[int, int](calls, by_count)
    first = asyncio.create_task(batcher.ask(1))
    await passes(0.1)
    second = asyncio.create_task(batcher.ask(2))
    await passes(0.1)
    first.cancel()
    assert await second == 20
    calls.errors.append(ValueError("bad"))
    with pytest.raises(ValueError, match="bad"):
        await batcher.ask(3)
    assert await batcher.ask(4) == 40
    await batcher.drained()


@virtual
async def test_batches_are_bounded_in_items_and_bytes() -> None:
    calls = Calls()
    batcher = Batcher[int, int](calls, by_count)
    await asyncio.gather(*(batcher.put(n) for n in range(ITEMS + 1)))
    assert [len(batch) for batch in calls.batches] == [ITEMS, 1]
    calls = Calls()
    batcher = Batcher[int, int](calls, lambda item: item)
    half = BYTES // 2
    await asyncio.gather(*(batcher.put(n) for n in (half, half, 1, 3 * BYTES, 1)))
    assert calls.batches == [[half, half], [1], [3 * BYTES], [1]], "one too large goes alone"


@virtual
async def test_an_error_goes_to_the_items_of_its_call_only() -> None:
    batcher = Batcher[int, int](Calls(ValueError("bad")), by_count)
    first = batcher.put(1)
    await passes(0.1)
    second = batcher.put(2)
    with pytest.raises(ValueError, match="bad"):
        await first
    assert await second == 20


@virtual
async def test_an_unanswered_call_is_repeated_as_it_was() -> None:
    calls = Calls(Unavailable("gone", applied="unknown"), Unavailable("gone", applied="no"))
    trouble: list[bool] = []
    batcher = Batcher[int, int](calls, by_count, trouble=lambda error: trouble.append(error is not None))
    first = batcher.put(1)
    await passes(0.1)
    second = batcher.put(2)
    assert list(await asyncio.gather(first, second)) == [10, 20]
    assert calls.batches == [[1], [1], [1], [2]]
    assert trouble == [True, True, False]


@virtual
async def test_a_call_that_answers_too_little_is_an_error() -> None:
    async def short(items: list[int]) -> list[int]:
        return items[1:]

    with pytest.raises(RuntimeError, match="2 items were answered 1 times"):
        await asyncio.gather(*map(Batcher[int, int](short, by_count).put, (1, 2)))


@virtual
async def test_a_closed_batcher_leaves_nobody_waiting() -> None:
    batcher = Batcher[int, int](Calls(), by_count)
    first = batcher.put(1)
    await passes(0.1)
    second = batcher.put(2)
    await batcher.close()
    assert first.cancelled()
    assert second.cancelled()


@virtual
async def test_an_item_given_up_does_not_spoil_its_batch() -> None:
    batcher = Batcher[int, int](Calls(), by_count)
    first, second = batcher.put(1), batcher.put(2)
    first.cancel()
    assert await second == 20


@virtual
async def test_what_is_no_outage_is_not_repeated() -> None:
    async def broken() -> None:
        raise ValueError("bug")

    with pytest.raises(ValueError, match="bug"):
        await repeat(broken)


def test_waits_grow_with_full_jitter_and_stay_bounded() -> None:
    backoff = Backoff()
    waits: list[list[float]] = []
    for _ in range(50):
        backoff.reset()
        waits.append([backoff.wait() for _ in range(20)])
    assert all(0.1 <= wait <= LONGEST for row in waits for wait in row)
    assert all(row[0] <= 0.2 for row in waits)
    assert len({round(row[10], 6) for row in waits}) > 40


@virtual
async def test_timeouts_fire_once_in_order_and_never_early() -> None:
    fired: list[tuple[str, float]] = []
    timeouts = Timeouts[str](now, lambda key: fired.append((key, now() - since)))
    since = now()
    for key, seconds in (("late", 5.0), ("soon", 0.1), ("dropped", 1.0), ("at once", 0.0), ("moved", 1.0)):
        timeouts.add(key, seconds)
    timeouts.drop("dropped")
    timeouts.drop("unknown")
    timeouts.add("moved", 2.0)
    await passes(10)
    assert [key for key, _ in fired] == ["at once", "soon", "moved", "late"]
    assert all(-1e-6 <= at - due <= 0.05 for (_, at), due in zip(fired, (0, 0.1, 2, 5), strict=True))


@virtual
async def test_many_timeouts_that_are_dropped_leave_nothing_behind() -> None:
    timeouts = Timeouts[int](now, lambda key: pytest.fail(f"{key} fired"))
    for n in range(2000):
        timeouts.add(n, 30.0)
        timeouts.drop(n)
        await passes(0.01)
    await passes(31)
    assert (timeouts._slots, timeouts._slot_of, timeouts._order) == ({}, {}, [])


async def test_the_first_reason_to_stop_stands_and_everybody_hears_it() -> None:
    stop, heard = Stop(), list[str]()
    waiting = asyncio.create_task(stop.wait())
    stop.listen(lambda: heard.append("before"))
    await asyncio.sleep(0)
    assert not stop.requested
    threading.Thread(target=stop.request, args=(Reason.CANCEL,)).start()
    assert await waiting is Reason.CANCEL
    assert not stop.request(Reason.SHUTDOWN)
    stop.listen(lambda: heard.append("after"))
    assert (stop.reason, stop.requested, heard) == (Reason.CANCEL, True, ["before", "after"])
    assert stop.wait_in_thread(0)
    assert await stop.wait() is Reason.CANCEL
    assert not Stop().wait_in_thread(0)


@given(st.floats(min_value=0, max_value=1e9, allow_nan=False))
def test_a_bucket_holds_what_is_not_above_its_bound(seconds: float) -> None:
    index = bucket(seconds)
    milliseconds = seconds * 1000
    assert milliseconds <= 2**index * (1 + 1e-9) + 1e-6 or index == BUCKETS - 1
    assert index == 0 or milliseconds > 2 ** (index - 1) * (1 - 1e-9) - 1e-6


def test_identities_are_never_used_twice() -> None:
    names = {new_identity("mail") for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("mail@") for name in names)


def test_a_registry_finds_handlers_by_task_and_version() -> None:
    old, new = TestHandler(version="1"), TestHandler(version="2", queue="q2")
    plain = TestHandler(task="plain")
    registry = Registry([old, new, plain])
    assert registry.find("job", "1") is old
    assert registry.find("job", "2") is new
    assert registry.find("job") is new, "runs that ask for no version get the latest"
    assert registry.find("job", "3") is None
    assert registry.find("plain", "1") is None
    assert registry.queues == ("default", "q2")
    assert {ability.version for ability in registry.abilities if ability.task == "job"} == {"1", "2"}
    again = TestHandler(version="2", queue="q2")
    registry.add(again)
    assert registry.find("job") is again
    assert sorted(map(id, registry.handlers())) == sorted(map(id, (old, again, plain)))
