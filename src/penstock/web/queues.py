"""Queues and dead letters over HTTP."""

from collections import Counter
from typing import Annotated, Any, Final

import msgspec

from penstock.core.errors import Invalid
from penstock.web.desk import Desk
from penstock.web.endpoint import PAGE, AnyEndpoint, Asked, Endpoint, Limit, Name, Nothing, Place, Reply, RunId
from penstock.web.runs import Runs


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """How a queue stands. Of the states in `capped` there are at least so many runs."""

    queue: str
    paused: bool
    workers: int = 0  # that are alive and serve it
    runs: dict[str, int] = {}  # by state
    capped: list[str] = []


class Queues(msgspec.Struct, frozen=True, kw_only=True):
    """All queues that have runs or workers, or are paused. One with runs and no worker waits for a deploy."""

    items: list[Queue]


class Paused(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the queue is paused from now on."""

    queue: str
    paused: bool


class Letters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of one dead-letter list, or of all."""

    name: Name | None = None
    after: Place | None = None
    limit: Limit = 50


class Redrive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which: these ids, a dead-letter list by its name, or all dead letters. One of the three."""

    ids: Annotated[list[RunId], msgspec.Meta(max_length=PAGE)] = []
    name: Name | None = None
    all: bool = False


class Redriven(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs began another life."""

    redriven: int


async def queues(desk: Desk, _: Asked[Nothing, Nothing]) -> Reply:
    found: dict[str, dict[str, Any]] = {}
    paused = {one.name for one in await desk.app.paused() if one.kind == "queue"}
    for count in await desk.app.counts():
        queue = found.setdefault(count.queue, {"runs": {}, "capped": []})
        queue["runs"][count.state.value] = count.n
        if count.capped:
            queue["capped"].append(count.state.value)
    served = Counter(queue for worker in await desk.app.workers() for queue in worker.queues)
    names = sorted(paused | set(found) | set(served))
    items = [Queue(queue=one, paused=one in paused, workers=served[one], **found.get(one, {})) for one in names]
    return Reply(Queues(items=items))


async def pause(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    await desk.app.pause(queue=asked.path["queue"])
    return Reply(Paused(queue=asked.path["queue"], paused=True))


async def resume(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    await desk.app.resume(queue=asked.path["queue"])
    return Reply(Paused(queue=asked.path["queue"], paused=False))


async def dead(desk: Desk, asked: Asked[Letters, Nothing]) -> Reply:
    page = await desk.app.dead(asked.query.name, after=asked.query.after, limit=asked.query.limit)
    return Reply({"items": desk.runs(page.items), "after": page.after})


async def redrive(desk: Desk, asked: Asked[Nothing, Redrive]) -> Reply:
    body = asked.body
    if bool(body.ids) + (body.name is not None) + body.all != 1:
        raise Invalid("ids", body.ids, "say ids, or name, or all: one of them")
    if body.ids:
        count = await desk.app.redrive(*body.ids)
    else:
        count = await desk.app.redrive(dead=body.name or True)
    return Reply(Redriven(redriven=count))


_ONE: Final = {"queue": Name}

ENDPOINTS: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint("GET", "/queues", "list_queues", "List the queues", queues, Nothing, Nothing, {200: Queues}),
    Endpoint(
        "POST",
        "/queues/{queue}/pause",
        "pause_queue",
        "Start no more runs of a queue; running ones finish",
        pause,
        Nothing,
        Nothing,
        {200: Paused},
        parameters=_ONE,
    ),
    Endpoint(
        "POST",
        "/queues/{queue}/resume",
        "resume_queue",
        "Start runs of a queue again, in order",
        resume,
        Nothing,
        Nothing,
        {200: Paused},
        parameters=_ONE,
    ),
    Endpoint(
        "GET",
        "/dead",
        "list_dead",
        "List dead letters, the latest first",
        dead,
        Letters,
        Nothing,
        {200: Runs},
        (422,),
    ),
    Endpoint(
        "POST",
        "/dead/redrive",
        "redrive_dead",
        "Begin another life of dead letters; what can't be redriven is left as it is",
        redrive,
        Nothing,
        Redrive,
        {200: Redriven},
        (422,),
    ),
)
