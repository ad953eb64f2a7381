"""Runs over HTTP: store one by its task's name, ask how it stands, wait for it, steer it, read its log."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from penstock.app import waiting
from penstock.app.handle import Run
from penstock.app.selection import Selected
from penstock.app.status import Attempted, Line, Reason, Status, status_of
from penstock.core.errors import ResultTimeout
from penstock.core.state import State
from penstock.web.desk import Desk
from penstock.web.endpoint import (
    PAGE,
    After,
    AnyEndpoint,
    Asked,
    Endpoint,
    Limit,
    Name,
    Nothing,
    Place,
    Reply,
    RunId,
    Text,
)

LONGEST_WAIT: Final = 30.0  # seconds for which one request waits for a result

_ONE: Final = {"id": RunId}


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """A page of runs. `after`: where the next page begins; a page may be short, and have more after it."""

    items: list[Status]
    after: str | None


class RunDocument(Status, frozen=True, kw_only=True, omit_defaults=True):
    """A run as it stood when asked, and why it has not finished."""

    why: Reason | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs: by how they stand, at most one of task, queue and tag is looked up, the others sieve the page."""

    state: list[State] = []
    task: Name | None = None
    queue: Name | None = None
    tag: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    since: float | UnsetType = UNSET  # enqueued not before, unix seconds
    until: float | UnsetType = UNSET
    after: Place | None = None
    limit: Limit = 50


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the run is treated, where that is not as its task says. Durations are seconds, or text like "10m"."""

    id: RunId | UnsetType = UNSET
    queue: Name | UnsetType = UNSET
    priority: Annotated[int, msgspec.Meta(ge=-1000, le=1000)] | UnsetType = UNSET
    delay: float | str | UnsetType = UNSET
    at: float | UnsetType = UNSET
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | UnsetType = UNSET
    key_ttl: float | str | UnsetType = UNSET
    expires: float | str | UnsetType | None = UNSET
    timeout: float | str | UnsetType | None = UNSET
    deadline: float | str | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
    dead_letter: bool | str | UnsetType = UNSET

    def said(self) -> dict[str, Any]:
        """Those that say something."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET}


class NewRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run to be stored: its task and its arguments by name."""

    task: Name
    input: dict[str, Any] = {}
    options: Options = Options()


class Wait(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long to wait, in seconds."""

    timeout: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_WAIT)] = 10.0


class Cancel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to cancel. `cascade`: also the runs that it has started; `terminate`: without its rollbacks."""

    reason: Text = ""
    cascade: bool = True
    terminate: bool = False


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the run is cancelled, or asked to end; False: it had finished already."""

    cancelled: bool


