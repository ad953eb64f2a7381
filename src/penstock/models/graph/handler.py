"""How a worker carries out graph runs: it plans them, and remembers how they stand for the next time.

What it remembers only spares work: the records of the run say the same, and win.
"""

from collections import OrderedDict
from typing import Final

from penstock.core.codec import HEADER
from penstock.core.errors import Mismatch
from penstock.core.leases import Ability, Claim, Outcome
from penstock.core.retry import Retry
from penstock.engine.handler import Attempt, Executor
from penstock.models.graph.hands import Hands
from penstock.models.graph.session import Session
from penstock.models.graph.stored import (
    BAGGAGE,
    TASK,
    Baggage,
    decoded_baggage,
    decoded_entry,
    decoded_input,
    entries_of,
)
from penstock.models.graph.turn import Stale, Turn

REMEMBERED: Final = 300_000  # nodes of all graphs together
ONCE: Final = Retry(1)


class GraphHandler:
    """Plans the graph runs of one worker. `queue`: where those stand that its app starts."""

    def __init__(self, hands: Hands, queue: str) -> None:
        self.ability = Ability(task=TASK)
        self.queue = queue
        self._hands = hands
        self._memory = Memory()

    @property
    def executor(self) -> Executor:
        return Executor.LOOP

    @property
    def limited(self) -> bool:
        return True

    @property
    def entry(self) -> tuple[str, str]:
        raise RuntimeError("graphs are planned on the worker's loop")

    @property
    def asynchronous(self) -> bool:
        return True

    def timeout(self, claim: Claim) -> float | None:
        return None

    def retry(self, claim: Claim) -> Retry:
        return ONCE

    def work_in_thread(self, attempt: Attempt) -> Outcome:
        raise RuntimeError("graphs are planned on the worker's loop")

    async def work(self, attempt: Attempt) -> Outcome:
        """Plan the graph run a bit further."""
        claim, began = attempt.claim, self._hands.clock()
        session = self._memory.take(claim)
        while True:
            if session is None:
                session = await self._loaded(attempt)
            try:
                outcome = await Turn(attempt, session, self._hands, began).go()
            except Stale:
                session = None
            else:
                if session.end is None:
                    self._memory.keep(claim, session)
                return outcome

    async def _loaded(self, attempt: Attempt) -> Session:
        """The graph run as its records say that it stands."""
        claim, codec = attempt.claim, self._hands.codec
        data = codec.decode(claim.input)
        if data[:1] == HEADER:
            raise Mismatch("the codec", codec.name or "none", "another")
        given = decoded_input(data)
        baggage = given.baggage or await self._baggage(attempt)
        session = Session(claim.run_id, claim.history, given.blueprint, baggage)
        if claim.recorded:
            steps = await attempt.host.ask(lambda views: views.steps(claim.run_id))
            for step in entries_of(steps):
                session.take(decoded_entry(codec.decode(step.value or b"")))
        return session

    async def _baggage(self, attempt: Attempt) -> Baggage:
        run_id = attempt.claim.run_id
        messages = await attempt.host.ask(lambda views: views.signals(run_id))
        for message in messages:
            if message.name == BAGGAGE:
                return decoded_baggage(self._hands.codec.decode(message.payload))
        return decoded_baggage(b"")


class Memory:
    """Graph runs as this worker has left them. One that somebody else has held since is not given back."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[Session, int, int]] = OrderedDict()
        self._nodes = 0

    def take(self, claim: Claim) -> Session | None:
        """How the run stood, if nobody else has claimed it since; from now on it is not remembered."""
        session, life, claims = self._known.pop(claim.run_id, (None, 0, 0))
        if session is None:
            return None
        self._nodes -= len(session.planner.scheme.stops)
        if (life, claims, session.history) != (claim.life, claim.claims - 1, claim.history):
            return None
        return session

    def keep(self, claim: Claim, session: Session) -> None:
        """Remember it; the longest unused are forgotten."""
        self._known[claim.run_id] = session, claim.life, claim.claims
        self._nodes += len(session.planner.scheme.stops)
        while self._nodes > REMEMBERED and len(self._known) > 1:
            _, (other, _, _) = self._known.popitem(last=False)
            self._nodes -= len(other.planner.scheme.stops)
