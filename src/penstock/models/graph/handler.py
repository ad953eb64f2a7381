"""How a worker carries out graph runs: it plans them, and remembers how they stand for the next time.

What it remembers only spares work: the records of the run say the same, and win.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Final

from penstock.core.codec import HEADER
from penstock.core.errors import Mismatch
from penstock.core.leases import Ability, Claim, Outcome, Step
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
    path_of,
)
from penstock.models.graph.turn import Stale, Turn
from penstock.ports.store import Views

REMEMBERED: Final = 300_000  # nodes of all graphs together
FIRST: Final = 8  # entries read at first, of those that others have written
MOST: Final = 1000
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
        if session is not None and session.claims != claim.claims - 1:  # somebody else has planned since
            await self._caught_up(attempt, session)
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

    async def _caught_up(self, attempt: Attempt, session: Session) -> None:
        """Take in the entries that others have written."""
        run_id, codec = attempt.claim.run_id, self._hands.codec
        session.settle()
        many = FIRST
        while True:
            paths = [path_of(number) for number in range(session.entries, session.entries + many)]
            steps = await attempt.host.ask(partial(_steps_at, run_id, paths))
            for step in sorted(steps, key=lambda one: one.position):
                session.take(decoded_entry(codec.decode(step.value or b"")))
            if len(steps) < many:
                return
            many = min(MOST, many * 4)

    async def _loaded(self, attempt: Attempt) -> Session:
        """The graph run as its records say that it stands."""
        claim, codec = attempt.claim, self._hands.codec
        data = codec.decode(claim.input)
        if data[:1] == HEADER:
            raise Mismatch("the codec", codec.name or "none", "another")
        given = decoded_input(data)
        baggage = given.baggage or await self._baggage(attempt)
        session = Session(claim.run_id, claim.history, given.blueprint, baggage, given.rewinds)
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


def _steps_at(run_id: str, paths: Sequence[str], views: Views) -> Awaitable[list[Step]]:
    return views.steps(run_id, paths=paths)


class Memory:
    """Graph runs as this worker has left them: their present life and history."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Session] = OrderedDict()
        self._nodes = 0

    def take(self, claim: Claim) -> Session | None:
        """How the run stood; from now on it is not remembered."""
        session = self._known.pop(claim.run_id, None)
        if session is None:
            return None
        self._nodes -= session.size
        return session if (session.life, session.history) == (claim.life, claim.history) else None

    def keep(self, claim: Claim, session: Session) -> None:
        """Remember it; the longest unused are forgotten."""
        session.life, session.claims = claim.life, claim.claims
        self._known[claim.run_id] = session
        self._nodes += session.size
        while self._nodes > REMEMBERED and len(self._known) > 1:
            _, other = self._known.popitem(last=False)
            self._nodes -= other.size
