"""Races: operations that meet, gathered many times in every order. One of them is first, and all agree which."""

import asyncio
import random
from collections.abc import Awaitable
from typing import Any

import pytest

from penstock.core.answers import Accepted, Answer
from penstock.core.leases import Complete, Fail, Lease, Outcome, Release, Spawn, Suspend
from penstock.core.requests import Edit
from penstock.core.run import ChildOf, Run
from penstock.core.state import State
from penstock.core.views import Filter
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import call, dependency, fire, group, key, limit, new_run, record, refs, schedule, send
from tests.clock import FakeClock
from tests.conformance.acts import (
    UNGUARDED,
    ask,
    claim,
    hold,
    look,
    put,
    settle,
    settled,
    spawn,
    standing,
    state,
    succeed,
    upkeep,
)
from tests.conformance.scenes import LONG

ROUNDS = range(8)
IDLE = Wake(idle=True)


async def meet(seed: int, *meeting: Awaitable[Any]) -> list[Any]:
    """Start all in a shuffled order; the answers come in the order given."""
    order = list(enumerate(meeting))
    random.Random(seed).shuffle(order)
    answers = await asyncio.gather(*(each for _, each in order))
    by_index = dict(zip((index for index, _ in order), answers, strict=True))
    return [by_index[index] for index in range(len(order))]


async def test_two_hundred_children_release_their_parent_once(store: Store) -> None:
    """S0-28, S3-36."""
    children = [dependency(f"c{n}", "p", queue="default") for n in range(200)]
    await put(store, new_run("p", queue="p", wake=IDLE), *children)
    claims = await claim(store, limit=200)
    answers = await meet(1, *(settle(store, Complete(lease=one.lease, result=b"")) for one in claims))
    assert answers == [Answer.OK] * 200
    parent = await look(store, "p")
    assert (parent.state, parent.pending, parent.finishes) == (State.QUEUED, 0, 200)
    await hold(store, "p")


async def test_one_key_is_one_run_whoever_asks(store: Store) -> None:
    """P4 of the reliability notes, S4-11."""
    for seed in ROUNDS:
        asked = [group(new_run(f"{seed}-{n}", key=key(f"k{seed}"))) for n in range(16)]
        answers = await meet(seed, *(store.enqueue([one]) for one in asked))
        entered = [answer[0].runs[0] for answer in answers if isinstance(answer[0], Accepted)]
        assert len(entered) == 16
        assert len({one.id for one in entered}) == 1
        assert sum(one.created for one in entered) == 1


async def test_one_flow_is_stored_once_whoever_asks(store: Store) -> None:
    for seed in ROUNDS:
        root = f"p{seed}"
        flow = group(new_run(root, wake=IDLE), *(dependency(f"{root}-{n}", root) for n in range(3)))
        answers = await meet(seed, *(store.enqueue([flow]) for _ in range(8)))
        created = [one.created for answer in answers for one in answer[0].runs]
        assert created.count(True) == 4
        assert (await look(store, root)).pending == 3


async def test_each_run_goes_to_one_worker(store: Store) -> None:
    """X-01, B-061."""
    await put(store, *(new_run(f"r{n}") for n in range(100)))
    asked = [ask(limit=7, worker=f"w{n}") for n in range(20)]
    answers = await meet(2, *(store.claim(request) for request in asked))
    ids = [one.run_id for answer in answers for one in answer.claims]
    assert sorted(ids) == sorted(f"r{n}" for n in range(100))
    tokens = {(one.run_id, one.lease.token) for answer in answers for one in answer.claims}
    assert len(tokens) == 100


