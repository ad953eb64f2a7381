"""Schedules over HTTP: look at them, make and change those of run time, pause, trigger, backfill, delete."""

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from penstock.app.named import NamedCall
from penstock.app.schedules_terms import ScheduleStatus
from penstock.app.status import Status
from penstock.core.errors import Invalid, NotFound
from penstock.web.desk import Desk
from penstock.web.endpoint import AnyEndpoint, Asked, Endpoint, Name, Nothing, Paging, Reply
from penstock.web.runs import Options

When: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]
Span: TypeAlias = float | str

LONGEST: Final = 400 * 86_400.0  # seconds that one backfill spans


class Schedules(msgspec.Struct, frozen=True, kw_only=True):
    """A page of schedules, by name."""

    items: list[ScheduleStatus]
    after: str | None


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it ticks, and what becomes of ticks. Durations: seconds, or text like "10m". Moments: unix seconds."""

    cron: str | UnsetType = UNSET
    every: Span | UnsetType = UNSET
    at: When | UnsetType = UNSET
    tz: str | UnsetType = UNSET
    seconds: bool | UnsetType = UNSET
    anchor: When | UnsetType = UNSET
    start: When | UnsetType = UNSET
    end: When | UnsetType = UNSET
    count: Annotated[int, msgspec.Meta(ge=1)] | UnsetType | None = UNSET
    missed: Literal["skip", "latest"] | Annotated[int, msgspec.Meta(ge=1)] | UnsetType = UNSET
    overlap: Literal["allow", "skip", "queue", "replace"] | UnsetType = UNSET
    jitter: Span | UnsetType = UNSET

    def said(self) -> dict[str, Any]:
        """Those that say something."""
        return {name: value for name in Terms.__struct_fields__ if (value := getattr(self, name)) is not UNSET}


class NewSchedule(Terms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule, and the run that each tick stores: its task, its arguments by name, how it is treated."""

    task: Name
    input: dict[str, Any] = {}
    options: Options = Options()


class EditedSchedule(Terms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said here changes, and nothing else. Another run needs its task said."""

    task: Name | UnsetType = UNSET
    input: dict[str, Any] = {}
    options: Options = Options()


class SchedulePaused(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the schedule is paused from now on."""

    schedule: str
    paused: bool


class Backfill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when to when, up to 400 days."""

    start: When
    end: When


class Backfilled(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs were stored: those of ticks that had none."""

    stored: int


async def listed(desk: Desk, asked: Asked[Paging, Nothing]) -> Reply:
    after, limit = asked.query.after, asked.query.limit
    found = [one for one in await desk.app.schedules.all() if after is None or one.name > after]
    return Reply(Schedules(items=found[:limit], after=found[limit - 1].name if len(found) > limit else None))


async def show(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    return Reply(await desk.app.schedules.get(asked.path["schedule"]))


async def put(desk: Desk, asked: Asked[Nothing, NewSchedule]) -> Reply:
    body, name = asked.body, asked.path["schedule"]
    return Reply(await desk.app.schedules.create(name, _call(desk, body.task, body), **body.said()))


async def edit(desk: Desk, asked: Asked[Nothing, EditedSchedule]) -> Reply:
    body = asked.body
    if body.task is UNSET and (body.input or body.options.said()):
        raise Invalid("task", None, "say which task's run it is that has this input and these options")
    call = None if body.task is UNSET else _call(desk, body.task, body)
    return Reply(await desk.app.schedules.edit(asked.path["schedule"], call, **body.said()))


async def pause(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    await desk.app.schedules.pause(asked.path["schedule"])
    return Reply(SchedulePaused(schedule=asked.path["schedule"], paused=True))


async def resume(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    await desk.app.schedules.resume(asked.path["schedule"])
    return Reply(SchedulePaused(schedule=asked.path["schedule"], paused=False))


async def trigger(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    run = await desk.app.schedules.trigger(asked.path["schedule"])
    return Reply(desk.run(await run.status()), 201)


async def backfill(desk: Desk, asked: Asked[Nothing, Backfill]) -> Reply:
    body = asked.body
    if body.end - body.start > LONGEST:
        raise Invalid("end", body.end, "at most 400 days after the start")
    stored = await desk.app.schedules.backfill(asked.path["schedule"], start=body.start, end=body.end)
    return Reply(Backfilled(stored=stored))


async def delete(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    name = asked.path["schedule"]
    if not await desk.app.schedules.delete(name):
        raise NotFound("schedule", name)
    return Reply(status=204)


def _call(desk: Desk, task: str, body: NewSchedule | EditedSchedule) -> NamedCall:
    return desk.app.named(task).opts(**body.options.said()).call(**body.input)


_ONE: Final = {"schedule": Name}

ENDPOINTS: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint(
        "GET", "/schedules", "list_schedules", "List the schedules", listed, Paging, Nothing, {200: Schedules}, (422,)
    ),
    Endpoint(
        "GET",
        "/schedules/{schedule}",
        "show_schedule",
        "Show a schedule and its next tick",
        show,
        Nothing,
        Nothing,
        {200: ScheduleStatus},
        (404,),
        parameters=_ONE,
    ),
    Endpoint(
        "PUT",
        "/schedules/{schedule}",
        "put_schedule",
        "Have a run stored at each tick; a schedule of that name made at run time becomes this one",
        put,
        Nothing,
        NewSchedule,
        {200: ScheduleStatus},
        (404, 413, 422),
        names={"schedule": "/name"},
        parameters=_ONE,
    ),
    Endpoint(
        "PATCH",
        "/schedules/{schedule}",
        "edit_schedule",
        "Change what is said here about a schedule made at run time",
        edit,
        Nothing,
        EditedSchedule,
        {200: ScheduleStatus},
        (404, 413, 422),
        parameters=_ONE,
    ),
    Endpoint(
        "DELETE",
        "/schedules/{schedule}",
        "delete_schedule",
        "Fire no more; runs stay. Refused while a live worker declares it in its code",
        delete,
        Nothing,
        Nothing,
        {204: None},
        (404, 422),
        parameters=_ONE,
    ),
    Endpoint(
        "POST",
        "/schedules/{schedule}/pause",
        "pause_schedule",
        "Let no tick of a schedule fire",
        pause,
        Nothing,
        Nothing,
        {200: SchedulePaused},
        (404,),
        parameters=_ONE,
    ),
    Endpoint(
        "POST",
        "/schedules/{schedule}/resume",
        "resume_schedule",
        "Let ticks of a schedule fire again; those that were due meanwhile are missed ones",
        resume,
        Nothing,
        Nothing,
        {200: SchedulePaused},
        (404,),
        parameters=_ONE,
    ),
    Endpoint(
        "POST",
        "/schedules/{schedule}/trigger",
        "trigger_schedule",
        "Store a run of a schedule now, beside its ticks",
        trigger,
        Nothing,
        Nothing,
        {201: Status},
        (404, 422),
        names={"id": "/id"},
        parameters=_ONE,
    ),
    Endpoint(
        "POST",
        "/schedules/{schedule}/backfill",
        "backfill_schedule",
        "Store the runs of ticks of the past that have none",
        backfill,
        Nothing,
        Backfill,
        {200: Backfilled},
        (404, 422),
        parameters=_ONE,
    ),
)
