"""Enqueue: groups whole or not at all, ids, keys, bounds, existing runs, open flows."""

import pytest

from penstock.core.answers import Accepted, Answer, Entered
from penstock.core.run import Cause, Key, Kind, NewRun
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import call, dependency, group, key, new_run, started
from tests.clock import FakeClock
from tests.conformance.acts import (
    claimed,
    fail,
    hold,
    later,
    look,
    put,
    reason,
    refused,
    state,
    states,
    succeed,
    upkeep,
)

IDLE = Wake(idle=True)
DAY = 86_400.0


async def test_a_run_is_stored_as_asked(store: Store, clock: FakeClock) -> None:
    asked = new_run(
        "shop/order-1", queue="mail", version="2", input=b"\x00\xff", options=b"{}", priority=-5, tags=("a", "b")
    )
    assert await put(store, asked) == [Entered(id="shop/order-1", created=True)]
    run = await look(store, "shop/order-1")
    assert (run.task, run.queue, run.version, run.input, run.options) == ("t", "mail", "2", b"\x00\xff", b"{}")
    assert (run.priority, run.tags, run.state, run.life, run.history) == (-5, ("a", "b"), State.QUEUED, 1, 0)
    assert (run.enqueued_at, run.since_at, run.parent_id, run.root_id) == (clock(), clock(), None, None)


async def test_a_delay_counts_from_now_and_a_moment_stands(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("a", delay=30), new_run("b", at=clock() + 40))
    assert (await look(store, "a")).due_at == clock() + 30
    assert (await look(store, "b")).due_at == clock() + 40
    assert await states(store, "a", "b") == [State.SCHEDULED, State.SCHEDULED]


@pytest.mark.parametrize("delay", [0.0, -5.0])
async def test_a_delay_that_is_over_is_none(store: Store, delay: float) -> None:
    """B-110, S4-10."""
    await put(store, new_run(delay=delay))
    assert await state(store) == State.QUEUED


async def test_a_moment_in_the_past_is_now(store: Store, clock: FakeClock) -> None:
    """S4-10."""
    await put(store, new_run(at=clock() - 1))
    assert await state(store) == State.QUEUED


async def test_the_far_future_is_kept(store: Store, clock: FakeClock) -> None:
    """B-114."""
    year_9999 = 253_370_764_800.0
    await put(store, new_run(at=year_9999))
    await later(store, clock, 30 * 365 * DAY)
    assert (await look(store)).due_at == year_9999


async def test_an_id_stands_for_one_run(store: Store) -> None:
    """S0-57, S2-13, B-170."""
    await put(store, new_run(input=b"first"))
    assert await put(store, new_run(input=b"second", priority=3)) == [Entered(id="r", created=False)]
    run = await look(store)
    assert (run.input, run.priority) == (b"first", 0)
    assert await claimed(store, limit=10) == ["r"]


async def test_repeating_a_flow_completes_nothing_twice(store: Store) -> None:
    flow = [new_run("p", wake=IDLE), dependency("c", "p"), dependency("d", "p")]
    await put(store, *flow)
    await succeed(store, "c")
    before = await store.get(["p", "c", "d"])
    entered = await put(store, *flow)
    assert [one.created for one in entered] == [False, False, False]
    assert await store.get(["p", "c", "d"]) == before


async def test_a_group_is_all_or_nothing(store: Store) -> None:
    """S3-06, S3-07."""
    answer = await refused(store, new_run("a"), dependency("b", "nobody"), new_run("c"))
    assert (answer.answer, answer.index) == (Answer.NOT_FOUND, 1)
    assert await store.get(["a", "b", "c"]) == [None, None, None]


async def test_a_group_of_a_thousand_is_taken_and_one_more_is_not(store: Store) -> None:
    many = [new_run(f"r{n}") for n in range(1001)]
    assert (await refused(store, *many)).answer == Answer.BIG
    assert len(await put(store, *many[:1000])) == 1000
    assert await states(store, "r0", "r999", "r1000") == [State.QUEUED, State.QUEUED, None]


