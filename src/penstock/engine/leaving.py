"""How a worker goes: claim nothing more, let runs end for a while, interrupt the rest, hand them back. Each bounded."""

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any, Final

from penstock.core.leases import Release
from penstock.engine.slots import Slots
from penstock.engine.stop import Reason
from penstock.engine.turns import Turns

PARTING: Final = 3.0  # seconds for interrupted handlers to end
SETTLING: Final = 5.0  # seconds for the store to answer the last claim, and to take the last outcomes

_log: Final = logging.getLogger(__name__)


async def at_most(seconds: float, work: Awaitable[object]) -> bool:
    """Whether the work was done within so many seconds; if not, it is cancelled."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True


async def leave(slots: Slots, turns: Turns, grace: float, hurry: asyncio.Event) -> None:
    """Hold no run any more, as far as the store answers. `hurry` cuts the grace short."""
    slots.shut()
    await _before(hurry, _let_end(slots, turns), within=grace)
    await at_most(SETTLING, turns.between(slots))  # a claim that waits would take again what is handed back
    for held in slots.unfinished:
        claim = held.attempt.claim
        _log.warning("run %s of %s goes on elsewhere: it did not end in %g s of grace", claim.run_id, claim.task, grace)
        slots.ask(held, Reason.SHUTDOWN)
    await at_most(PARTING, slots.until(lambda: not slots.unfinished))
    for held in slots.unfinished:
        claim = held.attempt.claim
        _log.error("run %s of %s is handed back although its handler does not end", claim.run_id, claim.task)
        slots.end_without(held, Release(lease=claim.lease))
    if not await at_most(SETTLING, slots.until(lambda: not slots.held)):
        _log.error("%d runs could not be settled: their leases will expire", len(slots.held))


async def _let_end(slots: Slots, turns: Turns) -> None:
    await turns.between(slots)  # a claim in flight may still bring runs; no later one does
    await slots.until(lambda: not slots.unfinished)


async def _before(hurry: asyncio.Event, work: Coroutine[Any, Any, None], *, within: float) -> None:
    """Wait until the work is done, somebody hurries, or the time is over."""
    tasks = [asyncio.create_task(work), asyncio.create_task(hurry.wait())]
    try:
        await asyncio.wait(tasks, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
