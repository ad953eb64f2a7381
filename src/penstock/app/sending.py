"""Signals to runs: checked here, stored in their mailboxes. In workflow code sending one is a step of its own."""

from typing import Any, Final

from msgspec.structs import replace

from penstock.app.client import Client
from penstock.app.refusals import raise_for
from penstock.core.answers import Answer
from penstock.core.codec import check_size
from penstock.core.errors import Invalid, KeyConflict, NotFound, Unavailable
from penstock.core.leases import Step
from penstock.core.names import check_name
from penstock.core.requests import Send
from penstock.core.retry import Retry
from penstock.core.run import NewRun
from penstock.core.shape import Shape
from penstock.models import durable, journal
from penstock.models.calls import Call
from penstock.models.steps import StepBody
from penstock.models.waits import Signal

LONGEST: Final = 200  # characters of `once`
AGAIN: Final = Retry(10, on=Unavailable)

_ANY: Final = Shape(Any, "value")


async def send(  # noqa: PLR0913 (each is said once, by name)
    client: Client,
    signal: Signal[Any] | str,
    value: object,
    *,
    run_id: str | None = None,
    task: str = "",
    key: str | None = None,
    start: NewRun | None = None,
    once: str | None = None,
) -> tuple[str, bool]:
    """Leave it in the mailbox of that run: the run's id, and whether it is new there: not a repeated `once`."""
    if start is not None:
        client.holder()
    name, shape = (signal.name, signal.shape) if isinstance(signal, Signal) else (check_name(signal, "signal"), _ANY)
    data = check_size(shape.encode(value), "value", client.limit)
    wanted = Send(
        name=name,
        payload=client.home.codec.encode(data),
        run_id=run_id,
        task=None if key is None else task,
        key=key,
        once=_checked(once),
        start=start,
    )
    found = durable.here()
    if found is None:
        return await _sent(client, wanted)
    body = StepBody(_sent, f"signal {name}", retry=AGAIN)
    place = found.scope.take(body.name, journal.STEP)

    async def live(call: Call) -> Step:
        claim = found.passage.attempt.claim
        mine = replace(wanted, once=wanted.once or f"{claim.run_id}/{claim.history}{place.path}")
        return await body.carry_out(found.passage, call, (client, mine), {})

    step = await found.outcome(place, live)
    sent: tuple[str, bool] = body.returns.decode(client.home.codec.decode(step.value or b"null"))
    return sent


async def _sent(client: Client, wanted: Send) -> tuple[str, bool]:
    answer, run_id = await (await client.store()).signal(wanted)
    if answer is Answer.KEY_CONFLICT and wanted.start is not None and wanted.start.key is not None:
        raise KeyConflict(wanted.start.key.key, run_id or "")
    if answer is Answer.NOT_FOUND and wanted.key is not None:
        raise NotFound("run with key", wanted.key)
    if answer is not Answer.DUPLICATE:
        raise_for(answer, run_id or wanted.run_id or "", "signal")
    return run_id or "", answer is Answer.OK


def _checked(once: object) -> str | None:
    if once is not None and not (isinstance(once, str) and 1 <= len(once) <= LONGEST):
        raise Invalid("once", once, f"a text of 1 to {LONGEST} characters")
    return once
