"""Runs changed over HTTP before they start, their logs cleared, and queues cleared of runs."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from penstock.app import edits
from penstock.app.status import Status
from penstock.core.errors import NotFound
from penstock.web.desk import Desk
from penstock.web.endpoint import AnyEndpoint, Asked, Endpoint, Name, Nothing, Reply, RunId


class Due(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When: at a moment, unix seconds, or so long from now, seconds or text like "10m". One of the two."""

    at: Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)] | UnsetType = UNSET
    delay: float | str | UnsetType = UNSET


class Priority(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Higher goes first."""

    priority: Annotated[int, msgspec.Meta(ge=-1000, le=1000)]


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All arguments, by name."""

    input: dict[str, Any]


class Drain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`delayed`: also what is not due yet."""

    delayed: bool = False


class Clean(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Runs that have been in one of these states for longer than that: seconds, or text like "10m"."""

    older_than: float | str
    state: Annotated[
        list[Literal["scheduled", "queued", "waiting", "succeeded", "failed", "cancelled"]], msgspec.Meta(min_length=1)
    ]
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] | None = None


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs are gone."""

    removed: int


async def reschedule(desk: Desk, asked: Asked[Nothing, Due]) -> Reply:
    body, run = asked.body, desk.app.run(asked.path["id"])
    at = None if body.at is UNSET else body.at
    await run.reschedule(at=at, delay=None if body.delay is UNSET else body.delay)
    return Reply(desk.run(await run.status()))


async def reprioritise(desk: Desk, asked: Asked[Nothing, Priority]) -> Reply:
    run = desk.app.run(asked.path["id"])
    await run.reprioritise(asked.body.priority)
    return Reply(desk.run(await run.status()))


async def update_input(desk: Desk, asked: Asked[Nothing, Input]) -> Reply:
    run = desk.app.run(asked.path["id"])
    stored = await desk.client.get(run.id)
    if stored is None:
        raise NotFound("run", run.id)
    await edits.update_input(desk.client, stored, (), asked.body.input)
    return Reply(desk.run(await run.status()))


async def clear_log(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    await desk.app.run(asked.path["id"]).clear_log()
    return Reply(status=204)


async def drain(desk: Desk, asked: Asked[Nothing, Drain]) -> Reply:
    return Reply(Removed(removed=await desk.app.drain(asked.path["queue"], delayed=asked.body.delayed)))


async def clean(desk: Desk, asked: Asked[Nothing, Clean]) -> Reply:
    body = asked.body
    removed = await desk.app.clean(
        older_than=body.older_than, state=body.state, limit=body.limit, queue=asked.path["queue"]
    )
    return Reply(Removed(removed=removed))


_RUN: Final = {"id": RunId}
_QUEUE: Final = {"queue": Name}
_EDITED: Final = (404, 409, 422)

ENDPOINTS: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint(
        "POST",
        "/runs/{id}/reschedule",
        "reschedule_run",
        "Move the due time of a run that has not begun",
        reschedule,
        Nothing,
        Due,
        {200: Status},
        _EDITED,
        parameters=_RUN,
    ),
    Endpoint(
        "POST",
        "/runs/{id}/reprioritise",
        "reprioritise_run",
        "Give an unfinished run that does not run another priority; its rank stays",
        reprioritise,
        Nothing,
        Priority,
        {200: Status},
        _EDITED,
        parameters=_RUN,
    ),
    Endpoint(
        "PUT",
        "/runs/{id}/input",
        "update_input",
        "Give a run that has not been claimed yet other arguments",
        update_input,
        Nothing,
        Input,
        {200: Status},
        (404, 409, 413, 422),
        parameters=_RUN,
    ),
    Endpoint(
        "DELETE",
        "/runs/{id}/log",
        "clear_log",
        "Drop what a run has said; what its record tells stays",
        clear_log,
        Nothing,
        Nothing,
        {204: None},
        (404,),
        parameters=_RUN,
    ),
    Endpoint(
        "POST",
        "/queues/{queue}/drain",
        "drain_queue",
        "Remove what waits in a queue to be started; running runs go on",
        drain,
        Nothing,
        Drain,
        {200: Removed},
        (422,),
        parameters=_QUEUE,
    ),
    Endpoint(
        "POST",
        "/queues/{queue}/clean",
        "clean_queue",
        "Remove runs of a queue that have stood in these states for long",
        clean,
        Nothing,
        Clean,
        {200: Removed},
        (422,),
        parameters=_QUEUE,
    ),
)
