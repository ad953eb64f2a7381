"""Graphs over HTTP: start one that is registered, see how its run stands and what has happened, bring it back.

Signals for its waits are sent as to any run, by `signals`; links for webhooks are tickets there.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from penstock.app.graph_documents import Event, Moment, event_document, moment_document
from penstock.app.graph_runs import GraphRun
from penstock.app.status import Status
from penstock.web.desk import Desk
from penstock.web.endpoint import PAGE, After, AnyEndpoint, Asked, Endpoint, Limit, Nothing, Reply, RunId
from penstock.web.runs import Options

_ONE: Final = {"id": RunId}
_BACK: Final = (404, 409, 413, 422)

Blueprint = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_\-]{1,100}(@[A-Za-z0-9_.\-]{1,100})?$")]
NodeId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_\-]{1,100}$")]
Number = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class NewGraph(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A graph to be started: its blueprint's id, or id@version, as registered with the served app."""

    blueprint: Blueprint
    input: Any = None
    context: dict[str, Any] = {}
    options: Options = Options()


class At(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At which event; otherwise now."""

    at: Number | UnsetType = UNSET


class EventsPart(After, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many events after this number."""

    limit: Limit = PAGE


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what has happened. `after`: the number to go on from."""

    items: list[Event]
    after: int


class Rerun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which node; with `input` it is given that."""

    node: NodeId
    input: Any = UNSET


class Rollback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To which node."""

    node: NodeId


async def start(desk: Desk, asked: Asked[Nothing, NewGraph]) -> Reply:
    body = asked.body
    run = await desk.app.start(body.blueprint, input=body.input, context=body.context, **body.options.said())
    return Reply(desk.run(await run.status()), 201 if run.created else 200)


async def stands(desk: Desk, asked: Asked[At, Nothing]) -> Reply:
    at = asked.query.at
    moment = await _run(desk, asked.path).moment(None if isinstance(at, UnsetType) else at)
    return Reply(moment_document(moment, desk.redact))


async def events(desk: Desk, asked: Asked[EventsPart, Nothing]) -> Reply:
    after = asked.query.after
    found = await _run(desk, asked.path).events(after=after, limit=asked.query.limit)
    items = [event_document(one, desk.redact) for one in found]
    return Reply({"items": items, "after": found[-1].seq if found else after})


async def rerun(desk: Desk, asked: Asked[Nothing, Rerun]) -> Reply:
    run = _run(desk, asked.path)
    await run.rerun(asked.body.node, input=asked.body.input)
    return Reply(desk.run(await run.status()))


async def rollback(desk: Desk, asked: Asked[Nothing, Rollback]) -> Reply:
    run = _run(desk, asked.path)
    await run.rollback(asked.body.node)
    return Reply(desk.run(await run.status()))


def _run(desk: Desk, path: Mapping[str, str]) -> GraphRun:
    return desk.app.graph_run(path["id"])


ENDPOINTS: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint(
        "POST",
        "/graphs",
        "start_graph",
        "Start a graph by its blueprint's id: 201, or 200 with the run that its id or key stands for already",
        start,
        Nothing,
        NewGraph,
        {201: Status, 200: Status},
        (404, 409, 413, 422),
        names={"id": "/id"},
    ),
    Endpoint(
        "GET",
        "/runs/{id}/graph",
        "show_graph",
        "Show how a graph run stands, or stood at one of its events: its nodes and its context",
        stands,
        At,
        Nothing,
        {200: Moment},
        (404, 422),
        parameters=_ONE,
    ),
    Endpoint(
        "GET",
        "/runs/{id}/events",
        "list_graph_events",
        "Read a part of what has happened in a graph run",
        events,
        EventsPart,
        Nothing,
        {200: Events},
        (404, 422),
        parameters=_ONE,
    ),
    Endpoint(
        "POST",
        "/runs/{id}/rerun",
        "rerun_graph",
        "Run a node of a graph that has ended, and what is below it, once more",
        rerun,
        Nothing,
        Rerun,
        {200: Status},
        _BACK,
        parameters=_ONE,
    ),
    Endpoint(
        "POST",
        "/runs/{id}/rollback",
        "rollback_graph",
        "Bring a graph run that has ended back to the start of a node",
        rollback,
        Nothing,
        Rollback,
        {200: Status},
        _BACK,
        parameters=_ONE,
    ),
)
