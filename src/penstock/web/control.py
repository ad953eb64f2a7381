"""Workers, definitions, limits, metrics and the store itself over HTTP."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from penstock.app.metrics import Metrics
from penstock.app.operations import Known
from penstock.app.upkeep import Reconciled
from penstock.app.workers import WorkerStatus
from penstock.core.errors import Invalid, NotFound
from penstock.core.limits import Full, LimitDef, LimitView
from penstock.core.views import StoreInfo
from penstock.web.desk import Desk
from penstock.web.endpoint import AnyEndpoint, Asked, Endpoint, Name, Nothing, Reply


class Workers(msgspec.Struct, frozen=True, kw_only=True):
    """The workers that are alive."""

    items: list[WorkerStatus]


class Definitions(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks that workers have declared."""

    items: list[Known]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How each key of each limit stands."""

    items: list[LimitView]


class LimitBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many runs of a key at once or, with `period`, so many starts in any window of that length."""

    n: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    period: Annotated[float, msgspec.Meta(gt=0, le=31_536_000)] | None = None
    full: Full = "wait"
    hold: bool = False


class LimitKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value that the limit counts apart."""

    key: Annotated[str, msgspec.Meta(max_length=200)]


class LimitPaused(msgspec.Struct, frozen=True, kw_only=True):
    """Whether this key is paused from now on."""

    limit: str
    key: str
    paused: bool


class Span(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which time, and of which task or queue, if not of all. `last`: seconds, or text like "1h", up to 7 days."""

    last: Annotated[str, msgspec.Meta(min_length=1, max_length=30)] = "1h"
    until: Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)] | UnsetType = UNSET
    task: Name | None = None
    queue: Name | None = None


class Pass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only if a worker has been gone for so many seconds."""

    older_than: Annotated[float, msgspec.Meta(ge=0, le=31_536_000)] | None = None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The store has answered."""

    status: str


async def workers(desk: Desk, _: Asked[Nothing, Nothing]) -> Reply:
    return Reply(Workers(items=await desk.app.workers()))


async def definitions(desk: Desk, _: Asked[Nothing, Nothing]) -> Reply:
    return Reply(Definitions(items=await desk.app.definitions()))


async def limits(desk: Desk, _: Asked[Nothing, Nothing]) -> Reply:
    return Reply(Limits(items=await (await desk.store()).limits()))


async def put_limit(desk: Desk, asked: Asked[Nothing, LimitBody]) -> Reply:
    body, name = asked.body, asked.path["limit"]
    if body.period is not None and body.full == "replace":
        raise Invalid("full", body.full, "a rate has no holder to cancel")
    await desk.app.limits.set(name, n=body.n, period=body.period, full=body.full, hold=body.hold)
    return Reply(LimitDef(name=name, n=body.n, period=body.period, full=body.full, hold=body.hold))


async def drop_limit(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    name = asked.path["limit"]
    if not await desk.app.limits.drop(name):
        raise NotFound("limit", name)
    return Reply(status=204)


async def pause_key(desk: Desk, asked: Asked[Nothing, LimitKey]) -> Reply:
    await desk.app.limits.pause(asked.path["limit"], asked.body.key)
    return Reply(LimitPaused(limit=asked.path["limit"], key=asked.body.key, paused=True))


async def resume_key(desk: Desk, asked: Asked[Nothing, LimitKey]) -> Reply:
    await desk.app.limits.resume(asked.path["limit"], asked.body.key)
    return Reply(LimitPaused(limit=asked.path["limit"], key=asked.body.key, paused=False))


async def metrics(desk: Desk, asked: Asked[Span, Nothing]) -> Reply:
    query = asked.query
    until = None if query.until is UNSET else query.until
    last = float(query.last) if query.last.replace(".", "", 1).isdigit() else query.last
    return Reply(await desk.app.metrics(last, until=until, task=query.task, queue=query.queue))


async def reconcile(desk: Desk, asked: Asked[Nothing, Pass]) -> Reply:
    return Reply(await desk.app.reconcile(older_than=asked.body.older_than))


async def info(desk: Desk, _: Asked[Nothing, Nothing]) -> Reply:
    return Reply(await desk.app.info())


async def health(desk: Desk, _: Asked[Nothing, Nothing]) -> Reply:
    await desk.app.info()
    return Reply(Health(status="ok"))


def _view(path: str, name: str, summary: str, work: Any, kind: Any) -> AnyEndpoint:
    return Endpoint("GET", path, name, summary, work, Nothing, Nothing, {200: kind})


ENDPOINTS: Final[tuple[AnyEndpoint, ...]] = (
    _view("/workers", "list_workers", "List the workers that are alive", workers, Workers),
    _view("/definitions", "list_definitions", "List the tasks that workers have declared", definitions, Definitions),
    _view("/limits", "list_limits", "List limits, and how each of their keys stands", limits, Limits),
    Endpoint(
        "PUT",
        "/limits/{limit}",
        "put_limit",
        "Define or change a limit; the stored numbers decide from now on",
        put_limit,
        Nothing,
        LimitBody,
        {200: LimitDef},
        (422,),
        names={"limit": "/name"},
        parameters={"limit": Name},
    ),
    Endpoint(
        "DELETE",
        "/limits/{limit}",
        "drop_limit",
        "Limit no more",
        drop_limit,
        Nothing,
        Nothing,
        {204: None},
        parameters={"limit": Name},
    ),
    Endpoint(
        "POST",
        "/limits/{limit}/pause",
        "pause_key",
        "Start no more runs for which a limit counts this value; running ones finish",
        pause_key,
        Nothing,
        LimitKey,
        {200: LimitPaused},
        (404, 422),
        parameters={"limit": Name},
    ),
    Endpoint(
        "POST",
        "/limits/{limit}/resume",
        "resume_key",
        "Start runs for which a limit counts this value again, in order",
        resume_key,
        Nothing,
        LimitKey,
        {200: LimitPaused},
        (404, 422),
        parameters={"limit": Name},
    ),
    Endpoint(
        "GET",
        "/metrics",
        "read_metrics",
        "Read what the last minutes saw: in all, by minute and by task",
        metrics,
        Span,
        Nothing,
        {200: Metrics},
        (422,),
    ),
    Endpoint(
        "POST",
        "/reconcile",
        "reconcile",
        "Look once after everything that workers look after; live runs are not touched",
        reconcile,
        Nothing,
        Pass,
        {200: Reconciled},
        (422,),
    ),
    _view("/info", "show_store", "Say which store this is", info, StoreInfo),
    Endpoint(
        "GET",
        "/health",
        "health",
        "Say whether the store answers",
        health,
        Nothing,
        Nothing,
        {200: Health},
        (503,),
        "open",
    ),
)
