"""Runs that workflow code calls or starts. Knows how their ids come about, not how they are prepared."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from penstock.app.client import Client, portions
from penstock.core.errors import Invalid, RunCancelled, RunFailed
from penstock.core.leases import Step
from penstock.core.run import NewRun
from penstock.core.shape import Shape
from penstock.models import children, journal
from penstock.models.batches import alone
from penstock.models.calls import Call
from penstock.models.durable import Here
from penstock.models.ends import decoded

Make: TypeAlias = Callable[[], Awaitable[NewRun]]


def called(client: Client, found: Here, name: str, returns: Shape, make: Make) -> Coroutine[Any, Any, Any]:
    """Carry the run out as a child, and wait for it: the result, or what `run.result()` would raise."""
    place = found.scope.take(name, journal.CALL)

    async def live(call: Call) -> Step:
        new = await make()
        if new.key is not None:
            raise Invalid("key", new.key.key, "a child that is awaited has its id by its place: leave the key out")
        return await children.call(found.passage, call, lambda run_id: replace(new, id=run_id), member)

    async def waited() -> Any:
        step = await found.record(place, live)
        if step.error is not None:
            failure = _failure(step, name)
            found.passage.raised.append((failure, step))
            raise failure
        return returns.decode(client.home.codec.decode(step.value or b"null"))

    made = waited()
    member = alone(made)
    return made


async def started(client: Client, found: Here, name: str, make: Make, *, own_id: bool, cascade: bool = True) -> str:
    """Start a run as this workflow's: its id, the same in every replay."""
    place = found.scope.take(name, journal.START)

    async def live(call: Call) -> Step:
        client.holder()
        new = await make()
        new = new if own_id else replace(new, id=children.id_of(found.passage, place))
        return await children.start(found.passage, call, [[new]], cascade=cascade)

    (run_id,) = _ids_in(await found.outcome(place, live))
    return run_id


async def started_many(client: Client, found: Here, makes: Sequence[tuple[Make, bool]]) -> list[str]:
    """Start the runs as this workflow's, with one record for all; of each whether it has an id of its own."""
    place = found.scope.take("enqueue_many", journal.START)

    async def live(call: Call) -> Step:
        client.holder()
        runs: list[NewRun] = []
        for which, (make, own_id) in enumerate(makes):
            new = await make()
            runs.append(new if own_id else replace(new, id=children.id_of(found.passage, place, which)))
        return await children.start(found.passage, call, portions(runs), cascade=True)

    return _ids_in(await found.outcome(place, live))


def _ids_in(step: Step) -> list[str]:
    ids: list[str] = msgspec.json.decode(step.value or b"[]")
    return ids


def _failure(step: Step, task: str) -> RunFailed:
    record = decoded(step.error or b"")
    if record.type == "penstock.RunCancelled":
        return RunCancelled(step.child_id or "", task, reason=record.message or None)
    return RunFailed(
        step.child_id or "", task, error_type=record.type, message=record.message, traceback=record.traceback
    )
