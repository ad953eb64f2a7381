"""A run's stream over HTTP: where it begins, and who may follow it without the token. `events` sends it."""

from typing import Annotated, Final
from urllib.parse import quote

import msgspec

from penstock.core.errors import NotFound
from penstock.web.desk import Desk
from penstock.web.endpoint import ROOT, After, AnyEndpoint, Asked, Endpoint, Feed, Nothing, Reply, RunId
from penstock.web.problems import Refusal

_ONE: Final = {"id": RunId}


class Following(After, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """... and the pass of a browser, which can't bring the token with a stream."""

    by_pass: Annotated[str, msgspec.Meta(max_length=1000)] | None = msgspec.field(name="pass", default=None)


class ForPass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many seconds, up to a day. A stream that it has opened goes on after that."""

    seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 3600.0


class StreamPass(msgspec.Struct, frozen=True, kw_only=True):
    """An address from which whoever has it may follow this run, and nothing else, until then."""

    url: str
    expires_at: float


async def stream_pass(desk: Desk, asked: Asked[ForPass, Nothing]) -> Reply:
    run_id = asked.path["id"]
    if desk.passes is None:
        raise Refusal(404, "no-token", "without a token streams need no pass")
    if await desk.client.get(run_id) is None:
        raise NotFound("run", run_id)
    text, over = desk.passes.make(run_id, asked.query.seconds)
    base = desk.public_url + ROOT if desk.public_url else asked.base
    return Reply(StreamPass(url=f"{base}/runs/{quote(run_id, safe='')}/stream?pass={text}", expires_at=over))


async def stream(desk: Desk, asked: Asked[Following, Nothing]) -> Reply | Feed:
    """204 tells a browser that has heard the end, and connects again, that nothing more will come."""
    run_id = asked.path["id"]
    after = _place(asked.headers.get("last-event-id"), asked.query.after)
    stored = await desk.client.get(run_id)
    if stored is None:
        raise NotFound("run", run_id)
    if stored.state.finished and not await (await desk.store()).log(run_id, after=after, limit=1):
        return Reply(status=204)
    return Feed(run_id, after)


def _place(last: str | None, after: int) -> int:
    """Where a stream goes on: after the last event that the browser has seen, else as asked."""
    if last is None or not last:
        return after
    if not last.isascii() or not last.isdigit() or len(last) > 15:
        raise Refusal(422, "invalid", "Last-Event-ID is the id of an event of this stream", parameter="Last-Event-ID")
    return int(last)


ENDPOINTS: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint(
        "GET",
        "/runs/{id}/stream",
        "stream_run",
        "Follow a run's log by server-sent events; 204: it has ended and all was seen",
        stream,
        Following,
        Nothing,
        {200: "text/event-stream", 204: None},
        (404, 422, 503),
        headers={"Last-Event-ID": Annotated[int, msgspec.Meta(ge=0)]},
        by_pass=True,
        parameters=_ONE,
    ),
)
PASSES: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint(
        "GET",
        "/runs/{id}/pass",
        "make_pass",
        "Make an address for a browser's EventSource, which can't bring the token: to follow this run, for a while",
        stream_pass,
        ForPass,
        Nothing,
        {200: StreamPass},
        (404, 422),
        parameters=_ONE,
    ),
)
