"""The worker's places for runs: who holds one, who waits for one, and what happens when a run leaves it.

The books of one loop. Knows neither how the store is asked nor how a handler is called.
"""

import asyncio
import logging
from asyncio import CancelledError
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

from penstock.core.answers import Answer
from penstock.core.leases import Claim, Outcome, Release
from penstock.engine.ahead import STALE, Ahead
from penstock.engine.alone import Alone
from penstock.engine.handler import Attempt, Host
from penstock.engine.held import Held, Trade
from penstock.engine.prefetch import Prefetch
from penstock.engine.stop import Reason
from penstock.engine.timeouts import Timeouts

REST: Final = 1.0  # seconds without claims when there is no thread or process to be had
PATIENCE: Final = 10.0  # seconds for an attempt to end once it was asked; then it is settled without it

_log: Final = logging.getLogger(__name__)


class Crew(Protocol):
    """Who carries runs out, and who hears what becomes of them."""

    def trade_of(self, claim: Claim) -> Trade | None: ...

    def started(self, held: Held) -> None: ...

    def settled(self, held: Held, outcome: Outcome, seconds: float) -> None: ...

    def lost(self, held: Held) -> None: ...


class Outbox(Protocol):
    """Where outcomes go, and who wants to know that there is room again."""

    def put(self, held: Held | None, outcome: Outcome) -> None: ...

    def nudge(self, *, look: bool) -> None: ...


Judge: TypeAlias = Callable[[Held, BaseException, Callable[[Held, Outcome | None], None]], None]


