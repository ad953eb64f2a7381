"""Who leaves its place in a queue leaves nothing there; and who asks with a made-up lease ends nothing."""

from penstock.core.answers import Accepted, Answer, Entered, Refused
from penstock.core.leases import Complete, Lease
from penstock.core.run import Keep
from penstock.core.state import State
from penstock.ports.store import Store
from tests.builders import group, new_run
from tests.clock import FakeClock
from tests.conformance.acts import claimed, hold, later, look, put, settle, states, succeed, upkeep


async def test_what_is_put_off_stands_behind_who_came_meanwhile(store: Store, clock: FakeClock) -> None:
    """It has left its place, and nothing of it is left there."""
    await put(store, new_run("a"), new_run("b"))
    await store.reschedule("a", delay=5)
    await later(store, clock, 6)
    assert await claimed(store, 1) == ["b"]
    assert await claimed(store, 5) == ["a"]


async def test_who_is_cancelled_is_passed_over(store: Store) -> None:
    await put(store, *[new_run(f"r{n}") for n in range(4)])
    await store.cancel(["r0", "r2"])
    await store.remove(["r0"])
    await put(store, new_run("r0"))
    assert await claimed(store, 5) == ["r1", "r3", "r0"]


async def test_a_lease_that_nobody_gave_ends_nothing(store: Store) -> None:
    """Also of a run that nothing has happened to yet."""
    await put(store, new_run())
    assert await settle(store, Complete(lease=Lease(run_id="r", token="x"), result=b"")) == Answer.LOST
    got = await hold(store)
    for token in ("x", "", got.lease.token + "x", got.lease.token[:-1]):
        assert await settle(store, Complete(lease=Lease(run_id="r", token=token), result=b"")) == Answer.LOST
    assert (await look(store)).state == State.RUNNING


async def test_each_goes_when_its_own_time_is_over(store: Store, clock: FakeClock) -> None:
    for name in ("a", "b"):
        await put(store, new_run(name, keep=Keep(succeeded=100.0)))
        await succeed(store, name)
        clock.advance(60)
    await upkeep(store)
    assert await states(store, "a", "b") == [None, State.SUCCEEDED]
    await later(store, clock, 50)
    assert await states(store, "a", "b") == [None, None]


async def test_a_batch_that_is_repeated_is_stored_once(store: Store) -> None:
    """Its answer was lost: what it has stored is known, what has become of that stands, the rest is stored now."""
    first = [group(new_run("a", input=b"1")), group(new_run("b"), new_run("c"))]
    assert [one.created for answer in await store.enqueue(first) for one in entered(answer)] == [True] * 3
    await succeed(store, "a")
    again = [group(new_run("a", input=b"2")), *first[1:], group(new_run("d"))]
    assert [one.created for answer in await store.enqueue(again) for one in entered(answer)] == [False] * 3 + [True]
    assert (await look(store, "a")).state == State.SUCCEEDED
    assert (await look(store, "a")).input == b"1"
    assert await claimed(store, 9) == ["b", "c", "d"]


def entered(answer: Accepted | Refused) -> tuple[Entered, ...]:
    assert isinstance(answer, Accepted)
    return answer.runs
