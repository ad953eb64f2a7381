"""A run's log: its numbers only grow, its lines bear the moments of what they tell, and it rings for who follows it."""

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Append, Release, Retry
from penstock.core.views import LogEntry
from penstock.ports.doorbell import log_topic
from penstock.ports.store import Store
from tests.builders import new_run, record
from tests.clock import FakeClock
from tests.conformance.acts import claim, fail, hold, later, put, retry, settled, succeed
from tests.conformance.test_doorbell import heard


async def told(store: Store, after: int = 0) -> list[tuple[int, str]]:
    return [(line.seq, line.kind) for line in await store.log("r", after=after)]


async def numbered(store: Store, *kinds: str) -> list[int]:
    return [line.attempt for line in await store.log("r") if line.kind in kinds]


async def moments(store: Store, kind: str) -> list[float]:
    lines: list[LogEntry] = await store.log("r")
    return [line.at for line in lines if line.kind == kind]


async def test_a_later_life_tells_of_its_claim_with_a_number_of_its_own(store: Store) -> None:
    """S2-31: who has read the end of one life goes on after it, and misses nothing of the next."""
    await put(store, new_run())
    await fail(store)
    await store.redrive(["r"])
    seen = await told(store)
    await retry(store, delay=0)
    await succeed(store)
    assert await told(store, after=seen[-1][0]) == [(6, "claimed"), (7, "attempt"), (8, "finished")]
    assert [number for number, _ in await told(store)] == list(range(1, 9))


async def test_a_run_that_is_claimed_in_its_second_life_only_tells_so_then(store: Store) -> None:
    await put(store, new_run())
    await store.cancel(["r"])
    assert await told(store) == [(1, "enqueued"), (3, "finished")]
    await store.redrive(["r"])
    await hold(store)
    assert await told(store) == [(1, "enqueued"), (3, "finished"), (4, "redriven"), (5, "claimed")]


async def test_the_end_of_an_earlier_life_keeps_its_moment(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    await later(store, clock, 1)
    await fail(store)
    [first] = await moments(store, "finished")
    await later(store, clock, 60)
    await store.redrive(["r"])
    assert await moments(store, "finished") == [first]
    assert await moments(store, "redriven") == [first + 60]


@pytest.mark.parametrize(
    ("end", "attempts"), [("at first", 1), ("after one", 2), ("failed", 2), ("cancelled", 1), ("never begun", 0)]
)
async def test_the_end_says_how_many_attempts_there_were(store: Store, end: str, attempts: int) -> None:
    await put(store, new_run())
    if end in {"after one", "failed", "cancelled"}:
        await retry(store, delay=0)
    if end == "failed":
        await fail(store)
    elif end in {"cancelled", "never begun"}:
        await store.cancel(["r"])
    else:
        await succeed(store)
    assert await numbered(store, "finished") == [attempts]
    await store.redrive(["r"])
    assert await numbered(store, "finished", "redriven") == [attempts, attempts]


async def test_a_line_says_in_which_attempt_it_was_said(store: Store) -> None:
    await put(store, new_run())
    for _ in range(2):
        held = await hold(store)
        assert await store.append([Append(lease=held.lease, kind="log", data=b"x")]) == [Answer.OK]
        await settled(store, Retry(lease=held.lease, delay=0, error=b"boom"))
    assert await numbered(store, "log", "attempt") == [1, 1, 2, 2]


@pytest.mark.parametrize("what", ["claim", "line", "retry", "release", "crash", "claim of a later life", "step"])
async def test_what_a_followed_log_tells_rings(store: Store, clock: FakeClock, what: str) -> None:
    """S2-29, S2-30: nobody has to look now and then."""
    await put(store, new_run())
    if what == "claim of a later life":
        await fail(store)
        await store.redrive(["r"])
    held = None if what.startswith("claim") else await hold(store)
    ear = store.doorbell.listen([log_topic("r")])
    await store.watch(["r"], log=True)
    while await ear.wait(0.3):
        pass  # what says only that listening has begun
    if held is None:
        assert await claim(store)
    elif what == "line":
        assert await store.append([Append(lease=held.lease, kind="log", data=b"x")]) == [Answer.OK]
    elif what == "step":
        [recorded] = await store.record([record(held.lease, "a")])
        assert recorded.answer is Answer.OK
    elif what == "retry":
        await settled(store, Retry(lease=held.lease, delay=10, error=b"boom"))
    elif what == "release":
        await settled(store, Release(lease=held.lease))
    else:
        await later(store, clock, 31)
    await heard(ear, log_topic("r"))
    ear.close()