class Slots:
    """Starts claims as places become free, and puts outcomes out.

    `judge` finds out what an error means that no handler raised, and passes it to the callable with the run.
    """

    def __init__(self, host: Host, crew: Crew, outbox: Outbox, *, prefetch: Prefetch, judge: Judge) -> None:
        self.held: dict[Held, None] = {}  # every lease that is ours, until its settle is answered; in order
        self.running = 0  # handlers being carried out
        self.stuck: set[Held] = set()  # of these, those that are settled and do not end: each keeps its slot
        self.concurrency = 1
        self.open = True  # whether runs may be claimed and started
        self._resting = False
        self._wary = False  # the last claim brought a run at its last chance: there may be more, ask for one at a time
        self._ahead = Ahead(host.clock)
        self._host = host
        self._clock = host.clock
        self._crew = crew
        self._outbox = outbox
        self._prefetch = prefetch
        self._judge = judge
        self._timeouts = Timeouts[Held | None](host.clock, self._time_is_over)
        self._alone = Alone(self._start, self._freed)
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def room(self) -> int:
        """How many runs may be claimed: free slots, and a few more if runs are quick."""
        if not self.open or self._resting or self._alone.held is not None:
            return 0
        free = self.concurrency - self.running
        return min(free, 1) if self._wary else free + self._prefetch.surplus() - len(self._ahead)

    def receive(self, claims: Sequence[Claim], safe_until: float) -> None:
        """Take these runs in: start what has a slot, keep what may wait, hand back the rest."""
        self._wary = False
        for claim in claims:
            trade = self._crew.trade_of(claim)
            if trade is None:
                _log.error("run %s of %s was claimed, and nothing here can carry it out", claim.run_id, claim.task)
                self._outbox.put(None, Release(lease=claim.lease, unstarted=True))
                self.rest()
                continue
            held = Held(Attempt(claim, self._host, safe_until), trade)
            self.held[held] = None
            self._wary = self._wary or claim.last_chance
            if not self.open or self._alone.held is not None:
                self._hand_back(held)
            elif claim.last_chance:
                self.hand_back_waiting()
                self._alone.take(held)
            elif self.running < self.concurrency and not self._ahead:
                self._start(held)
            elif self._prefetch.fits(trade):
                self._wait(held)
            else:
                self._prefetch.calm()
                self._hand_back(held)
        self.fill()
        self._look_at_alone()

    def fill(self) -> None:
        """Start what waits, as far as there are slots."""
        while self._ahead and self.open and self.running < self.concurrency:
            self._start(self._ahead.next())

    def hand_back_waiting(self) -> None:
        """Nothing waits here any more."""
        while self._ahead:
            self._hand_back(self._ahead.next())

    @property
    def waiting(self) -> int:
        """Runs claimed ahead."""
        return len(self._ahead) + self._alone.waits

    def ask(self, held: Held, reason: Reason) -> None:
        """Ask the run to stop, and see to it that its settle does not wait for it for ever."""
        if held.ended or not held.attempt.stop.request(reason):
            return
        unstarted = self._alone.waits and self._alone.held is held
        if held in self._ahead:
            self._ahead.remove(held)
            unstarted = True
        if unstarted:
            if reason is Reason.LOST:
                self._end(held, None)
            else:
                self._hand_back(held)
            return
        held.trade.carrier.interrupt(held)
        if reason is Reason.LOST:
            self.end_without(held, None)
        elif reason is Reason.TIMEOUT and held.trade.carrier.only_told:
            self._judge(held, CancelledError(), self.end_without)
        elif not held.ended:
            self._timeouts.add(held, PATIENCE)

    def begun(self, held: Held) -> None:
        """The handler is about to be called: its time counts from now."""
        held.began = self._clock()
        timeout = held.timeout
        if timeout is not None:
            self._timeouts.add(held, timeout)

    def finished(self, held: Held, outcome: Outcome | None) -> None:
        """The handler has ended: its slot is free. Called once for each run that was started."""
        self.running -= 1
        now = self._clock()
        if held.ended:
            self.stuck.discard(held)
            self._timeouts.drop(held)
            self._outbox.nudge(look=False)
        else:
            if held.began:
                held.seconds = now - held.began
                held.trade.saw(held.seconds)
                if not self._prefetch.fits(held.trade):
                    self._prefetch.calm()
            self._end(held, outcome)
        if self._ahead:
            self._ahead.moved(now)
            self.fill()
        self._look_at_alone()
        if self._waiters:
            self._tell_waiters()

    def rest(self) -> None:
        """Claim nothing for a moment: what would be claimed could not be carried out."""
        if not self._resting:
            self._resting = True
            asyncio.get_running_loop().call_later(REST, self._rested)

    def _rested(self) -> None:
        self._resting = False
        self._outbox.nudge(look=True)

    def end_without(self, held: Held, outcome: Outcome | None) -> None:
        """Settle a run whose handler has not ended; its slot stays taken until it has."""
        if not held.ended:
            self.stuck.add(held)
            self._end(held, outcome)

    def settled(self, held: Held | None, outcome: Outcome, answer: Answer) -> None:
        """The store has answered: the run is no longer ours."""
        if held is None:
            return
        claim = held.attempt.claim
        self.held.pop(held, None)
        if answer is Answer.OK:
            self._crew.settled(held, outcome, held.seconds)
        elif answer in {Answer.LOST, Answer.NOT_FOUND}:  # not found: removed by hand meanwhile
            _log.warning("run %s of %s was lost before its attempt could be settled", claim.run_id, claim.task)
            self._crew.lost(held)
        else:
            _log.error("run %s of %s could not be settled: %s", claim.run_id, claim.task, answer)
        self._look_at_alone()
        if self._waiters:
            self._tell_waiters()

    def shut(self) -> None:
        """Claim and start nothing more; what waits here is handed back."""
        self.open = False
        self.hand_back_waiting()
        if self._alone.waits and self._alone.held is not None:
            self._hand_back(self._alone.held)

    @property
    def unfinished(self) -> list[Held]:
        """The runs whose handlers have not come to an outcome."""
        return [held for held in self.held if not held.ended]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when this holds; looked at whenever a run ends or is settled."""
        if not holds():
            future = asyncio.get_running_loop().create_future()
            self._waiters.append((holds, future))
            await future

    def close(self) -> None:
        """No timeout fires any more."""
        self._timeouts.close()

    def fire_timeouts(self) -> None:
        """Look at the timeouts now: for those who move the clock by hand."""
        self._timeouts.fire_due()

    def _look_at_alone(self) -> None:
        if self._alone.waits:
            self._alone.others(len(self.held) - 1, room=self.running < self.concurrency)

    def _freed(self) -> None:
        self._look_at_alone()
        self._outbox.nudge(look=True)

    def _tell_waiters(self) -> None:
        waiters, self._waiters = self._waiters, []
        for holds, future in waiters:
            if holds() and not future.done():
                future.set_result(None)
            elif not future.done():
                self._waiters.append((holds, future))

    def _start(self, held: Held) -> None:
        if self._clock() >= held.attempt.safe_until:  # the store was that slow: it may be somebody else's by now
            self._hand_back(held)
            return
        self.running += 1
        try:
            held.timeout = held.trade.handler.timeout(held.attempt.claim)
        except Exception as error:  # noqa: BLE001 (code of the model's: an attempt that failed before it began)
            self._judge(held, error, self.finished)
            return
        self._crew.started(held)
        try:
            held.trade.carrier.start(held)
        except RuntimeError:  # no thread to be had: not the run's fault
            _log.exception("run %s could not be started here", held.attempt.claim.run_id)
            self.finished(held, Release(lease=held.attempt.claim.lease, unstarted=True))
            self.rest()

    def _wait(self, held: Held) -> None:
        if self._ahead.put(held):
            self._timeouts.add(None, STALE)

    def _end(self, held: Held, outcome: Outcome | None) -> None:
        """Its outcome is known: settle it, or, if there is nothing to say, forget it."""
        held.ended = True
        self._timeouts.drop(held)
        self._alone.leave(held)
        if outcome is None:
            self.held.pop(held, None)
            self._crew.lost(held)
            self._outbox.nudge(look=False)
            self._tell_waiters()
        else:
            self._outbox.put(held, outcome)

    def _hand_back_stale(self) -> None:
        """If no slot has become free for a while, slow runs have them all: others may be quicker."""
        if self._ahead.stale:
            self._prefetch.calm()
            self.hand_back_waiting()
        elif self._ahead:
            self._timeouts.add(None, STALE)

    def _hand_back(self, held: Held) -> None:
        self._end(held, Release(lease=held.attempt.claim.lease, unstarted=True))

    def _time_is_over(self, held: Held | None) -> None:
        if held is None:
            self._hand_back_stale()
        elif held.attempt.stop.requested:
            self._judge(held, CancelledError(), self.end_without)
        else:
            self.ask(held, Reason.TIMEOUT)
