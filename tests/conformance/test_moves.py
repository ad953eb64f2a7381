"""Every operation, in every state: the moves of `MOVES` happen, and no others. Knows the table, not the stores."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Append, Block, Lease, Spawn
from penstock.core.requests import Edit
from penstock.core.run import ChildOf
from penstock.core.state import MOVES, State
from penstock.ports.store import Store
from tests.builders import dependency, fire, group, key, new_run, record, schedule, send
from tests.clock import FakeClock
from tests.conformance.acts import claim, hold, look, put, state, tend, upkeep
from tests.conformance.all_scenes import SCENES
from tests.conformance.scenes import LONG, Move, Scene, bring_to
from tests.conformance.scenes_of_leases import OUTCOMES

Operation: TypeAlias = Callable[[Store, FakeClock, Lease], Awaitable[object]]

# A row of the table speaks of entries in general; these can't come about by that operation.
UNREACHABLE: set[Move] = {
    ("fork", None, State.SCHEDULED),
    ("fork", None, State.WAITING),
    ("fork", None, State.FAILED),
    ("signal", None, State.FAILED),  # a run that starts so has nothing below it yet
    ("fire", None, State.FAILED),
    ("redrive", State.SUCCEEDED, State.WAITING),  # nothing is pending below what succeeded
}
TABLE: set[Move] = {
    (operation, before, after)
    for operation, moves in MOVES.items()
    for before, afters in moves.items()
    for after in afters
}


SHOWN = [
    pytest.param(move, shown, id=f"{move[0]}: {move[1] or 'none'} to {move[2] or 'none'}, {shown.__name__}")
    for move, shown in SCENES
]


def test_every_move_of_the_table_has_a_scene() -> None:
    assert TABLE - {move for move, _ in SCENES} == UNREACHABLE


def test_no_scene_shows_a_move_that_the_table_forbids() -> None:
    assert {move for move, _ in SCENES} - TABLE == set()


@pytest.mark.parametrize(("move", "scene"), SHOWN)
async def test_an_allowed_move_happens(store: Store, clock: FakeClock, move: Move, scene: Scene) -> None:
    _, before, after = move
    acts = scene(store, clock)
    await anext(acts)
    assert await state(store) == before
    assert await anext(acts, "done") == "done"
    assert await state(store) == after


async def again(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.enqueue([group(new_run(input=b"other", priority=9))])


async def signal(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.signal(send("other"))


async def cancel(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.cancel(["r"])


async def redrive(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.redrive(["r"])


async def remove(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.remove(["r"])


async def reschedule(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.reschedule("r", delay=0)


async def edit(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.edit("r", Edit(priority=7))


async def fork(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.fork("r", "other")


async def attach(store: Store, clock: FakeClock, lease: Lease) -> None:
    await put(store, new_run("c", queue="c"))
    await store.attach("c", ChildOf(parent_id="r"))


async def detach(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.detach("r")


async def watch(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.watch(["r"])


async def claim_all(store: Store, clock: FakeClock, lease: Lease) -> None:
    await claim(store, limit=10)


async def extend(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.extend([lease], LONG)


async def extend_claim(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.extend_claim("w", lease.token, LONG)


async def record_it(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.record([record(lease, "a")])


async def spawn(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.spawn([Spawn(lease=lease, runs=(dependency("c", "r"),))])


async def append(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.append([Append(lease=lease, kind="log", data=b"line")])


async def block(store: Store, clock: FakeClock, lease: Lease) -> None:
    await store.block(Block(lease=lease, name="l", key="", seconds=10))


async def fire_it(store: Store, clock: FakeClock, lease: Lease) -> None:
    due = await store.put_schedule(schedule(next_at=clock()))
    await store.fire(fire(due, new_run(), next_at=None))


async def tend_now(store: Store, clock: FakeClock, lease: Lease) -> None:
    clock.advance(1)
    await tend(store)


def settling(operation: str) -> Operation:
    async def settle(store: Store, clock: FakeClock, lease: Lease) -> None:
        await store.settle([OUTCOMES[operation](lease)])

    return settle


OPERATIONS: dict[str, Operation] = {
    "enqueue": again,
    "signal": signal,
    "cancel": cancel,
    "redrive": redrive,
    "remove": remove,
    "reschedule": reschedule,
    "edit": edit,
    "fork": fork,
    "attach": attach,
    "detach": detach,
    "watch": watch,
    "claim": claim_all,
    "extend": extend,
    "extend_claim": extend_claim,
    "record": record_it,
    "spawn": spawn,
    "append": append,
    "block": block,
    "fire": fire_it,
    **{operation: settling(operation) for operation in OUTCOMES},
    **dict.fromkeys(("promote", "rescue", "expire", "cascade", "purge", "count"), tend_now),
}
# Without a move, the run itself changes: what it is asked for, by whom, until when.
TOUCHES = {
    *((operation, State.RUNNING) for operation in ("cancel", "attach", "extend", "extend_claim", "spawn")),
    *(("edit", where) for where in (State.SCHEDULED, State.QUEUED, State.WAITING)),
}
STAYING = [(operation, where) for operation in MOVES for where in State if where not in MOVES[operation]]


def test_every_operation_of_the_table_is_walked() -> None:
    assert set(OPERATIONS) == set(MOVES)


@pytest.mark.parametrize(("operation", "where"), STAYING)
async def test_everything_else_changes_nothing(store: Store, clock: FakeClock, operation: str, where: State) -> None:
    lease = await bring_to(store, where)
    await upkeep(store)
    before = await look(store)
    await OPERATIONS[operation](store, clock, lease)
    after = await look(store)
    assert after.state is where
    if (operation, where) not in TOUCHES:
        assert after == before


REFUSALS = [
    ("cancel", State.SUCCEEDED, Answer.FINISHED),
    ("cancel", State.FAILED, Answer.FINISHED),
    ("cancel", State.CANCELLED, Answer.FINISHED),
    ("redrive", State.QUEUED, Answer.STATE),
    ("redrive", State.RUNNING, Answer.STATE),
    ("redrive", State.WAITING, Answer.STATE),
    ("remove", State.RUNNING, Answer.RUNNING),
]


@pytest.mark.parametrize(("operation", "where", "answer"), REFUSALS)
async def test_what_means_nothing_is_refused_with_a_word(
    store: Store, operation: str, where: State, answer: Answer
) -> None:
    """S0-62, B-101."""
    await bring_to(store, where)
    match operation:
        case "cancel":
            assert await store.cancel(["r"]) == [answer]
        case "redrive":
            assert await store.redrive(["r"]) == [answer]
        case _:
            assert await store.remove(["r"]) == [answer]


async def test_an_unknown_run_is_not_found(store: Store) -> None:
    """S0-62."""
    assert await store.cancel(["no"]) == [Answer.NOT_FOUND]
    assert await store.redrive(["no"]) == [Answer.NOT_FOUND]
    assert await store.remove(["no"]) == [Answer.NOT_FOUND]
    assert await store.reschedule("no", delay=1) == Answer.NOT_FOUND
    assert await store.edit("no", Edit(priority=1)) == Answer.NOT_FOUND
    assert await store.fork("no", "other") == Answer.NOT_FOUND
    assert await store.detach("no") == Answer.NOT_FOUND
    assert await store.watch(["no"]) == [None]
    assert (await store.signal(send(run_id="no")))[0] == Answer.NOT_FOUND
    assert await store.get(["no"]) == [None]
    assert await store.why("no") is None


async def evidence(store: Store) -> list[object]:
    """All that a lease holder could have written."""
    return [
        await look(store),
        await store.steps("r"),
        await store.log("r"),
        (await store.children("r")).items,
    ]


async def a_zombie(store: Store, clock: FakeClock) -> Lease:
    """A lease of `r` that was lost to another worker."""
    await put(store, new_run())
    lost = (await hold(store)).lease
    clock.advance(31)
    await upkeep(store)
    await hold(store, worker="another", lease=LONG)
    return lost


HELD = [*OUTCOMES, "extend", "record", "spawn", "append", "block"]


@pytest.mark.parametrize("operation", HELD)
async def test_a_stale_lease_changes_nothing(store: Store, clock: FakeClock, operation: str) -> None:
    """S4-56, X-04, B-076, B-077."""
    lost = await a_zombie(store, clock)
    before = await evidence(store)
    answer: object
    match operation:
        case "extend":
            [answer] = await store.extend([lost], 5.0)
        case "record":
            [recorded] = await store.record([record(lost, "a")])
            answer = recorded.answer
        case "spawn":
            [spawned] = await store.spawn([Spawn(lease=lost, runs=(dependency("c", "r"),))])
            answer = spawned.answer
        case "append":
            [answer] = await store.append([Append(lease=lost, kind="log", data=b"line")])
        case "block":
            answer = await store.block(Block(lease=lost, name="l", key="", seconds=10))
        case _:
            [answer] = await store.settle([OUTCOMES[operation](lost)])
    assert answer == Answer.LOST
    assert await evidence(store) == before
    assert await state(store, "c") is None


@pytest.mark.parametrize("operation", OUTCOMES)
async def test_a_settled_lease_settles_once(store: Store, clock: FakeClock, operation: str) -> None:
    """Repeated, as after a lost reply, it answers ok and does nothing; S0-46, B-184."""
    await put(store, new_run())
    outcome = OUTCOMES[operation]((await hold(store)).lease)
    assert await store.settle([outcome]) == [Answer.OK]
    before = await evidence(store)
    clock.advance(1)
    assert await store.settle([outcome]) == [Answer.OK]
    assert await evidence(store) == before


@pytest.mark.parametrize("operation", OUTCOMES)
async def test_a_settled_lease_settles_no_other_way(store: Store, operation: str) -> None:
    await put(store, new_run())
    lease = (await hold(store)).lease
    await store.settle([OUTCOMES[operation](lease)])
    before = await evidence(store)
    for other in set(OUTCOMES) - {operation}:
        assert await store.settle([OUTCOMES[other](lease)]) == [Answer.LOST]
    assert await evidence(store) == before


@pytest.mark.parametrize("operation", ["release", "retry", "suspend", "restart"])
async def test_the_last_settled_lease_is_known_while_another_holds_the_run(
    store: Store, clock: FakeClock, operation: str
) -> None:
    await put(store, new_run())
    outcome = OUTCOMES[operation]((await hold(store)).lease)
    await store.settle([outcome])
    clock.advance(60)
    await upkeep(store)
    await store.signal(send())
    await hold(store, lease=LONG)
    before = await evidence(store)
    assert await store.settle([outcome]) == [Answer.OK]
    assert await evidence(store) == before


async def test_a_bad_item_never_spoils_its_neighbours(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"))
    first, second = await claim(store, limit=2)
    stale = Lease(run_id="a", token="stale")
    complete = OUTCOMES["complete"]
    answers = await store.settle([complete(stale), complete(first.lease), complete(second.lease)])
    assert answers == [Answer.LOST, Answer.OK, Answer.OK]


async def test_a_refused_group_never_spoils_its_neighbours(store: Store) -> None:
    """B-052."""
    await put(store, new_run("keyed", key=key("k")))
    bad = group(new_run("a"), new_run("b", key=key("k", b"other")))
    answers = await store.enqueue([bad, group(new_run("c"))])
    assert [type(answer).__name__ for answer in answers] == ["Refused", "Accepted"]
    assert await store.get(["a", "b"]) == [None, None]
    assert await state(store, "c") == State.QUEUED
