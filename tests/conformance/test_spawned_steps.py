"""A step that is written with the children it leads to: both or neither, and once. And what children are called."""

from penstock.core.answers import Answer
from penstock.core.leases import Claim, Lease, Spawn, Suspend
from penstock.core.run import ChildOf, Kind
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import call, new_run, record, step
from tests.clock import FakeClock
from tests.conformance.acts import claimed, hold, look, put, settled
from tests.conformance.scenes import LONG


async def held(store: Store, run_id: str = "p") -> Claim:
    await put(store, new_run(run_id))
    return await hold(store, run_id, lease=LONG)


async def test_a_step_and_its_children_are_stored_together(store: Store, clock: FakeClock) -> None:
    got = await held(store)
    child = call("c", "p")
    [answer] = await store.spawn([Spawn(lease=got.lease, runs=(child,), step=step("a", b"why", child_id="c"))])
    assert (answer.answer, [one.created for one in answer.runs]) == (Answer.OK, [True])
    [kept] = await store.steps("p")
    assert (kept.path, kept.value, kept.child_id, kept.recorded_at) == ("a", b"why", "c", clock())
    await settled(store, Suspend(lease=got.lease, wake=Wake(at=clock())))
    assert (await hold(store, "p")).recorded


async def test_a_path_that_is_taken_spawns_nothing(store: Store) -> None:
    """As after a lost answer, or by whoever has planned something else from there."""
    got = await held(store)
    first = Spawn(lease=got.lease, runs=(call("c", "p"),), step=step("a", b"first"))
    await store.spawn([first])
    other = Spawn(lease=got.lease, runs=(call("d", "p"),), step=step("a", b"second"))
    for again in (first, other):
        [answer] = await store.spawn([again])
        assert answer.answer == Answer.DUPLICATE
        assert answer.step is not None
        assert answer.step.value == b"first"
    assert [one is not None for one in await store.get(["c", "d"])] == [True, False]
    await store.record([record(got.lease, "b")])
    [answer] = await store.spawn([Spawn(lease=got.lease, runs=(call("d", "p"),), step=step("b"))])
    assert answer.answer == Answer.DUPLICATE
    assert len(await store.steps("p")) == 2


async def test_children_that_are_refused_leave_no_step(store: Store) -> None:
    got = await held(store)
    foreign = Spawn(lease=got.lease, runs=(call("c", "p"), call("d", "other")), step=step("a"))
    stale = Spawn(lease=Lease(run_id="p", token="0" * len(got.lease.token)), runs=(call("c", "p"),), step=step("a"))
    answers = await store.spawn([foreign, stale])
    assert [one.answer for one in answers] == [Answer.INVALID, Answer.LOST]
    await store.cancel(["p"])
    [answer] = await store.spawn([Spawn(lease=got.lease, runs=(call("c", "p"),), step=step("a"))])
    assert answer.answer == Answer.CASCADING
    assert await store.steps("p") == []
    assert await store.get(["c", "d"]) == [None, None]


async def test_children_of_others_leave_no_step(store: Store) -> None:
    """That one of them is somebody else's is found when the group is entered."""
    p, q = await held(store), await held(store, "q")
    [theirs] = await store.spawn([Spawn(lease=q.lease, runs=(call("c", "q"),))])
    assert theirs.answer == Answer.OK
    [answer] = await store.spawn([Spawn(lease=p.lease, runs=(call("b", "p"), call("c", "p")), step=step("a"))])
    assert answer.answer not in {Answer.OK, Answer.DUPLICATE}
    assert await store.steps("p") == []
    assert await store.get(["b"]) == [None]


async def test_many_spawns_in_one_call_have_a_step_each(store: Store) -> None:
    p, q = await held(store), await held(store, "q")
    answers = await store.spawn(
        [
            Spawn(lease=p.lease, runs=(call("c", "p"),), step=step("a", b"of p")),
            Spawn(lease=q.lease, runs=(call("d", "q"), call("e", "q"))),
            Spawn(lease=q.lease, runs=(call("f", "q"),), step=step("a", b"of q", input_hash=b"hash")),
            Spawn(lease=p.lease, runs=(call("g", "p"),), step=step("a", b"too late")),
        ]
    )
    assert [one.answer for one in answers] == [Answer.OK, Answer.OK, Answer.OK, Answer.DUPLICATE]
    assert answers[3].step is not None
    assert answers[3].step.value == b"of p"
    assert [(one.value, one.input_hash) for one in await store.steps("q")] == [(b"of q", b"hash")]
    assert [one is not None for one in await store.get(list("cdefg"))] == [True, True, True, True, False]


async def test_each_of_many_children_keeps_its_name(store: Store) -> None:
    """Also of those that come beside some that are there."""
    got = await held(store)
    names = {f"c{n}": ("" if n % 7 == 0 else f"node {n}" * (1 + n % 3)) for n in range(40)}

    runs = [
        new_run(one, parent=ChildOf(parent_id="p", kind=Kind.CALL, name=name), queue="nodes", priority=n % 2)
        for n, (one, name) in enumerate(names.items())
    ]
    await store.spawn([Spawn(lease=got.lease, runs=tuple(runs[:30]), step=step("a"))])
    await store.spawn([Spawn(lease=got.lease, runs=tuple(runs[25:]))])
    found = [one for one in await store.get(list(names)) if one is not None]
    assert {one.id: one.name for one in found} == names
    assert set(await claimed(store, 100, queues=("nodes",))) == set(names)
    page = await store.children("p", limit=100)
    assert [one.name for one in page.items] == list(names.values())
    assert (await look(store, "p")).pending == 0