async def test_one_claim_asked_many_times_at_once_is_one_claim(store: Store) -> None:
    await put(store, *(new_run(f"r{n}") for n in range(10)))
    request = ask(limit=3)
    answers = await meet(3, *(store.claim(request) for _ in range(6)))
    assert len({tuple(one.lease for one in answer.claims) for answer in answers}) == 1
    assert len((await store.find(Filter(states=frozenset({State.RUNNING})))).items) == 3


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_cancel_meets_the_end(store: Store, seed: int) -> None:
    """P10: the first decides, and the other is told."""
    await put(store, new_run())
    lease = (await hold(store)).lease
    [cancelled], completed = await meet(seed, store.cancel(["r"]), settle(store, Complete(lease=lease, result=b"done")))
    run = await look(store)
    assert completed == Answer.OK
    if cancelled == Answer.OK:
        assert (run.state, run.result) == (State.CANCELLED, None)
    else:
        assert cancelled == Answer.FINISHED
        assert (run.state, run.result) == (State.SUCCEEDED, b"done")


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_lease_is_settled_once(store: Store, seed: int) -> None:
    await put(store, new_run())
    lease = (await hold(store)).lease
    outcomes: list[Outcome] = [
        Complete(lease=lease, result=b""),
        Fail(lease=lease, error=b""),
        Release(lease=lease),
    ]
    answers = await meet(seed, *(settle(store, outcome) for outcome in outcomes))
    assert sorted(answers) == [Answer.LOST, Answer.LOST, Answer.OK]
    winner = answers.index(Answer.OK)
    expected = (State.SUCCEEDED, State.FAILED, State.QUEUED)[winner]
    assert await state(store) == expected


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_rescue_meets_the_end_and_a_heartbeat(store: Store, clock: FakeClock, seed: int) -> None:
    """P12: what is rescued is what is still lost then."""
    await put(store, new_run())
    lease = (await hold(store, lease=30)).lease
    clock.advance(31)
    tended, completed, [extended] = await meet(
        seed,
        store.tend(100, UNGUARDED),
        settle(store, Complete(lease=lease, result=b"")),
        store.extend([lease], 30),
    )
    run = await look(store)
    if tended.rescued:
        assert (completed, extended, run.state, run.crashes) == (Answer.LOST, Answer.LOST, State.QUEUED, 1)
    else:
        assert (completed, run.state, run.crashes) == (Answer.OK, State.SUCCEEDED, 0)


@pytest.mark.parametrize("seed", ROUNDS)
async def test_whoever_looks_after_lost_runs_each_is_rescued_once(store: Store, clock: FakeClock, seed: int) -> None:
    """S1-20: with two that reconcile no run is queued twice."""
    await put(store, *(new_run(f"r{n}") for n in range(30)))
    lost = await claim(store, limit=20, lease=30)
    clock.advance(31)
    rounds = await meet(seed, *(store.tend(100, UNGUARDED) for _ in range(3)))
    assert sum(one.rescued for one in rounds) == 20
    assert {(await look(store, got.run_id)).crashes for got in lost} == {1}
    again = await claim(store, limit=100)
    assert sorted(got.run_id for got in again) == sorted(f"r{n}" for n in range(30))


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_child_ends_while_its_parent_suspends(store: Store, seed: int) -> None:
    """P7: no wake-up is lost."""
    await put(store, new_run("p", queue="p"))
    parent = (await hold(store, "p")).lease
    await spawn(store, parent, call("a", "p"), call("b", "p"), dependency("d", "p"))
    leases = [(await hold(store, name)).lease for name in "abd"]
    wake = Wake(of=((("a", "b"), 2),))
    await meet(
        seed,
        settled(store, Suspend(lease=parent, wake=wake)),
        *(settled(store, Complete(lease=lease, result=b"")) for lease in leases),
    )
    assert (await look(store, "p")).state == State.QUEUED


@pytest.mark.parametrize("seed", ROUNDS)
async def test_the_last_child_ends_while_its_parent_returns(store: Store, seed: int) -> None:
    await put(store, new_run("p", queue="p"))
    parent = (await hold(store, "p")).lease
    await spawn(store, parent, dependency("a", "p"), dependency("b", "p"))
    leases = [parent, *[(await hold(store, name)).lease for name in "ab"]]
    await meet(seed, *(settled(store, Complete(lease=lease, result=b"done")) for lease in leases))
    run = await look(store, "p")
    assert (run.state, run.result) == (State.SUCCEEDED, b"done")


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_signal_meets_the_suspension(store: Store, seed: int) -> None:
    await put(store, new_run())
    lease = (await hold(store)).lease
    wake = Wake(signals={"go": 1})
    await meet(seed, settled(store, Suspend(lease=lease, wake=wake)), store.signal(send()))
    assert await state(store) == State.QUEUED