async def test_a_group_above_four_mebibytes_is_refused(store: Store) -> None:
    mebibyte = b"x" * 1024 * 1024
    large = [new_run(f"r{n}", input=mebibyte) for n in range(5)]
    assert (await refused(store, *large)).answer == Answer.BIG
    assert len(await put(store, *large[:3])) == 3


@pytest.mark.parametrize("payload", [b"", b"\x00", "Grüße 🚰".encode(), bytes(range(256)), b"null"])
async def test_payloads_are_opaque(store: Store, payload: bytes) -> None:
    await put(store, new_run(input=payload, options=payload))
    run = await look(store)
    assert (run.input, run.options) == (payload, payload)


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a;b--", "x:y", "{tag}", "a%b_c*", "ünï", "1", "0x1"])
async def test_names_are_never_code(store: Store, name: str) -> None:
    """S1-09, B-087, B-166."""
    await put(store, new_run(name, queue=name, tags=(name,), key=key(name)))
    run = await look(store, name)
    assert (run.id, run.queue, run.tags, run.key) == (name, name, (name,), name)
    await hold(store, name)


async def test_a_key_stands_for_one_run(store: Store) -> None:
    """S4-11."""
    await put(store, new_run("a", key=key("k")))
    assert await put(store, new_run("b", key=key("k"))) == [Entered(id="a", created=False)]
    assert await state(store, "b") is None


async def test_a_key_in_one_group_stands_for_one_run(store: Store) -> None:
    entered = await put(store, new_run("a", key=key("k")), new_run("b", key=key("k")))
    assert entered == [Entered(id="a", created=True), Entered(id="a", created=False)]


async def test_a_key_belongs_to_its_task(store: Store) -> None:
    await put(store, new_run("a", key=key("k")))
    assert await put(store, new_run("b", task="u", key=key("k"))) == [Entered(id="b", created=True)]


async def test_the_same_key_with_other_input_is_a_conflict(store: Store) -> None:
    """S4-13."""
    await put(store, new_run("a", key=key("k", b"one")))
    answer = await refused(store, new_run("b", key=key("k", b"two")))
    assert (answer.answer, answer.index, answer.run_id) == (Answer.KEY_CONFLICT, 0, "a")


async def test_a_key_lives_as_long_as_its_run_and_then_its_time(store: Store, clock: FakeClock) -> None:
    """S4-11: however long the run takes."""
    asked = Key(key="k", input_hash=b"h", ttl=60)
    await put(store, new_run("a", key=asked))
    await later(store, clock, 600)
    assert await put(store, new_run("b", key=asked)) == [Entered(id="a", created=False)]
    await succeed(store, "a")
    await later(store, clock, 59)
    assert await put(store, new_run("b", key=asked)) == [Entered(id="a", created=False)]
    await later(store, clock, 2)
    assert await put(store, new_run("b", key=asked)) == [Entered(id="b", created=True)]


async def test_a_key_outlives_its_purged_run(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("a", key=key("k", ttl=9 * DAY)))
    await succeed(store, "a")
    await later(store, clock, 2 * DAY)
    assert await state(store, "a") is None
    assert await put(store, new_run("b", key=key("k"))) == [Entered(id="a", created=False)]
    assert (await refused(store, new_run("b", key=key("k", b"other")))).answer == Answer.KEY_CONFLICT
    await later(store, clock, 8 * DAY)
    assert await put(store, new_run("b", key=key("k"))) == [Entered(id="b", created=True)]


async def test_a_removed_run_lets_go_of_its_key(store: Store) -> None:
    await put(store, new_run("a", key=key("k")))
    await store.remove(["a"])
    assert await put(store, new_run("b", key=key("k"))) == [Entered(id="b", created=True)]


async def test_a_key_within_a_tree_is_refused(store: Store) -> None:
    """B-053, S3-39."""
    for runs in (
        [new_run("p", wake=IDLE), dependency("c", "p", key=key("k"))],
        [new_run("p", wake=IDLE, key=key("k")), dependency("c", "p")],
    ):
        answer = await refused(store, *runs)
        assert answer.answer == Answer.INVALID
        assert answer.detail
        assert await store.get(["p", "c"]) == [None, None]


