"""Takes what the worker has counted to the store, every few seconds. Counts may be lost with the worker, runs never."""

import asyncio
import logging
from typing import Final

from penstock.core.errors import Unavailable
from penstock.engine.supervision import Duty
from penstock.engine.tally import Tally
from penstock.ports.store import Upkeep

EVERY: Final = 10.0  # seconds

_log: Final = logging.getLogger(__name__)


async def flush_for_ever(store: Upkeep, tally: Tally, duty: Duty) -> None:
    """Flush until cancelled. An idle worker has nothing to say, and makes no call."""
    while True:
        await asyncio.sleep(EVERY)
        await flush(store, tally)
        duty.round()


async def flush(store: Upkeep, tally: Tally) -> None:
    """Add what was counted to the store's roll-ups."""
    rollups = tally.take()
    if not rollups:
        return
    try:
        await store.flush(rollups)
    except Unavailable as error:
        if error.applied == "no":
            tally.give_back(rollups)
        else:  # adding twice would be worse than not at all
            _log.warning("the counts of %d minutes may be missing from the roll-ups", len(rollups))