@pytest.mark.parametrize("seed", ROUNDS)
async def test_signals_that_start_the_same_run_start_one(store: Store, seed: int) -> None:
    asked = [send(run_id=None, task="t", key="k", start=new_run(f"r{n}", key=key("k"))) for n in range(6)]
    answers = await meet(seed, *(store.signal(one) for one in asked))
    assert {answer for answer, _ in answers} == {Answer.OK}
    [run_id] = {run_id for _, run_id in answers}
    assert [one.seq for one in await store.signals(run_id)] == [1, 2, 3, 4, 5, 6]
    assert len((await store.find(Filter())).items) == 1


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_spawn_meets_a_cancel(store: Store, seed: int) -> None:
    """P11: no orphan goes on, none is counted wrongly."""
    await put(store, new_run("p", queue="p"))
    lease = (await hold(store, "p", lease=LONG)).lease
    runs = (dependency("a", "p"), call("b", "p"))
    [spawned], [cancelled] = await meet(seed, store.spawn([Spawn(lease=lease, runs=runs)]), store.cancel(["p"]))
    assert cancelled == Answer.OK
    await settle(store, Complete(lease=lease, result=b""))
    await upkeep(store)
    left = await store.get(["a", "b"])
    assert (await look(store, "p")).state == State.CANCELLED
    if spawned.answer == Answer.OK:
        assert [run and run.state for run in left] == [State.CANCELLED, State.CANCELLED]
    else:
        assert left == [None, None]


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_failing_child_meets_the_others(store: Store, seed: int) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE), *(dependency(name, "p") for name in "abc"))
    leases = {name: (await hold(store, name, lease=LONG)).lease for name in "abc"}
    await meet(
        seed,
        settled(store, Fail(lease=leases["a"], error=b"boom")),
        settled(store, Complete(lease=leases["b"], result=b"")),
        settled(store, Fail(lease=leases["c"], error=b"bang")),
        upkeep(store),
    )
    await upkeep(store)
    parent = await look(store, "p")
    first = await look(store, parent.cause_id or "")
    assert (parent.state, parent.error) == (State.FAILED, first.error)


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_tick_fires_once_whoever_comes(store: Store, clock: FakeClock, seed: int) -> None:
    """S2-42, S4-46."""
    due = await store.put_schedule(schedule(next_at=clock()))
    ticks = [fire(due, new_run(f"tick{n}"), next_at=clock() + 60) for n in range(8)]
    answers = await meet(seed, *(store.fire(tick) for tick in ticks))
    assert sorted(answers) == [Answer.DUPLICATE] * 7 + [Answer.OK]
    assert len((await store.find(Filter())).items) == 1


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_path_is_recorded_once_whoever_comes(store: Store, seed: int) -> None:
    await put(store, new_run())
    lease = (await hold(store)).lease
    answers = await meet(seed, *(store.record([record(lease, "a", value=bytes([n]))]) for n in range(6)))
    assert sorted(answer[0].answer for answer in answers) == [Answer.DUPLICATE] * 5 + [Answer.OK]
    [kept] = await store.steps("r")
    assert {answer[0].step.value for answer in answers if answer[0].step} <= {kept.value}


