"""The conversation with the store: outcomes out, claims in, both in one round trip, one at a time.

What is gathered while a turn is in flight leaves with the next one. Where the store can have a claim wait, that of an
idle worker does, and outcomes leave alone meanwhile. Knows nothing of how attempts are carried out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, cast

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
from penstock.ports.patient import Patient
from penstock.ports.store import Leases

MARGIN: Final = 0.2  # of a lease: no new effect begins in its last part
WAITING: Final = 0.25  # of a lease: a claim waits no longer, for the lease may count from when it was sent


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


class Standing(NamedTuple):
    """A claim that waits in the store, or did, and nobody has heard what came of it."""

    request: ClaimRequest
    sent_at: float
    hurry: "asyncio.Future[None]"  # done when it shall wait no longer


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
        self._patient = cast("Patient", store) if getattr(store, "claims_wait", False) else None
        self._waiting_claim = asyncio.Lock()
        self._standing: Standing | None = None  # while it stands nothing else is claimed

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
            self.hurry()
        self._signal.set()

    def hurry(self) -> None:
        """Have no claim wait any longer: it was made for what does not hold any more."""
        if self._standing is not None and not self._standing.hurry.done():
            self._standing.hurry.set_result(None)

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
        if self._waiting or (self.look and self._standing is None and taker.room() > 0):
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
                if self._standing is None:
                    self.asking = None  # what it brought is held by now

    async def wait(self, taker: Taker, seconds: float) -> bool:
        """Claim what there is room for as soon as there is something, or after so many seconds.

        Others settle meanwhile, and claim nothing. False: the store can't have it wait, or there is no room.
        """
        if self._patient is None or seconds > WAITING * self._wanted.lease:
            return False
        async with self._waiting_claim:
            async with self._calling:  # one claim at a time
                room = min(taker.room(), ITEMS)
                if self.look or room <= 0:
                    return self.look
                standing = Standing(
                    self._wanted.request(room), self._clock(), asyncio.get_running_loop().create_future()
                )
                self._standing, self.asking = standing, standing.request.claim_id
            claims = await self._patient.claim_when_rung(standing.request, seconds, standing.hurry)
            if claims is not None:
                self._heard(claims, taker, room, standing.sent_at)
            else:
                await self._learn(taker)
                self.nudge(look=True)
        return claims is not None or standing.hurry.done()

    async def learn(self, taker: Taker) -> None:
        """Take in what a claim has brought that waited, and whose answer nobody has heard. It brings nothing more."""
        async with self._waiting_claim:
            await self._learn(taker)

    async def _learn(self, taker: Taker) -> None:
        patient, standing = self._patient, self._standing
        if patient is not None and standing is not None:
            claims = await repeat(lambda: patient.claim_over(standing.request), self._trouble)
            self._heard(claims, taker, standing.request.limit, standing.sent_at)

    def _heard(self, claims: Claims, taker: Taker, room: int, sent_at: float) -> None:
        """The claim that waited stands no more."""
        self._standing = None
        self._take(claims, taker, room, sent_at)
        self.asking = None  # what it brought is held by now
        self._signal.set()

    async def between(self, taker: Taker) -> None:
        """Return when no call is in flight, and no claim."""
        self.hurry()
        await self.learn(taker)
        async with self._calling:
            return

    async def _turn(self, taker: Taker) -> int:
        room = min(taker.room(), ITEMS)
        batch = self._in_flight = self._in_flight or self._next()
        outcomes = [outcome for _, outcome in batch]
        sent = self._clock()
        answers: Sequence[str] = ()
        claims: Claims | None = None
        if room > 0 and self._standing is None and (self.look or (batch and self._patient is None)):
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
            self._take(claims, taker, room, sent)
        return len(batch)

    def _take(self, claims: Claims, taker: Taker, room: int, sent_at: float) -> None:
        """Pass them on, and see whether there may be more."""
        self.found = bool(claims.claims)
        self.look = self.look or claims.more or len(claims.claims) >= room
        if self.look:
            self._looked.clear()
        else:
            self._looked.set()
        taker.receive(claims.claims, sent_at + self._wanted.lease * (1 - MARGIN))

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
