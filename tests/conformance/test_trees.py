"""Trees: who can't be put where, open flows from inside, roots, and subtrees too large to move."""

import pytest

from penstock.core.answers import Accepted, Answer, Refused
from penstock.core.leases import Complete, Spawn
from penstock.core.requests import Group
from penstock.core.run import Cause, ChildOf, Kind, NewRun, Siblings
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import call, dependency, group, key, limit, new_run, refs, send, started
from tests.clock import FakeClock
from tests.conformance.acts import (
    fail,
    hold,
    later,
    look,
    put,
    reason,
    refused,
    settled,
    spawn,
    state,
    states,
    succeed,
    upkeep,
)
from tests.conformance.scenes import LONG

IDLE = Wake(idle=True)


async def answer_to(store: Store, asked: Group) -> Answer:
    [answer] = await store.enqueue([asked])
    return Answer.OK if isinstance(answer, Accepted) else answer.answer


async def an_open_flow(store: Store) -> None:
    flow = group(new_run("p", queue="p", wake=IDLE), dependency("c", "p"), flow="p", opens=True)
    assert await answer_to(store, flow) == Answer.OK


async def test_a_circle_is_no_tree(store: Store) -> None:
    await put(store, new_run("a", wake=IDLE), new_run("b", wake=IDLE))
    answer = await refused(store, dependency("a", "b"), dependency("b", "a"))
    assert answer.answer == Answer.CYCLE
    assert (await look(store, "a")).parent_id is None


async def test_a_group_says_to_which_flow_it_belongs(store: Store) -> None:
    assert await answer_to(store, group(new_run("a"), opens=True)) == Answer.INVALID
    assert await answer_to(store, group(new_run("a"), flow="b", opens=True)) == Answer.INVALID
    assert await answer_to(store, group(new_run("a"), flow="b")) == Answer.NOT_FOUND
    assert await answer_to(store, group(closes=True)) == Answer.INVALID
    assert await state(store, "a") is None


async def test_a_closed_flow_takes_no_more_groups(store: Store) -> None:
    await an_open_flow(store)
    assert await answer_to(store, group(flow="p", closes=True)) == Answer.OK
    assert await answer_to(store, group(dependency("late", "p"), flow="p")) == Answer.STATE
    assert await answer_to(store, group(dependency("c", "p"), flow="p", closes=True)) == Answer.OK
    assert await state(store, "late") is None


async def test_the_root_of_an_open_flow_has_no_key(store: Store) -> None:
    """It is a node with children, known to the store or not yet."""
    await put(store, new_run("known", key=key("k")))
    for name in ("k", "fresh"):
        asked = group(new_run("p", wake=IDLE, key=key(name)), flow="p", opens=True)
        assert await answer_to(store, asked) == Answer.INVALID
    assert await state(store, "p") is None


async def test_a_node_of_an_open_flow_stays_where_it_is(store: Store) -> None:
    await an_open_flow(store)
    await put(store, new_run("other", queue="other", wake=Wake(signals={"go": 1})))
    assert await store.detach("c") == Answer.STATE
    assert await store.remove(["p"], children=False) == [Answer.STATE]
    assert await store.attach("p", ChildOf(parent_id="other")) == Answer.STATE
    assert (await look(store, "c")).parent_id == "p"


async def test_an_open_flow_may_be_cancelled(store: Store) -> None:
    """As after an error on the way."""
    await an_open_flow(store)
    await store.cancel(["p"])
    await upkeep(store)
    assert await states(store, "p", "c") == [State.CANCELLED, State.CANCELLED]
    assert await answer_to(store, group(dependency("d", "p"), flow="p", closes=True)) != Answer.OK
    assert await state(store, "d") is None


async def test_an_open_flow_may_be_removed_whole(store: Store) -> None:
    await an_open_flow(store)
    assert await store.remove(["p"]) == [Answer.OK]
    await upkeep(store)
    assert await states(store, "p", "c") == [None, None]


async def test_what_happens_to_a_node_of_an_open_flow_waits_for_the_close(store: Store) -> None:
    """Signals, and children that have ended already, are kept; nothing starts."""
    await put(store, new_run("done", queue="done"))
    await succeed(store, "done")
    flow = group(
        new_run("p", queue="p", wake=IDLE),
        dependency("done", "p"),
        dependency("s", "p", wake=Wake(signals={"go": 1})),
        flow="p",
        opens=True,
    )
    assert await answer_to(store, flow) == Answer.OK
    await store.signal(send(run_id="s"))
    assert await states(store, "p", "s") == [State.WAITING, State.WAITING]
    await answer_to(store, group(flow="p", closes=True))
    await upkeep(store)
    assert await states(store, "p", "s") == [State.WAITING, State.QUEUED]
    await succeed(store, "s")
    assert await state(store, "p") == State.QUEUED


async def test_an_open_parent_of_finished_children_is_released_by_the_close(store: Store) -> None:
    await put(store, new_run("done", queue="done"))
    await succeed(store, "done")
    await answer_to(store, group(new_run("p", wake=IDLE), dependency("done", "p"), flow="p", opens=True))
    await upkeep(store)
    assert await reason(store, "p") == "open"
    await answer_to(store, group(flow="p", closes=True))
    await upkeep(store)
    assert await state(store, "p") == State.QUEUED


