"""The conversation with the store: outcomes out, claims in, both in one round trip, one at a time.

What is gathered while a turn is in flight leaves with the next one. Knows nothing of how attempts are carried out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from penstock.core import ids
from penstock.core.answers import Answer
from penstock.core.clock import Clock
from penstock.core.leases import (
    Ability,
    Claim,
    ClaimRequest,
    Claims,
    Complete,
    Fail,
    Lease,
    Outcome,
    Restart,
    Retry,
)
from penstock.engine.batcher import BYTES, ITEMS
from penstock.engine.held import Held
from penstock.engine.patience import Trouble, repeat, untold
from penstock.ports.store import Leases

MARGIN: Final = 0.2  # of a lease: no new effect begins in its last part


@dataclass(slots=True, kw_only=True)
class Wanted:
    """What this worker claims: changes while it runs."""

    worker: str
    queues: tuple[str, ...]
    abilities: frozenset[Ability]
    lease: float
    in_turns: bool = False  # begin with another queue each time

    def request(self, limit: int) -> ClaimRequest:
        """A claim of so many runs, with an id of its own."""
        if self.in_turns:
            self.queues = (*self.queues[1:], *self.queues[:1])
        return ClaimRequest(
            claim_id=ids.new_claim_id(),
            worker=self.worker,
            queues=self.queues,
            abilities=self.abilities,
            limit=limit,
            lease=self.lease,
        )


class Taker(Protocol):
    """Who takes claims and answers: the worker's slots. `held` is None for a claim that nobody took."""

    def room(self) -> int:
        """How many runs may be claimed now."""
        ...

    def receive(self, claims: Sequence[Claim], safe_until: float) -> None: ...

    def settled(self, held: Held | None, outcome: Outcome, answer: Answer) -> None: ...


class Turns:
    """Settles and claims. `look` says that a claim may bring something."""

    def __init__(self, store: Leases, wanted: Wanted, *, clock: Clock, trouble: Trouble = untold) -> None:
        self.look = True
        self.found = False  # whether the last claim brought anything
        self.asking: str | None = None  # the claim that is in flight
        self._store = store
        self._wanted = wanted
        self._clock = clock
        self._trouble = trouble
        self._waiting: list[tuple[Held | None, Outcome]] = []
        self._bytes = 0
        self._in_flight: list[tuple[Held | None, Outcome]] = []
        self._signal = asyncio.Event()
        self._looked = asyncio.Event()
        self._calling = asyncio.Lock()

    def put(self, held: Held | None, outcome: Outcome) -> None:
        """Settle this with the next turn."""
        self._waiting.append((held, outcome))
        self._bytes += size_of(outcome)
        self._signal.set()

    def nudge(self, *, look: bool) -> None:
        """Something has changed: room, or (`look`) perhaps the queues."""
        if look:
            self.look = True
            self._looked.clear()
        self._signal.set()

    async def looked(self) -> None:
        """Return when there is nothing more to look for, as far as the last claim could see."""
        await self._looked.wait()

    @property
    def settling(self) -> int:
        """Outcomes that are not answered yet."""
        return len(self._waiting) + len(self._in_flight)

    async def something(self, taker: Taker) -> None:
        """Return when there is something to settle or to look for."""
        self._signal.clear()
        if self._waiting or (self.look and taker.room() > 0):
            return
        await self._signal.wait()

    async def turn(self, taker: Taker) -> int:
        """Settle what waits and claim what there is room for; how many outcomes were settled."""
        async with self._calling:
            try:
                return await self._turn(taker)
            except BaseException:
                self.look = True  # nobody knows what a failed call would have brought
                raise
            finally:
                self.asking = None  # what it brought is held by now

    async def between(self) -> None:
        """Return when no call is in flight."""
        async with self._calling:
            return

    async def _turn(self, taker: Taker) -> int:
        room = min(taker.room(), ITEMS)
        batch = self._in_flight = self._in_flight or self._next()
        outcomes = [outcome for _, outcome in batch]
        sent = self._clock()
        answers: Sequence[str] = ()
        claims: Claims | None = None
        if room > 0 and (batch or self.look):
            self.look = False  # before the call: a ring during it is heard
            request = self._wanted.request(room)
            self.asking = request.claim_id
            answers, claims = await repeat(self._both(outcomes, request), self._trouble)
        elif batch:
            answers = await repeat(lambda: self._store.settle(outcomes), self._trouble)
        self._in_flight = []
        for (held, outcome), answer in zip(batch, answers, strict=True):
            taker.settled(held, outcome, Answer(answer))
        if claims is not None:
            self.found = bool(claims.claims)
            self.look = self.look or claims.more or len(claims.claims) >= room
            if not self.look:
                self._looked.set()
            taker.receive(claims.claims, sent + self._wanted.lease * (1 - MARGIN))
        return len(batch)

    def _both(
        self, outcomes: list[Outcome], request: ClaimRequest
    ) -> Callable[[], Awaitable[tuple[Sequence[str], Claims]]]:
        async def turn() -> tuple[Sequence[str], Claims]:
            if not outcomes:
                return (), await self._store.claim(request)
            turned = await self._store.turn(outcomes, request)
            return turned.answers, turned.claims

        return turn

    def _next(self) -> list[tuple[Held | None, Outcome]]:
        """What the next call settles: all that waits, if it fits."""
        if len(self._waiting) <= ITEMS and self._bytes <= BYTES:
            batch, self._waiting, self._bytes = self._waiting, [], 0
            return batch
        count = size = 0
        for _, outcome in self._waiting[:ITEMS]:
            size += size_of(outcome)
            if count and size > BYTES:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        self._bytes = sum(size_of(outcome) for _, outcome in self._waiting)
        return batch


def size_of(outcome: Outcome) -> int:
    """The bytes of its payload."""
    match outcome:
        case Complete():
            return len(outcome.result)
        case Fail():
            return len(outcome.error)
        case Retry():
            return len(outcome.error or b"")
        case Restart():
            return len(outcome.input)
        case _:
            return 0


def leases_of(held: Sequence[Held]) -> list[Lease]:
    """The leases of these runs."""
    return [one.attempt.claim.lease for one in held]
