"""Trees of runs that a running run brings into being: by its lease, each whole or not at all.

A tree too large for one group is opened, filled and closed, and none of it is ready before. In workflow code a call is
one record, and the ids of the runs follow from where it is made. Knows no app.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from penstock.core import error_record
from penstock.core.answers import Answer, Entered, Refused, Spawned
from penstock.core.errors import Cascading, Invalid, LeaseLost, NotFound, PenstockError
from penstock.core.leases import Step
from penstock.core.run import ChildOf, Kind
from penstock.engine.batcher import BYTES, ITEMS
from penstock.engine.handler import Attempt
from penstock.models import children, journal
from penstock.models.calls import Call
from penstock.models.durable import Here
from penstock.models.flows import Laid, Node, check_distinct
from penstock.models.journal import Place

PORTION: Final = 100  # runs of a flow that travels in several groups

GiveUp: TypeAlias = Callable[[str, Sequence[Entered]], Awaitable[None]]


async def spawn(
    attempt: Attempt, trees: Sequence[Sequence[Laid]], give_up: GiveUp, edge: ChildOf | None = None
) -> list[Entered]:
    """Store the trees as children of the running run; `edge`: of the roots, if they have none of their own.

    `give_up`: cancels what is stored of a flow that is not going to be whole.
    """
    entered: list[Entered] = []
    for group in packed(trees):
        entered += await _spawn_group(attempt, group, give_up, edge)
    return entered


async def _spawn_group(attempt: Attempt, group: Sequence[Laid], give_up: GiveUp, edge: ChildOf | None) -> list[Entered]:
    parts = portions_of(group)
    flow = group[0].new.id if len(parts) > 1 else None
    stored: list[Entered] = []
    for number, part in enumerate(parts, 1):
        runs = tuple(one.new if one.new.parent else replace(one.new, parent=edge) for one in part)
        opens, closes = flow is not None and number == 1, flow is not None and number == len(parts)
        answer = await attempt.spawn(runs, flow=flow, opens=opens, closes=closes)
        if answer.answer is not Answer.OK:
            if flow is not None:
                await give_up(flow, stored)
            raise refused(part, answer)
        stored += answer.runs
    return stored


def started_by(attempt: Attempt) -> ChildOf:
    """The edge of what the running run starts, and does not wait for."""
    return ChildOf(parent_id=attempt.claim.run_id, kind=Kind.STARTED)


def packed(trees: Sequence[Sequence[Laid]]) -> list[list[Laid]]:
    """The trees in order, as many whole ones together as one group takes."""
    found: list[list[Laid]] = []
    room, space = 0, 0
    for tree in trees:
        size = sum(size_of(one) for one in tree)
        if not found or len(tree) > room or size > space:
            found.append([])
            room, space = ITEMS, BYTES
        found[-1] += tree
        room -= len(tree)
        space -= size
    return found


def portions_of(tree: Sequence[Laid]) -> list[list[Laid]]:
    """The nodes in order: all, if one group takes them, else so many at a time that no store is kept long."""
    if len(tree) <= ITEMS and sum(map(size_of, tree)) <= BYTES:
        return [list(tree)]
    found: list[list[Laid]] = [[]]
    space, most = BYTES, min(ITEMS, PORTION)
    for one in tree:
        size = size_of(one)
        if found[-1] and (len(found[-1]) == most or size > space):
            found.append([])
            space = BYTES
        found[-1].append(one)
        space -= size
    return found


def size_of(one: Laid) -> int:
    """Bytes of the node's payload."""
    return len(one.new.input) + len(one.new.options)


def refused(group: Sequence[Laid], answer: Refused | Spawned) -> PenstockError:
    """Why this node could not be stored."""
    offending = group[answer.index]
    new, where = offending.new, offending.node.where
    in_the_way = (answer.run_id if isinstance(answer, Refused) else None) or (
        new.parent.parent_id if new.parent else ""
    )
    match answer.answer:
        case Answer.CASCADING:
            return Cascading(in_the_way or new.id)
        case Answer.NOT_FOUND:
            return NotFound("run", in_the_way or new.id)
        case Answer.LOST:
            return LeaseLost(in_the_way)
        case Answer.RUNNING:
            return Invalid(where, new.id, f"run {in_the_way} is running: it adds children by ctx.children.add(...)")
        case Answer.HAS_PARENT:
            return Invalid(where, new.id, f"it waits below run {in_the_way} already: detach it first, or leave id= out")
        case _:
            return Invalid(where, new.id, f"{answer.detail or answer.answer} (task {new.task})")


async def in_workflow(
    found: Here,
    name: str,
    nodes: Callable[[], Awaitable[list[Node]]],
    lay: Callable[[Node], list[Laid]],
    *,
    give_up: GiveUp,
    edge: ChildOf | None = None,
) -> list[Entered]:
    """Store the trees with one record, the same in every replay; raises what it was refused with."""
    place = found.scope.take(name, journal.START)

    async def live(_: Call) -> Step:
        numbers = iter(range(1 << 30))
        trees = [lay(_derived(node, found, place, numbers)) for node in await nodes()]
        check_distinct([one for tree in trees for one in tree])
        try:
            entered = await spawn(found.passage.attempt, trees, give_up, edge)
        except LeaseLost:
            raise
        except PenstockError as error:
            return await found.passage.record(place.outcome(error=error_record.describe(error).encode()))
        return await found.passage.record(place.outcome(value=msgspec.json.encode([one.id for one in entered])))

    step = await found.outcome(place, live)
    return [Entered(id=run_id, created=True) for run_id in msgspec.json.decode(step.value or b"[]")]


def _derived(node: Node, found: Here, place: Place, numbers: Iterator[int]) -> Node:
    """The node with an id that follows from its place, unless its caller has said one; and so all below it."""
    number = next(numbers)
    run_id = node.new.id if node.own_id else children.id_of(found.passage, place, number)
    below = tuple(_derived(child, found, place, numbers) for child in node.children)
    return replace(node, new=replace(node.new, id=run_id), children=below)
