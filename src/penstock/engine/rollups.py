"""Takes what the worker has counted to the store, every few seconds. Counts may be lost with the worker, runs never."""

import asyncio
from typing import Final

from penstock.core.errors import Unavailable
from penstock.engine.supervision import Duty
from penstock.engine.tally import Tally
from penstock.ports.store import Upkeep

EVERY: Final = 10.0  # seconds


async def flush_for_ever(store: Upkeep, worker: str, tally: Tally, duty: Duty) -> None:
    """Flush until cancelled. An idle worker has nothing to say, and makes no call."""
    while True:
        await asyncio.sleep(EVERY)
        await flush(store, worker, tally)
        duty.round()


async def flush(store: Upkeep, worker: str, tally: Tally) -> None:
    """Add what was counted to the store's roll-ups. What was not answered goes again, as it was, the next time."""
    while (batch := tally.take()) is not None:
        number, rollups = batch
        try:
            await store.flush(rollups, worker=worker, number=number)
        except Unavailable:
            return
        tally.stored(number)