async def test_calls_and_started_runs_are_for_who_holds_their_parent(store: Store) -> None:
    """They are spawned under the parent's token; a caller can't add any."""
    await put(store, new_run("p"))
    for child in (call("c", "p"), started("c", "p")):
        assert (await refused(store, child)).answer == Answer.INVALID
    assert await state(store, "c") is None


async def test_a_flow_waits_for_its_leaves(store: Store) -> None:
    """S3-01, S3-03."""
    await put(store, new_run("p", wake=IDLE), dependency("c", "p"), dependency("d", "p"))
    assert await states(store, "p", "c", "d") == [State.WAITING, State.QUEUED, State.QUEUED]
    parent, child = await look(store, "p"), await look(store, "c")
    assert (parent.pending, child.parent_id, child.root_id) == (2, "p", "p")


async def test_a_node_without_children_that_waits_for_them_is_ready(store: Store) -> None:
    await put(store, new_run(wake=IDLE))
    assert await state(store) == State.QUEUED


async def test_the_root_of_a_deep_node_is_the_top(store: Store) -> None:
    await put(store, new_run("a", wake=IDLE), dependency("b", "a", wake=IDLE), dependency("c", "b"))
    assert (await look(store, "c")).root_id == "a"


def _chain(levels: int) -> list[NewRun]:
    """A root and so many levels below it."""
    deeper = [dependency(f"n{n}", f"n{n - 1}", wake=IDLE) for n in range(1, levels + 1)]
    return [new_run("n0", wake=IDLE), *deeper]


async def test_sixty_four_levels_below_the_root_are_deep_enough(store: Store) -> None:
    await put(store, *_chain(64))


async def test_more_than_sixty_four_levels_are_too_deep(store: Store) -> None:
    answer = await refused(store, *_chain(65))
    assert (answer.answer, answer.index) == (Answer.DEEP, 65)


async def test_a_child_joins_an_existing_parent(store: Store) -> None:
    """S3-27, B-036: one that has not started waits again."""
    await put(store, new_run("p", queue="p"))
    await put(store, dependency("c", "p"))
    assert await states(store, "p", "c") == [State.WAITING, State.QUEUED]
    await succeed(store, "c")
    assert await state(store, "p") == State.QUEUED


async def test_a_running_parent_gets_children_from_its_holder(store: Store) -> None:
    """Or by `attach`: a caller can't know whether it will still wait for them."""
    await put(store, new_run("p", queue="p"))
    await hold(store, "p")
    answer = await refused(store, dependency("c", "p"))
    assert (answer.answer, answer.run_id) == (Answer.RUNNING, "p")


async def test_a_run_with_a_key_is_no_dependency(store: Store) -> None:
    await put(store, new_run("c", key=key("k")))
    answer = await refused(store, new_run("p", wake=IDLE), dependency("c", "p"))
    assert (answer.answer, answer.index) == (Answer.INVALID, 1)
    assert await states(store, "p", "c") == [None, State.QUEUED]


async def test_a_child_of_a_finished_parent_is_refused(store: Store) -> None:
    await put(store, new_run("p", queue="p"))
    await succeed(store, "p")
    answer = await refused(store, dependency("c", "p"))
    assert (answer.answer, answer.run_id) == (Answer.FINISHED, "p")


async def test_a_live_run_without_a_parent_is_adopted(store: Store) -> None:
    await put(store, new_run("c", queue="c", input=b"mine"))
    entered = await put(store, new_run("p", queue="p", wake=IDLE), dependency("c", "p", input=b"other"))
    assert [one.created for one in entered] == [True, False]
    child = await look(store, "c")
    assert (child.parent_id, child.kind, child.input) == ("p", Kind.DEPENDENCY, b"mine")
    assert await state(store, "p") == State.WAITING
    await succeed(store, "c")
    assert await state(store, "p") == State.QUEUED


