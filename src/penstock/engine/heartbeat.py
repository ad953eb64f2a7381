"""Keeps the worker's leases alive from a thread of its own, and brings the word that a run shall stop.

The thread has its own event loop, so that a handler that blocks the worker's loop loses nothing. But when that loop has
made no turn for very long, it is dead, and its runs shall go to others: then no lease is extended any more.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from penstock.core.answers import Answer
from penstock.core.clock import Clock
from penstock.engine.batcher import ITEMS
from penstock.engine.held import Held
from penstock.engine.patience import repeat
from penstock.engine.stop import Reason
from penstock.engine.supervision import Duty
from penstock.engine.turns import MARGIN
from penstock.ports.doorbell import worker_topic
from penstock.ports.store import Store

SPACING: Final = 0.05  # seconds between two beats, however often somebody rings

_log: Final = logging.getLogger(__name__)


class Listeners(Protocol):
    """Who hears what the store says about leases. Called from the heartbeat's thread."""

    def extended(self, held: Held, safe_until: float) -> None: ...

    def ask(self, held: Held, reason: Reason) -> None:
        """The run shall stop: LOST or CANCEL."""
        ...


class Heartbeat:
    """Extends what `held` says, every third of a lease, and at once when somebody rings for this worker.

    `alive` says whether the worker's own loop still turns. `beat_at` is when all leases were last extended.
    """

    def __init__(
        self, store: Store, worker: str, lease: float, *, clock: Clock, alive: Callable[[], bool], duty: Duty
    ) -> None:
        self.beat_at = clock()
        self._store = store
        self._worker = worker
        self._lease = lease
        self._clock = clock
        self._alive = alive
        self._duty = duty

    async def beat_for_ever(
        self, asking: Callable[[], str | None], held: Callable[[], Sequence[Held]], listeners: Listeners
    ) -> None:
        """Beat until cancelled. `asking`: the claim in flight, whose answer a blocked loop can't take in."""
        bell = self._store.doorbell.listen({worker_topic(self._worker)})
        try:
            next_at = self._clock()  # at once: what was rung before is not heard
            while True:
                self._duty.round()
                rung = await bell.wait(max(0.0, next_at - self._clock()))
                if rung:  # many cancels at once are one beat
                    await asyncio.sleep(max(0.0, self.beat_at + SPACING - self._clock()))
                if rung or self._clock() >= next_at:
                    claim = asking()  # first: what it brings is held before it is no longer in flight
                    await self.beat(held(), listeners)
                    if claim is not None and self._alive():
                        await self._extend_claim(claim)
                    next_at = self._clock() + self._lease / 3
        finally:
            bell.close()

    async def beat(self, held: Sequence[Held], listeners: Listeners) -> None:
        """Extend these leases once, and pass on what the store says of each."""
        if not self._alive():
            _log.critical("the worker's loop has stopped: its %d leases are left to expire", len(held))
            return
        for start in range(0, len(held), ITEMS):
            batch = held[start : start + ITEMS]
            leases = [one.attempt.claim.lease for one in batch]
            sent = self._clock()
            answers = await repeat(partial(self._store.extend, leases, self._lease), self._duty.unanswered)
            for one, answer in zip(batch, answers, strict=True):
                self._pass_on(one, answer, sent + self._lease * (1 - MARGIN), listeners)
        self.beat_at = self._clock()

    async def _extend_claim(self, claim: str) -> None:
        extend = partial(self._store.extend_claim, self._worker, claim, self._lease)
        await repeat(extend, self._duty.unanswered)

    def _pass_on(self, held: Held, answer: Answer, safe_until: float, listeners: Listeners) -> None:
        match answer:
            case Answer.OK:
                listeners.extended(held, safe_until)
            case Answer.STOP:
                listeners.extended(held, safe_until)
                listeners.ask(held, Reason.CANCEL)
            case _:
                listeners.ask(held, Reason.LOST)