async def test_a_failed_child_fails_an_open_flow(store: Store) -> None:
    await put(store, new_run("bad", queue="bad"))
    await fail(store, "bad")
    await answer_to(
        store, group(new_run("p", wake=IDLE), dependency("c", "p"), dependency("bad", "p"), flow="p", opens=True)
    )
    await upkeep(store)
    parent = await look(store, "p")
    assert (parent.state, parent.cause_id) == (State.FAILED, "bad")
    assert await state(store, "c") == State.CANCELLED


async def a_wide_tree(store: Store, width: int) -> None:
    many = [dependency(f"c{n}", "p", queue="default") for n in range(width)]
    await put(store, new_run("top", wake=IDLE), dependency("p", "top", wake=IDLE), *many[:990])
    await put(store, *many[990:])


async def test_a_tree_of_a_thousand_moves_and_a_larger_one_does_not(store: Store) -> None:
    await a_wide_tree(store, 1000)
    await put(store, new_run("q", wake=Wake(signals={"go": 1})))
    assert await store.detach("p") == Answer.BIG
    assert await store.remove(["p"], children=False) == [Answer.BIG]
    await store.remove(["c0"])
    assert await store.detach("p") == Answer.OK
    assert await store.attach("p", ChildOf(parent_id="q")) == Answer.OK
    assert [run and run.root_id for run in await store.get(["p", "c1", "c999"])] == ["q", "q", "q"]
    assert await state(store, "top") == State.QUEUED


async def test_only_dependencies_are_attached(store: Store) -> None:
    await put(store, new_run("p", wake=IDLE), new_run("c"), new_run("keyed", key=key("k")))
    for kind in (Kind.CALL, Kind.STARTED):
        assert await store.attach("c", ChildOf(parent_id="p", kind=kind)) == Answer.INVALID
    assert await store.attach("keyed", ChildOf(parent_id="p")) == Answer.INVALID
    assert (await look(store, "c")).parent_id is None


async def test_nothing_is_attached_below_a_cancel(store: Store) -> None:
    await put(store, new_run("p", queue="p"), new_run("c"))
    await hold(store, "p")
    await store.cancel(["p"])
    assert await store.attach("c", ChildOf(parent_id="p")) == Answer.CASCADING
    assert (await look(store, "c")).parent_id is None


async def test_a_slot_held_above_keeps_an_attached_run_away(store: Store) -> None:
    await store.put_limit(limit(hold=True))
    await put(store, new_run("p", queue="p", limits=refs("l")), new_run("c", queue="c", limits=refs("l")))
    await hold(store, "p")
    assert await store.attach("c", ChildOf(parent_id="p")) == Answer.HELD


async def test_a_call_may_not_be_detached(store: Store) -> None:
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p")
    await spawn(store, got.lease, call("c", "p"))
    assert await store.detach("c") == Answer.STATE


async def test_the_id_of_a_call_is_its_own(store: Store) -> None:
    """A call never takes over a run of somebody else."""
    await put(store, new_run("p", queue="p"), new_run("c"))
    got = await hold(store, "p")
    [answer] = await store.spawn([Spawn(lease=got.lease, runs=(call("c", "p"),))])
    assert answer.answer == Answer.HAS_PARENT
    assert (await look(store, "c")).parent_id is None


async def test_removing_a_parent_alone_spares_what_it_started(store: Store) -> None:
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, started("s", "p"), dependency("d", "p"))
    assert await store.remove(["p"], children=False) == [Answer.RUNNING]
    await settled(store, Complete(lease=got.lease, result=b""))
    await upkeep(store)
    assert await store.remove(["p"], children=False) == [Answer.OK]
    assert await states(store, "p", "s", "d") == [None, State.QUEUED, State.QUEUED]
    assert [run and run.parent_id for run in await store.get(["s", "d"])] == [None, None]


async def test_redrive_takes_its_key_again_or_is_refused(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("a", key=key("k", ttl=10)))
    await fail(store, "a")
    await later(store, clock, 11)
    await put(store, new_run("b", key=key("k", ttl=10)))
    assert await store.redrive(["a"]) == [Answer.KEY_CONFLICT]
    await store.remove(["b"])
    assert await store.redrive(["a"]) == [Answer.OK]
    entered = await put(store, new_run("c", key=key("k")))
    assert [(one.id, one.created) for one in entered] == [("a", False)]


async def test_a_signal_to_a_purged_run_s_key_starts_nothing(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("a", key=key("k", ttl=9 * 86_400.0)))
    await succeed(store, "a")
    await later(store, clock, 2 * 86_400.0)
    start = new_run("b", key=key("k"))
    assert await store.signal(send(run_id=None, task="t", key="k", start=start)) == (Answer.FINISHED, "a")
    assert await state(store, "b") is None


@pytest.mark.parametrize("siblings", Siblings)
async def test_a_cancel_reaches_dependencies_whatever_siblings_are(store: Store, siblings: Siblings) -> None:
    await put(store, new_run("p", wake=IDLE, siblings=siblings), dependency("c", "p"))
    await store.cancel(["p"])
    await upkeep(store)
    child = await look(store, "c")
    assert (child.state, child.cause) == (State.CANCELLED, Cause.PARENT)


async def test_a_refusal_stores_nothing_of_a_large_group(store: Store) -> None:
    runs: list[NewRun] = [new_run(f"r{n}") for n in range(999)]
    [answer] = await store.enqueue([group(*runs, dependency("bad", "nobody"))])
    assert isinstance(answer, Refused)
    assert answer.index == 999
    assert await store.counts() == []