class LogPart(After, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many lines after this number."""

    limit: Limit = PAGE


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a log. `after`: the number to go on from."""

    items: list[Line]
    after: int


class Attempts(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts that failed, and those lost with their workers."""

    items: list[Attempted]


async def found(desk: Desk, asked: Asked[Wanted, Nothing]) -> Reply:
    query = asked.query
    selected = Selected()
    if query.state:
        selected["state"] = query.state
    for name in ("task", "queue", "tag", "since", "until"):
        value = getattr(query, name)
        if value is not None and value is not UNSET:
            selected[name] = value
    page = await desk.app.runs(after=query.after, limit=query.limit, **selected)
    return Reply({"items": desk.runs(page.items), "after": page.after})


async def enqueue(desk: Desk, asked: Asked[Nothing, NewRun]) -> Reply:
    body = asked.body
    task = desk.app.named(body.task).opts(**body.options.said())
    new = await task._make((), body.input)
    entered = await desk.client.enter(new)
    status = await Run[Any](desk.client, entered.id, created=entered.created).status()
    return Reply(desk.run(status), 201 if entered.created else 200)


async def show(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    run = _run(desk, asked.path)
    document = desk.run(await run.status())
    why = None if State(document["state"]).finished else await run.why()
    return Reply(document if why is None else {**document, "why": msgspec.to_builtins(why)})


async def result(desk: Desk, asked: Asked[Wait, Nothing]) -> Reply:
    connection = await desk.client.here()
    try:
        run = await waiting.finished(connection, asked.path["id"], asked.query.timeout, known=False)
    except ResultTimeout:
        return Reply(desk.run(await _run(desk, asked.path).status()), 202, {"retry-after": "1"})
    return Reply(desk.run(status_of(run, desk.client.home.codec)))


async def cancel(desk: Desk, asked: Asked[Nothing, Cancel]) -> Reply:
    body = asked.body
    done = await _run(desk, asked.path).cancel(body.reason, cascade=body.cascade, terminate=body.terminate)
    return Reply({"cancelled": done})


async def redrive(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    run = _run(desk, asked.path)
    await run.redrive()
    return Reply(desk.run(await run.status()))


async def promote(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    run = _run(desk, asked.path)
    await run.promote()
    return Reply(desk.run(await run.status()))


async def remove(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    await _run(desk, asked.path).remove()
    return Reply(status=204)


async def log(desk: Desk, asked: Asked[LogPart, Nothing]) -> Reply:
    lines = await _run(desk, asked.path).log(after=asked.query.after, limit=asked.query.limit)
    return Reply({"items": [desk.line(line) for line in lines], "after": lines[-1].seq if lines else asked.query.after})


async def attempts(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    return Reply({"items": await _run(desk, asked.path).attempts()})


def _run(desk: Desk, path: Mapping[str, str]) -> Run[Any]:
    return desk.app.run(path["id"])


_ACTED: Final = (404, 409)

ENDPOINTS: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint("GET", "/runs", "list_runs", "List runs, page by page", found, Wanted, Nothing, {200: Runs}, (422,)),
    Endpoint(
        "POST",
        "/runs",
        "enqueue",
        "Store a run of a task by its name: 201, or 200 with the run that its id or key stands for already",
        enqueue,
        Nothing,
        NewRun,
        {201: Status, 200: Status},
        (404, 409, 413, 422),
        names={"id": "/id"},
    ),
    Endpoint(
        "GET",
        "/runs/{id}",
        "show_run",
        "Show a run, and why it has not finished",
        show,
        Nothing,
        Nothing,
        {200: RunDocument},
        (404,),
        parameters=_ONE,
    ),
    Endpoint(
        "DELETE",
        "/runs/{id}",
        "remove_run",
        "Leave no trace of a run and all below it",
        remove,
        Nothing,
        Nothing,
        {204: None},
        _ACTED,
        parameters=_ONE,
    ),
    Endpoint(
        "GET",
        "/runs/{id}/result",
        "await_result",
        "Wait for a run's end: 200 when it has finished, well or badly, 202 if not in time",
        result,
        Wait,
        Nothing,
        {200: Status, 202: Status},
        (404, 410, 422),
        parameters=_ONE,
    ),
    Endpoint(
        "POST",
        "/runs/{id}/cancel",
        "cancel_run",
        "End a run: at once, or, if it runs, within a heartbeat of its worker",
        cancel,
        Nothing,
        Cancel,
        {200: Cancelled},
        (404, 409, 422),
        parameters=_ONE,
    ),
    Endpoint(
        "POST",
        "/runs/{id}/redrive",
        "redrive_run",
        "Begin another life of a finished run",
        redrive,
        Nothing,
        Nothing,
        {200: Status},
        _ACTED,
        parameters=_ONE,
    ),
    Endpoint(
        "POST",
        "/runs/{id}/promote",
        "promote_run",
        "Make a scheduled run ready now",
        promote,
        Nothing,
        Nothing,
        {200: Status},
        _ACTED,
        parameters=_ONE,
    ),
    Endpoint(
        "GET",
        "/runs/{id}/log",
        "read_log",
        "Read a part of a run's log",
        log,
        LogPart,
        Nothing,
        {200: Log},
        (404, 422),
        parameters=_ONE,
    ),
    Endpoint(
        "GET",
        "/runs/{id}/attempts",
        "list_attempts",
        "List the attempts that failed",
        attempts,
        Nothing,
        Nothing,
        {200: Attempts},
        (404,),
        parameters=_ONE,
    ),
)
