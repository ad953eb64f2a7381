"""What every worker does now and then for all: promote what is due, rescue what was lost, fire, ...

No leader: each round is one move of the store that is harmless to repeat, and no two workers keep step.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from penstock.core.answers import Tended
from penstock.core.requests import Guard
from penstock.engine.patience import repeat
from penstock.engine.schedules import fire_due
from penstock.engine.supervision import Duty
from penstock.ports.doorbell import UPKEEP, Listener
from penstock.ports.store import Store

BUDGET: Final = 500  # runs in one move
IDLE: Final = (1.8, 2.4)  # seconds between rounds when nothing is due
SPACING: Final = 0.01  # seconds between rounds, however much is due or rung
STUCK: Final = 0.1  # seconds until this worker looks again at what is due and not for it to do
SPREAD: Final = 0.005  # seconds by which workers that wait for the same moment fall apart


async def tend_for_ever(store: Store, guard: Guard, duty: Duty) -> None:
    """Tend until cancelled."""
    bell = store.doorbell.listen({UPKEEP})
    try:
        while True:
            tended = await tend(store, guard, duty)
            await _until_due(bell, tended.next_in)
    finally:
        bell.close()


async def tend(store: Store, guard: Guard, duty: Duty) -> Tended:
    """Do all that is due now, ticks of schedules as well, in moves of bounded size."""
    while True:
        tended = await _tend(store, guard, duty)
        if tended.next_in != 0 or not await fire_due(store, duty.unanswered):
            return tended
        duty.round()


async def _tend(store: Store, guard: Guard, duty: Duty) -> Tended:
    call: Callable[[], Awaitable[Tended]] = lambda: store.tend(BUDGET, guard)  # noqa: E731 (repeat wants a callable)
    tended = await repeat(call, duty.unanswered)
    duty.round()
    while tended.more:
        await asyncio.sleep(0)  # runs go first
        tended = await repeat(call, duty.unanswered)
        duty.round()
    return tended


async def _until_due(bell: Listener, next_in: float | None) -> None:
    """Wait until something is due, or somebody says that something is due earlier."""
    pause = random.uniform(*IDLE)
    if next_in is not None:
        pause = min(pause, (next_in or STUCK) + random.uniform(0.0, SPREAD))
    await asyncio.sleep(SPACING)
    if pause > SPACING:
        await bell.wait(pause - SPACING)
