"""Flows that travel in several groups: below others, from a running run, and those that are never closed."""

from penstock.core.answers import Accepted, Answer
from penstock.core.leases import Complete, Lease, Spawn
from penstock.core.requests import Group
from penstock.core.run import Cause, NewRun
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import dependency, group, new_run, started
from tests.clock import FakeClock
from tests.conformance.acts import hold, look, put, state, states, succeed, upkeep

IDLE = Wake(idle=True)
GO = Wake(signals={"go": 1})
LATE = 31.0  # seconds, after which a lease is lost
PATIENCE = 601.0  # seconds, after which a flow that nobody closes is given up


async def answer_to(store: Store, asked: Group) -> Answer:
    [answer] = await store.enqueue([asked])
    return Answer.OK if isinstance(answer, Accepted) else answer.answer


async def portion(store: Store, lease: Lease, *runs: NewRun, opens: bool = False, closes: bool = False) -> Answer:
    """Some of the flow `p` of a held run."""
    [answer] = await store.spawn([Spawn(lease=lease, runs=runs, flow="p", opens=opens, closes=closes)])
    return answer.answer


async def test_a_flow_below_a_waiting_run_is_let_in_when_it_is_closed(store: Store) -> None:
    """And no other that stands open below the same run."""
    await put(store, new_run("top", wake=GO))
    for root, leaf in (("p", "c"), ("q", "d")):
        first = group(dependency(root, "top", wake=IDLE), dependency(leaf, root), flow=root, opens=True)
        assert await answer_to(store, first) == Answer.OK
    assert await answer_to(store, group(dependency("e", "p"), flow="p", closes=True)) == Answer.OK
    await upkeep(store)
    assert await states(store, "p", "c", "e") == [State.WAITING, State.QUEUED, State.QUEUED]
    assert await states(store, "q", "d") == [State.WAITING, State.WAITING]
    await succeed(store, "c")
    await succeed(store, "e")
    assert await state(store, "p") == State.QUEUED
    await answer_to(store, group(flow="q", closes=True))
    await upkeep(store)
    assert await states(store, "q", "d") == [State.WAITING, State.QUEUED]


async def test_a_running_run_adds_a_flow_in_groups(store: Store) -> None:
    """None of it is ready before it is whole; then the run waits for it."""
    await put(store, new_run("r", queue="r"))
    lease = (await hold(store, "r")).lease
    opening = (dependency("p", "r", wake=IDLE), dependency("m", "p", wake=IDLE))
    for _ in range(2):  # asked twice, it does once
        assert await portion(store, lease, *opening, opens=True) == Answer.OK
        assert await portion(store, lease, dependency("c", "m"), dependency("d", "p")) == Answer.OK
    await upkeep(store)
    assert (await look(store, "r")).pending == 1
    assert await states(store, "p", "m", "c", "d") == [State.WAITING] * 4
    for _ in range(2):
        assert await portion(store, lease, dependency("e", "p"), closes=True) == Answer.OK
    await upkeep(store)
    assert await portion(store, lease, dependency("e", "p"), closes=True) == Answer.OK
    assert await states(store, "p", "m", "c", "d", "e") == [State.WAITING] * 2 + [State.QUEUED] * 3
    assert (await look(store, "c")).root_id == "r"
    assert await store.settle([Complete(lease=lease, result=b"1")]) == [Answer.OK]
    for one in ("c", "d", "e", "m", "p"):
        assert await state(store, "r") == State.WAITING
        await succeed(store, one)
    assert await state(store, "r") == State.SUCCEEDED


async def test_a_running_run_starts_a_flow_in_groups(store: Store) -> None:
    """It is a tree of its own, and nobody waits for it."""
    await put(store, new_run("r", queue="r"))
    lease = (await hold(store, "r")).lease
    assert await portion(store, lease, started("p", "r", wake=IDLE), dependency("c", "p"), opens=True) == Answer.OK
    assert await portion(store, lease, dependency("d", "p"), closes=True) == Answer.OK
    assert await store.settle([Complete(lease=lease, result=b"1")]) == [Answer.OK]
    assert await state(store, "r") == State.SUCCEEDED
    await upkeep(store)
    assert await states(store, "p", "c", "d") == [State.WAITING, State.QUEUED, State.QUEUED]
    assert (await look(store, "c")).root_id == "p"


async def test_a_flow_takes_groups_from_its_holder_alone(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("r", queue="r"), new_run("other", queue="other"), new_run("x", wake=GO))
    lease, other = (await hold(store, "r")).lease, (await hold(store, "other")).lease
    assert await portion(store, lease, dependency("p", "r", wake=IDLE), opens=True) == Answer.OK
    assert await portion(store, other, dependency("c", "p")) == Answer.INVALID
    assert await portion(store, lease, dependency("c", "x")) == Answer.INVALID
    assert await portion(store, lease, dependency("c", "p"), opens=True) == Answer.INVALID
    clock.advance(LATE)
    await upkeep(store)
    assert await portion(store, lease, dependency("c", "p"), closes=True) == Answer.LOST
    assert await state(store, "c") is None
    again = (await hold(store, "r")).lease
    assert await portion(store, again, dependency("c", "p"), closes=True) == Answer.OK
    await upkeep(store)
    assert await state(store, "c") == State.QUEUED


async def test_a_flow_that_nobody_closes_is_given_up_as_if_it_had_never_been(store: Store, clock: FakeClock) -> None:
    """The next attempt of the run that it was for has another."""
    await put(store, new_run("r", queue="r"))
    lease = (await hold(store, "r")).lease
    assert await portion(store, lease, dependency("p", "r", wake=IDLE), dependency("c", "p"), opens=True) == Answer.OK
    clock.advance(LATE)
    await upkeep(store)
    again = (await hold(store, "r", lease=PATIENCE * 3)).lease
    clock.advance(PATIENCE)
    await upkeep(store)
    root = await look(store, "p")
    assert (root.state, root.cause) == (State.CANCELLED, Cause.ABANDONED)
    assert await state(store, "c") == State.CANCELLED
    assert (await look(store, "r")).pending == 0
    assert (await store.children("r", limit=10)).items == ()
    assert await store.settle([Complete(lease=again, result=b"1")]) == [Answer.OK]
    assert await state(store, "r") == State.SUCCEEDED


async def test_a_flow_below_a_waiting_run_that_is_given_up_is_no_bad_end(store: Store) -> None:
    await put(store, new_run("top", wake=IDLE), dependency("other", "top"))
    await answer_to(store, group(dependency("p", "top", wake=IDLE), dependency("c", "p"), flow="p", opens=True))
    await store.cancel(["p"])
    await upkeep(store)
    assert await states(store, "p", "c", "top") == [State.CANCELLED, State.CANCELLED, State.WAITING]
    await succeed(store, "other")
    assert await state(store, "top") == State.QUEUED
