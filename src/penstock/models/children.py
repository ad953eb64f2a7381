"""Children of a workflow: called (awaited) or started. Their ids follow from where they are made, never from time."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from penstock.core import error_record, ids
from penstock.core.answers import Answer
from penstock.core.error_record import ErrorRecord
from penstock.core.errors import Invalid, Purged
from penstock.core.leases import Step
from penstock.core.run import ChildOf, Kind, NewRun, Run
from penstock.core.state import State
from penstock.models import ends
from penstock.models.batches import Member
from penstock.models.calls import Call, Need
from penstock.models.journal import Place
from penstock.models.passage import Passage

Make: TypeAlias = Callable[[str], NewRun]  # of the id


def id_of(passage: Passage, place: Place, which: int | None = None) -> str:
    """The id of the child that is made at this place of this history; of several made there, of that one."""
    claim = passage.attempt.claim
    scope: list[int | str] = [*place.scope.split(".")] if place.scope else []
    if which is not None:
        scope.append(which)
    return ids.child_id(claim.run_id, claim.history, scope, place.name, place.ordinal)


async def call(passage: Passage, made: Call, make: Make, member: Member) -> Step:
    """The live part of an awaited child: spawn it, stand till it has ended, record how."""
    place = made.place
    child_id = id_of(passage, place)
    edge = ChildOf(parent_id=passage.attempt.claim.run_id, kind=Kind.CALL, name=place.name)
    new = replace(make(child_id), id=child_id, parent=edge)
    spawned = await passage.attempt.spawn([new])
    if spawned.answer is not Answer.OK:
        refused = Invalid("child", new.task, f"{spawned.detail or spawned.answer}")
        return await passage.record(place.outcome(error=error_record.describe(refused).encode()))
    look = not spawned.runs[0].created
    while True:
        if look and (ended := await _ended(passage, child_id)) is not None:
            value, error = ended
            return await passage.record(place.outcome(value=value, error=error, child_id=child_id))
        look = True
        await passage.stand(made, Need(child_id=child_id, batch=member.batch))


async def start(passage: Passage, made: Call, groups: Sequence[Sequence[NewRun]], *, cascade: bool) -> Step:
    """The live part of children that are not awaited. Each group is stored whole or not at all."""
    place = made.place
    edge = ChildOf(parent_id=passage.attempt.claim.run_id, kind=Kind.STARTED, cascade=cascade)
    found: list[str] = []
    for runs in groups:
        spawned = await passage.attempt.spawn([replace(new, parent=edge) for new in runs])
        if spawned.answer is not Answer.OK:
            new = runs[spawned.index]
            refused = Invalid("run", new.id, f"{spawned.detail or spawned.answer} (task {new.task})")
            return await passage.record(place.outcome(error=error_record.describe(refused).encode()))
        found += [one.id for one in spawned.runs]
    return await passage.record(place.outcome(value=msgspec.json.encode(found)))


async def _ended(passage: Passage, child_id: str) -> tuple[bytes | None, bytes | None] | None:
    """Result and error of the child; None while it goes on."""
    run = await passage.runs.ask(child_id)
    if run is None:
        return None, error_record.describe(Purged(child_id)).encode()
    if not run.state.finished:
        return None
    return (run.result, None) if run.state is State.SUCCEEDED else (None, _error_of(run).encode())


def _error_of(run: Run) -> ErrorRecord:
    if run.state is State.CANCELLED:
        return ErrorRecord(type="penstock.RunCancelled", message=run.reason or "")
    return ends.ended_by(run.id, run.cause, run.error)
