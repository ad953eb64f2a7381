"""Which runs of a graph's nodes have ended since the plan was last told. Looks where an end is likely first.

Runs start in order and end roughly so; what was started last belongs to what moves. So it looks from both ends, at a
few runs, then at more, until it has found as many as the store says have ended.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeAlias

import msgspec

from penstock.core.codec import Codec
from penstock.core.error_record import ErrorRecord, describe
from penstock.core.errors import NodeFailed, Purged
from penstock.core.run import Cause, Run
from penstock.core.state import State
from penstock.models.ends import ended_by
from penstock.models.graph.events import Cancel, Failed, Finished, Write
from penstock.models.graph.session import Session
from penstock.models.graph.stored import TASK, Noted

Get: TypeAlias = Callable[[Sequence[str]], Awaitable[list[Run | None]]]

FIRST: Final = 16  # runs in the first look
MOST: Final = 1000
FATAL: Final = frozenset({"penstock.Never", "penstock.RunCancelled", "penstock.Purged"})  # no fallback stands in


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a node's run."""

    output: object = None
    action: str | None = None
    writes: tuple[Write, ...] = ()


_RESULT: Final = msgspec.json.Decoder(Result)


async def ended(session: Session, get: Get, codec: Codec, wanted: int) -> list[Noted | str]:
    """What has ended, at least `wanted` if there are so many; of one that must be started once more its key."""
    found: list[Noted | str] = []
    blocked = session.blocked
    unborn = {one.key for one in session.fresh if not isinstance(one, Cancel)}
    for window in _windows(session.open, blocked, wanted):
        keys = [key for key in window if key not in unborn] if unborn else window
        run_ids = [session.open.get(key) or blocked[key][0] for key in keys]
        for key, run_id, run in zip(keys, run_ids, await get(run_ids), strict=True):
            noted = _noted(key, run_id, run, blocked.get(key, ("", 0))[1], codec)
            if noted is not None:
                found.append(noted)
        if len(found) >= wanted:
            break
    return found


def _windows(open_: dict[str, str], blocked: Mapping[str, object], wanted: int) -> Iterator[list[str]]:
    """The keys in portions: blocked ones, then from the front and from the back, more and more."""
    if blocked:
        yield list(blocked)
    front, back = iter(open_), reversed(open_)
    left, size = len(open_), min(MOST, max(FIRST, wanted))
    while left > 0:
        for side in (front, back):
            keys = list(islice(side, min(size, left)))
            left -= len(keys)
            if keys:
                yield keys
        size = min(MOST, size * 4)


def _noted(key: str, run_id: str, run: Run | None, before: int, codec: Codec) -> Noted | str | None:
    """What to tell of this run; None while it goes on, or if that has been told."""
    if run is None:
        return Noted(event=Failed(key=key, error=describe(Purged(run_id)), fatal=True))
    if not run.state.finished or run.life <= before:
        return None
    match run.state:
        case State.SUCCEEDED:
            return Noted(event=_finished(key, run, codec), life=run.life)
        case State.CANCELLED if run.cause is Cause.PARENT:  # an earlier life of the graph run took it along
            return key
        case State.CANCELLED:
            error = ErrorRecord(type="penstock.RunCancelled", message=run.reason or "it was cancelled")
        case _:
            error = ended_by(run.id, run.cause, run.error, crashes=run.crashes)
    return Noted(event=Failed(key=key, error=error, fatal=error.type in FATAL), life=run.life)


def _finished(key: str, run: Run, codec: Codec) -> Finished | Failed:
    data = codec.decode(run.result or b"null")
    if run.task == TASK:  # a graph below: its whole result
        return Finished(key=key, output=msgspec.json.decode(data))
    try:
        result = _RESULT.decode(data)
    except msgspec.DecodeError as error:
        said = f"run {run.id} has returned what no node returns: {error}"
        return Failed(key=key, error=describe(NodeFailed(key, said)), fatal=True)
    return Finished(key=key, output=result.output, action=result.action, writes=result.writes)
