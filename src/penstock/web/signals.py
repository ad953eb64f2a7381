"""Signals over HTTP: from those who may use the API, or who hold a ticket for one; and ticks from elsewhere."""

import hmac
import time
from typing import Annotated, Any, Final

import msgspec

from penstock.app.refusals import raise_for
from penstock.app.signatures import signed
from penstock.app.status import Status, status_of
from penstock.app.tickets import LONGEST, Link, Tickets, sent_by
from penstock.core import codec, ids
from penstock.core.answers import Answer
from penstock.core.codec import Unfit
from penstock.core.errors import Invalid, NotFound
from penstock.core.requests import Send
from penstock.web.desk import Desk
from penstock.web.endpoint import ROOT, AnyEndpoint, Asked, Endpoint, Name, Nothing, Reply, RunId
from penstock.web.problems import Refusal


class Signal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message for a run. A repeated `once` is dropped."""

    payload: Any = None
    once: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The message is in the run's mailbox."""

    run_id: str
    signal: str


class NewTicket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which signal, and for how many seconds."""

    signal: Name
    seconds: Annotated[float, msgspec.Meta(gt=0, le=LONGEST)] = 7 * 86_400.0


class Tick(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tick of a schedule that is kept elsewhere: which task it starts, with which arguments, for which moment."""

    task: Name
    at: Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]
    input: dict[str, Any] = {}


async def signal(desk: Desk, asked: Asked[Nothing, Signal]) -> Reply:
    run_id, name = asked.path["id"], asked.path["signal"]
    await _send(desk, run_id, name, asked.body.payload, once=asked.body.once)  # repeated: sent before, and that is fine
    return Reply(Sent(run_id=run_id, signal=name), 202)


async def make_ticket(desk: Desk, asked: Asked[Nothing, NewTicket]) -> Reply:
    run_id = asked.path["id"]
    if await desk.client.get(run_id) is None:
        raise NotFound("run", run_id)
    text, ticket = _tickets(desk).make(run_id, asked.body.signal, asked.body.seconds)
    document = Link(
        ticket=text,
        url=f"{desk.public_url + ROOT if desk.public_url else asked.base}/tickets/{text}",
        run_id=run_id,
        signal=ticket.signal,
        expires_at=ticket.expires_at,
    )
    return Reply(document, 201)


async def use_ticket(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    ticket = _tickets(desk).read(asked.path["ticket"])
    if ticket is None:
        raise Refusal(404, "no-ticket", "this ticket was not made here, or its time is over")
    payload, once = sent_by(ticket, _json(asked.raw))
    answer = await _send(desk, ticket.run_id, ticket.signal, payload, once=once)
    if answer is Answer.DUPLICATE:
        raise Refusal(409, "used-ticket", "this ticket has been used")
    return Reply(Sent(run_id=ticket.run_id, signal=ticket.signal), 202)


async def dispatch(desk: Desk, asked: Asked[Nothing, Nothing]) -> Reply:
    """The id of the run is a hash of schedule and moment: a tick that comes twice is one run."""
    _check_sender(desk, asked)
    tick = _tick(asked.raw)
    schedule = asked.path["schedule"]
    made = await desk.app.named(tick.task)._make((), tick.input)
    run_id = ids.tick_id(desk.app.name or "", schedule, tick.at)
    new = msgspec.structs.replace(made, id=run_id, schedule=schedule, nominal_at=tick.at)
    entered = await desk.client.enter(new)
    stored = await desk.client.get(entered.id)
    if stored is None:
        raise NotFound("run", entered.id)
    return Reply(desk.run(status_of(stored, desk.client.home.codec)), 201 if entered.created else 200)


async def _send(desk: Desk, run_id: str, name: str, payload: object, *, once: str | None) -> Answer:
    """What the store answers: done, or sent before. Raises what else it says."""
    try:
        data = codec.check_size(codec.encode(payload), "payload", desk.client.limit)
    except Unfit as error:
        raise Invalid("payload", payload, str(error)) from error
    send = Send(name=name, payload=desk.client.home.codec.encode(data), run_id=run_id, once=once)
    answer, _ = await (await desk.store()).signal(send)
    if answer is not Answer.DUPLICATE:
        raise_for(answer, run_id, "signal")
    return answer


def _tickets(desk: Desk) -> Tickets:
    if desk.tickets is None:
        raise Refusal(404, "no-secret", "tickets need a secret= to be signed with")
    return desk.tickets


def _check_sender(desk: Desk, asked: Asked[Nothing, Nothing]) -> None:
    """The secret itself as a bearer's token, or a signature of moment and body made with it."""
    secret = desk.dispatch_secret
    if secret is None:
        raise Refusal(404, "no-secret", "ticks from elsewhere need a dispatch_secret=")
    kind, _, given = asked.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), secret):
        return
    if signed(secret, asked.headers.get("penstock-signature", ""), asked.raw, now=time.time()):
        return
    detail = "this needs Authorization: Bearer SECRET, or a Penstock-Signature made with it in the last 5 minutes"
    raise Refusal(401, "unauthorized", detail, headers={"www-authenticate": 'Bearer realm="penstock dispatch"'})


def _tick(data: bytes) -> Tick:
    """Read only after the sender is known."""
    try:
        return msgspec.json.decode(data, type=Tick)
    except msgspec.ValidationError as error:
        raise Refusal(422, "invalid", str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal(400, "not-json", str(error)) from error


def _json(data: bytes) -> Any:
    try:
        codec.check_depth(data)
        return msgspec.json.decode(data) if data else None
    except (msgspec.DecodeError, Unfit) as error:
        raise Refusal(400, "not-json", str(error)) from error


SIGNALS: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint(
        "POST",
        "/runs/{id}/signals/{signal}",
        "send_signal",
        "Leave a message in a run's mailbox",
        signal,
        Nothing,
        Signal,
        {202: Sent},
        (404, 409, 413, 422),
        parameters={"id": RunId, "signal": Name},
    ),
)
TICKETS: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint(
        "POST",
        "/runs/{id}/tickets",
        "make_ticket",
        "Make a link with which a person or a service may send one signal, once, for a while",
        make_ticket,
        Nothing,
        NewTicket,
        {201: Link},
        (404, 422),
        names={"ticket": "/ticket"},
        parameters={"id": RunId},
    ),
    Endpoint(
        "POST",
        "/tickets/{ticket}",
        "use_ticket",
        "Send the signal that the ticket is for; the body is its payload, any JSON",
        use_ticket,
        Nothing,
        Nothing,
        {202: Sent},
        (400, 404, 409, 413, 422),
        "signed",
        raw=Any,
        parameters={"ticket": Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_\-]{1,1000}$")]},
    ),
)
DISPATCH: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint(
        "POST",
        "/dispatch/{schedule}",
        "dispatch",
        "Start the run of a tick of a schedule that is kept elsewhere; a tick that comes twice is one run",
        dispatch,
        Nothing,
        Nothing,
        {201: Status, 200: Status},
        (400, 401, 404, 409, 413, 422),
        "signed",
        headers={"Penstock-Signature": str},
        raw=Tick,
        parameters={"schedule": Name},
    ),
)
