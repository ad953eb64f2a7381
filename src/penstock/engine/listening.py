"""Looks for work when somebody rings, and otherwise now and then: a lost ring costs a poll interval, never a run.

Where a claim can wait in the store it looks by itself, and nobody has to be woken only to ask.
"""

import asyncio
import logging
import random
from typing import Final

from penstock.core.clock import Clock
from penstock.engine.prefetch import Prefetch
from penstock.engine.slots import Slots
from penstock.engine.supervision import Duty
from penstock.engine.turns import Turns, Wanted
from penstock.ports.doorbell import Doorbell, Listener, queue_topic

POLL: Final = (1.0, 2.0)  # seconds between looks without a ring; jittered, so that no two workers keep step
IDLE_POLL: Final = (2.0, 2.5)  # after some looks in vain
IN_VAIN: Final = 5
TICK: Final = 1.0  # seconds
FIRST: Final = 3  # turns of the loop before others are asked for: those claimed begin, and the quick ones are settled
BLOCKED: Final = 1.0  # seconds of a blocked loop that are worth a line in the log

_log: Final = logging.getLogger(__name__)


class Ears:
    """Listens for the queues that are wanted, and says so to the turns."""

    def __init__(self, doorbell: Doorbell, wanted: Wanted) -> None:
        self._doorbell = doorbell
        self._wanted = wanted
        self._bell: Listener | None = None

    def change(self) -> None:
        """Other queues are wanted, or none any more: listen anew."""
        if self._bell is not None:
            self._bell.close()
            self._bell = None

    async def listen_for_ever(self, turns: Turns, slots: Slots, duty: Duty) -> None:
        """Listen until cancelled; hear nothing while claims bring as much as was asked for."""
        in_vain = 0
        try:
            await turns.learn(slots)
            turns.nudge(look=True)
            while True:
                if self._bell is None:
                    self._bell = self._doorbell.listen({queue_topic(queue) for queue in self._wanted.queues})
                duty.rest()
                await turns.looked()
                seconds = random.uniform(*(IDLE_POLL if in_vain > IN_VAIN else POLL))
                if await turns.wait(slots, seconds):
                    rung = turns.found
                    for _ in range(FIRST if rung else 0):
                        await asyncio.sleep(0)
                else:
                    duty.round()
                    rung = await self._wait(seconds)
                    turns.nudge(look=True)
                in_vain = 0 if rung or turns.found else in_vain + 1
        finally:
            self.change()

    async def _wait(self, seconds: float) -> bool:
        return self._bell is not None and bool(await self._bell.wait(seconds))


async def converse_for_ever(turns: Turns, slots: Slots, prefetch: Prefetch, duty: Duty) -> None:
    """Settle and claim until cancelled."""
    while True:
        duty.rest()
        await turns.something(slots)
        duty.round()
        settled = await turns.turn(slots)
        prefetch.measure(settled, busy=turns.look or slots.waiting > 0)
        await asyncio.sleep(0)  # what was claimed goes first, whatever the store's calls are made of


class Pulse:
    """The turning of the worker's loop, seen from other threads."""

    def __init__(self, clock: Clock) -> None:
        self.ticked_at = clock()
        self.lag = 0.0  # seconds by which the last tick was late
        self._clock = clock

    async def tick_for_ever(self, duty: Duty) -> None:
        """Tick until cancelled."""
        while True:
            due_at = self._clock() + TICK
            await asyncio.sleep(TICK)
            self.ticked_at = self._clock()
            self.lag = max(0.0, self.ticked_at - due_at)
            if self.lag > BLOCKED:
                _log.warning("the event loop was blocked for %.1f s: use a sync task, or executor=process", self.lag)
            duty.round()
