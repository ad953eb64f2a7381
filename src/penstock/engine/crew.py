"""Who in this worker carries out what: the registry's handlers with their carriers, and who hears of their runs."""

from typing import Final

from penstock.core.leases import Claim, Complete, Fail, Outcome, Release, Retry, Suspend
from penstock.engine.events import Event, Observers
from penstock.engine.handler import Executor, Registry
from penstock.engine.held import Carrier, Held, Trade
from penstock.engine.tally import Tally

_KIND: Final[dict[type[Outcome], str]] = {
    Complete: "run.succeeded",
    Fail: "run.failed",
    Release: "run.released",
    Suspend: "run.suspended",
}


class Crew:
    """Finds the trade for a claim, counts what comes of it, and tells the observers."""

    def __init__(self, registry: Registry, *, worker: str, observers: Observers) -> None:
        self.tally = Tally()
        self.carriers: dict[Executor, Carrier] = {}  # filled before the first claim
        self._registry = registry
        self._worker = worker
        self._observers = observers
        self._trades: dict[tuple[str, str], Trade] = {}

    def trade_of(self, claim: Claim) -> Trade | None:
        """Who can carry this out; None: nobody here."""
        trade = self._trades.get((claim.task, claim.version))
        if trade is None:
            handler = self._registry.find(claim.task, claim.version)
            if handler is None:
                return None
            trade = self._trades[claim.task, claim.version] = Trade(handler, self.carriers[handler.executor])
        return trade

    def forget(self) -> None:
        """The registry has changed: ask it again."""
        self._trades.clear()

    def started(self, held: Held) -> None:
        """A handler is about to be called."""
        if "run.started" in self._observers.wanted:
            self._observers.tell(self._event("run.started", held.attempt.claim))

    def settled(self, held: Held, outcome: Outcome, seconds: float) -> None:
        """The store has taken the outcome."""
        if held.began:
            self.tally.settled(held, outcome, seconds)
        if self._observers.wanted:
            self._tell(held.attempt.claim, outcome, seconds)

    def lost(self, held: Held) -> None:
        """The lease is somebody else's, or the run is gone."""
        if "run.lost" in self._observers.wanted:
            self._observers.tell(self._event("run.lost", held.attempt.claim))

    def _tell(self, claim: Claim, outcome: Outcome, seconds: float) -> None:
        match outcome:
            case Retry(error=error):
                kind = "run.snoozed" if error is None else "run.retried"
            case Fail(error=error):
                kind = "run.failed"
            case _:
                kind, error = _KIND.get(type(outcome), "run.released"), None
        self._observers.tell(self._event(kind, claim, seconds=seconds, error=error))

    def _event(self, kind: str, claim: Claim, *, seconds: float = 0.0, error: bytes | None = None) -> Event:
        return Event(
            kind=kind,
            worker=self._worker,
            run_id=claim.run_id,
            task=claim.task,
            queue=claim.queue,
            attempt=claim.attempt,
            seconds=seconds,
            error=error,
        )