@pytest.mark.parametrize("n", [1, 3])
async def test_a_limit_holds_whoever_claims(store: Store, n: int) -> None:
    """S4-36, S4-37, I10 of the reliability notes."""
    await store.put_limit(limit(n=n))
    await put(store, *(new_run(f"r{m}", limits=refs("l")) for m in range(60)))
    done: list[str] = []
    for turn in range(200):
        answers = await meet(turn, *(store.claim(ask(limit=2, worker=f"w{m}")) for m in range(4)))
        held = [one for answer in answers for one in answer.claims]
        assert len(held) == (await standing(store))[0] <= n
        assert held
        done += [one.run_id for one in held]
        await meet(turn, *(settled(store, Complete(lease=one.lease, result=b"")) for one in held))
        if len(done) == 60:
            break
    assert sorted(done) == sorted(f"r{m}" for m in range(60))
    if n == 1:
        assert done == [f"r{m}" for m in range(60)]


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_limit_changes_while_slots_come_and_go(store: Store, seed: int) -> None:
    await store.put_limit(limit(n=2))
    await put(store, *(new_run(f"r{m}", limits=refs("l")) for m in range(8)))
    held = await claim(store, limit=2)
    await meet(
        seed,
        *(settled(store, Complete(lease=one.lease, result=b"")) for one in held),
        store.put_limit(limit(n=3)),
        store.claim(ask(limit=1)),
        store.cancel(["r3"]),
        store.edit("r5", Edit(priority=3)),
    )
    used, out, _ = await standing(store)
    assert used + out >= 3
    assert used <= 3


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_removal_meets_a_claim(store: Store, seed: int) -> None:
    await put(store, new_run())
    [removed], claimed = await meet(seed, store.remove(["r"]), store.claim(ask()))
    if removed == Answer.OK:
        assert claimed.claims == ()
        assert await state(store) is None
    else:
        assert removed == Answer.RUNNING
        assert [one.run_id for one in claimed.claims] == ["r"]


@pytest.mark.parametrize("seed", ROUNDS)
async def test_two_parents_reach_for_one_child(store: Store, seed: int) -> None:
    await put(store, new_run("c"), new_run("p", queue="p"), new_run("q", queue="q"))
    answers = await meet(seed, *(store.attach("c", ChildOf(parent_id=name)) for name in "pq"))
    assert sorted(answers) == [Answer.HAS_PARENT, Answer.OK]
    pending = [run.pending for run in await store.get(["p", "q"]) if isinstance(run, Run)]
    assert sorted(pending) == [0, 1]


@pytest.mark.parametrize("seed", ROUNDS)
async def test_a_redrive_meets_the_release_of_the_parent(store: Store, seed: int) -> None:
    await put(store, new_run("p", queue="p", wake=IDLE), dependency("a", "p"), dependency("b", "p"))
    await succeed(store, "a")
    last = (await hold(store, "b")).lease
    await meet(seed, settled(store, Complete(lease=last, result=b"")), store.redrive(["a"]))
    parent = await look(store, "p")
    assert (parent.state, parent.pending) == (State.WAITING, 1)
    await succeed(store, "a")
    assert await state(store, "p") == State.QUEUED


async def test_everything_at_once_leaves_a_sound_store(store: Store, clock: FakeClock) -> None:
    """Many workers claim, settle, spawn, cancel and tend together; then all is brought to an end."""
    await store.put_limit(limit(n=2))
    dice = random.Random(11)
    for n in range(30):
        await put(
            store,
            new_run(f"p{n}", wake=IDLE),
            *(dependency(f"c{n}-{m}", f"p{n}", queue="default", limits=refs("l")) for m in range(2)),
        )

    async def end(lease: Lease) -> None:
        outcome: Outcome = Complete(lease=lease, result=b"")
        if dice.random() < 0.4:
            outcome = dice.choice((Release(lease=lease), Fail(lease=lease, error=b"boom")))
        await store.settle([outcome])

    for turn in range(60):
        answers = await asyncio.gather(*(store.claim(ask(limit=3, worker=f"w{m}")) for m in range(4)))
        leases = [one.lease for answer in answers for one in answer.claims]
        others = [store.tend(50, UNGUARDED), store.cancel([f"p{turn}"]), store.redrive([f"c{turn}-0"])]
        await asyncio.gather(*(end(lease) for lease in leases), *others)
        assert await store.check() == []
        clock.advance(1)
    await upkeep(store)
    for run in (await store.find(Filter(), limit=1000)).items:
        assert run.pending >= 0