async def test_a_run_that_has_succeeded_counts_as_done(store: Store) -> None:
    """B-033, B-034."""
    await put(store, new_run("c", queue="c"))
    await succeed(store, "c")
    await put(store, new_run("p", wake=IDLE), dependency("c", "p"))
    assert (await look(store, "p")).pending == 0
    assert await state(store, "p") == State.QUEUED


async def test_a_run_that_has_failed_applies_the_policy(store: Store) -> None:
    """B-035."""
    await put(store, new_run("c", queue="c"))
    await fail(store, "c")
    await put(store, new_run("p", wake=IDLE), dependency("c", "p"))
    parent = await look(store, "p")
    assert (parent.state, parent.cause, parent.cause_id, parent.error) == (State.FAILED, Cause.CHILD, "c", b"boom")


async def test_a_run_under_another_living_parent_is_refused(store: Store) -> None:
    """S3-28, B-032."""
    await put(store, new_run("p", wake=IDLE), dependency("c", "p"))
    answer = await refused(store, new_run("q", wake=IDLE), dependency("c", "q"))
    assert (answer.answer, answer.index) == (Answer.HAS_PARENT, 1)
    assert await state(store, "q") is None
    assert (await look(store, "c")).parent_id == "p"


async def test_no_run_of_an_open_flow_is_ready(store: Store) -> None:
    first = group(new_run("p", wake=IDLE), dependency("a", "p", queue="default"), flow="p", opens=True)
    second = group(dependency("b", "p", queue="default"), flow="p")
    last = group(dependency("c", "p", queue="default"), flow="p", closes=True)
    for part in (first, second):
        await store.enqueue([part])
        await upkeep(store)
        assert await claimed(store, limit=10) == []
        assert (await look(store, "p")).open
        assert await reason(store, "a") == "open"
    await store.enqueue([last])
    await upkeep(store)
    assert not (await look(store, "p")).open
    assert await claimed(store, limit=10) == ["a", "b", "c"]


async def test_groups_of_an_open_flow_may_be_repeated(store: Store) -> None:
    first = group(new_run("p", queue="p", wake=IDLE), dependency("a", "p"), flow="p", opens=True)
    last = group(dependency("b", "p"), flow="p", closes=True)
    for part in (first, first, last, last):
        [answer] = await store.enqueue([part])
        assert isinstance(answer, Accepted)
    await upkeep(store)
    await succeed(store, "a")
    await succeed(store, "b")
    assert await state(store, "p") == State.QUEUED


async def test_a_flow_that_nobody_closes_is_cancelled(store: Store, clock: FakeClock) -> None:
    """Ten minutes after its last group."""
    await store.enqueue([group(new_run("p", wake=IDLE), dependency("a", "p"), flow="p", opens=True)])
    await later(store, clock, 500)
    await store.enqueue([group(dependency("b", "p"), flow="p")])
    await later(store, clock, 500)
    assert not (await look(store, "p")).state.finished
    await later(store, clock, 101)
    parent = await look(store, "p")
    assert (parent.state, parent.cause) == (State.CANCELLED, Cause.ABANDONED)
    assert await states(store, "a", "b") == [State.CANCELLED, State.CANCELLED]


async def test_a_large_flow_closes_in_batches(store: Store) -> None:
    leaves = [dependency(f"c{n}", "p", queue="default") for n in range(1200)]
    await store.enqueue([group(new_run("p", queue="p", wake=IDLE), *leaves[:600], flow="p", opens=True)])
    await store.enqueue([group(*leaves[600:], flow="p", closes=True)])
    await upkeep(store)
    ids: list[str] = []
    while batch := await claimed(store, limit=400):
        ids += batch
    assert ids == [f"c{n}" for n in range(1200)]


async def test_a_run_that_two_groups_of_one_call_bring_is_stored_once(store: Store) -> None:
    """Whoever is not sure asks again, perhaps in the same call as before."""
    one, other = await store.enqueue([group(new_run()), group(new_run())])
    assert isinstance(one, Accepted)
    assert isinstance(other, Accepted)
    assert [one.runs[0].created, other.runs[0].created] == [True, False]
    assert await claimed(store, 10) == ["r"]
