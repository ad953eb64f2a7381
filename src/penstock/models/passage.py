"""One pass of one attempt through a workflow's code: replay, then go on, then leave.

Code moves by deliveries, one at a time and in the order of the journal (docs/decisions/0008). Knows no kind of call:
what one does when it is not recorded yet, its *live* part, is passed in.
"""

import asyncio
import logging
from asyncio import CancelledError, Future
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

import msgspec

from penstock.core.answers import Answer, Recorded
from penstock.core.errors import NotInRun, PenstockError
from penstock.core.leases import Outcome, Release, Step, Suspend
from penstock.core.run import Run
from penstock.core.tx import Tx
from penstock.core.views import Signal
from penstock.engine.batcher import Batcher
from penstock.engine.handler import Attempt
from penstock.engine.stop import Reason
from penstock.models.branches import Branch, Turns, install
from penstock.models.calls import Call, Discarded, Live, Need, Parted
from penstock.models.jobs import Surroundings
from penstock.models.journal import PATCH, Journal, Misfit, Place, Scope
from penstock.models.needs import wake_of
from penstock.models.stillness import TURNS, Stillness

T = TypeVar("T")

LOOK: Final = 1.0  # seconds between two looks at children and signals while a step is under way
LOOKS: Final = 100  # children in one look: each may bring a large result
LOST: Final = 60.0  # seconds before the code is said not to fit, if it stands in something that is not durable
GRACE: Final = 8.0  # seconds for code that was asked to end
UNWIND: Final = 1.0  # seconds for code that is thrown away

_log: Final = logging.getLogger(__name__)


class Passage:
    """Implements `Course`. `only_replay`: stop where the records end."""

    def __init__(
        self,
        attempt: Attempt,
        *,
        steps: Sequence[Step],
        signals: Sequence[Signal],
        home: Surroundings,
        fingerprint: str,
        only_replay: bool = False,
    ) -> None:
        self.attempt = attempt
        self.over = False
        self.home = home
        self.codec = home.codec
        self.threads = home.threads
        self.patience = home.patience  # seconds for which a step's back-off waits in place
        self.rollbacks: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []
        self.journal = Journal(steps)
        self.stored: list[Step] = list(steps)
        self.mailbox = list(signals)
        self.read = {(step.signal, step.signal_seq) for step in steps if step.signal}
        self.runs = Batcher[str, Run | None](self._look_at, lambda _: 0, most=LOOKS)  # as they stand now
        self.raised: list[tuple[BaseException, Step]] = []
        self.scopes: dict[str, Scope] = {}
        self.only_replay = only_replay
        self.misfit: Misfit | None = None  # why the code does not fit
        self.lost = LOST  # seconds for a record whose call does not come
        self._fingerprint = fingerprint
        self._clock = home.clock
        self._began = home.clock()
        self._loop = asyncio.get_running_loop()
        self._due: deque[Step] = deque(self.journal.outcomes)
        self._old = len(self._due)  # of these that were recorded before this pass, and are not delivered yet
        self._calls: dict[str, Call] = {}
        self._made: set[str] = set()  # paths of all calls so far
        self._passed_over: set[str] = set()  # patches that nobody had asked for when something after them was
        self._given_up: set[str] = set()  # those that the code has cancelled
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stillness = Stillness(self._plainly, self._still)
        self._poison = False
        self._asked = False  # to end
        self._elsewhere = False  # a thread has the word: the code is on the move though no task takes a turn
        self._end: Outcome | BaseException | None = None
        self._ended: Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """The moment, in unix seconds of the store's clock."""
        return self.attempt.claim.started_at + (self._clock() - self._began)  # in this order, or microseconds are lost

    def moment_in(self, seconds: float) -> float:
        """The moment so long from now, in whole microseconds, as stores have them: who is woken then is not early."""
        return round((self.now() + seconds) * 1e6) / 1e6

    def turned(self) -> None:
        self._stillness.turned()

    def lend(self) -> None:
        """A thread takes the word."""
        self._elsewhere = True

    def regain(self) -> None:
        """It gives it back."""
        self._elsewhere = False
        self.turned()

    def joined(self, task: "asyncio.Task[Any]", scope: Scope) -> None:
        self.scopes[scope.path] = scope
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if self._poison and not task.cancelled():
            task.exception()  # nobody will ask: it is ours

    @property
    def replaying(self) -> bool:
        """Whether something that an earlier pass has recorded is left to be delivered."""
        return self._old > 0

    async def perform(self, scope: Scope, place: Place, live: Live) -> Step:
        """What has come of the call, when its turn is."""
        if self.over:
            raise NotInRun(f"{place.name} of run {self.attempt.claim.run_id}, which is over,")
        if self._poison:
            raise Discarded
        try:
            known = self.journal.find(place)
        except Misfit as misfit:
            self._misfit(misfit)
            raise Discarded from misfit
        self._made.add(place.path)
        if known is not None and place.path in self._passed_over:
            self._passed_over.discard(place.path)
            self._due.appendleft(known)
            self._old += 1
        call = self._calls[place.path] = Call(scope, place, live, recorded=known is not None)
        try:
            return await call.future
        except CancelledError:
            self._give_up(call)
            raise

    def _give_up(self, call: Call) -> None:
        if self._calls.pop(call.place.path, None) is not None:
            self._given_up.add(call.place.path)
        if call.task is not None:
            call.task.cancel()

    async def record(self, step: Step) -> Step:
        """Write it; the record that stands there."""
        return self._written(step, await self.attempt.record(step))

    async def record_with(self, step: Step, work: Callable[[Tx], Step], seconds: float) -> Step:
        """Write what the work returns together with what it has written; the record that stands there."""
        return self._written(step, await self.attempt.record_with(step, work, seconds))

    async def record_silence(self, step: Step, signal: str) -> Step | None:
        """The same, unless a message of this signal has come that is not in the mailbox as it was seen last."""
        arrived = max((one.seq for one in self.mailbox if one.name == signal), default=0)
        answered = await self.attempt.record(step, silent=signal, arrived=arrived)
        return None if answered.answer is Answer.STATE else self._written(step, answered)

    def _written(self, step: Step, answered: Recorded) -> Step:
        stands = answered.step or step
        if answered.answer not in {Answer.OK, Answer.DUPLICATE}:
            raise PenstockError(f"step {step.path} can't be recorded: {answered.answer}")
        self.stored.append(stands)
        return stands

    async def stand(self, call: Call, need: Need) -> None:
        """Return when it is worth a look whether that has come. If nothing else is under way, the run is suspended."""
        call.need, call.poke = need, self._loop.create_future()
        self.turned()
        try:
            await call.poke
        finally:
            call.need = None

    async def _look_at(self, run_ids: list[str]) -> list[Run | None]:
        return await self.attempt.host.ask(lambda views: views.get(run_ids))

    async def listen(self) -> None:
        """Look into the mailbox."""
        run_id = self.attempt.claim.run_id
        self.mailbox = await self.attempt.host.ask(lambda views: views.signals(run_id))

    def unread(self, name: str) -> Signal | None:
        """The next message of this name, which from now on is read."""
        for message in self.mailbox:
            if message.name == name and (name, message.seq) not in self.read:
                self.read.add((name, message.seq))
                return message
        return None

    async def go(self, coroutine: Coroutine[Any, Any, T], scope: Scope) -> T:
        """What the code returns or raises; `Parted` if its run goes on later or elsewhere."""
        install(self._loop)
        self._poison, self._end, self._ended = False, None, self._loop.create_future()
        root = self._loop.create_task(Turns(coroutine, Branch(self, scope)))
        self.joined(root, scope)
        root.add_done_callback(self._root_done)
        try:
            await self._ended
        except CancelledError:
            await self._asked_to_end(root)
            raise
        await self.leave()
        end = self._end_of(root)
        if isinstance(end, BaseException):
            raise end
        if end is not None:
            raise Parted(end)
        return root.result()

    def _end_of(self, root: "asyncio.Task[Any]") -> Outcome | BaseException | None:
        """Why the pass has ended; None: the code has. What is recorded must have been asked for by then."""
        if self._end is None and not root.cancelled() and root.exception() is None:
            misfit = self.unasked("nothing more")
            if misfit is not None:
                return self._refused(misfit)
        return self._end

    def unasked(self, called: str) -> Misfit | None:
        """What is recorded, and nobody has asked for."""
        for step in self._due:
            if step.path not in self._made and step.kind != PATCH:
                return Misfit(f"{step.kind} {step.path}", called)
        return None

    async def leave(self) -> None:
        """Throw away what of the code is left."""
        self._poison = True
        if self._timer is not None:
            self._timer.cancel()
        for call in self._calls.values():
            if call.task is not None:
                call.task.cancel()
        for turn in range(TURNS * 2):
            self._unwind(cancel=turn >= TURNS)
            if not self._tasks:
                break
            await asyncio.sleep(0)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=UNWIND)
        if self._tasks:
            _log.warning("code of run %s can't be ended: it is left behind", self.attempt.claim.run_id)
        self._calls.clear()

    def close(self) -> None:
        """From now on durable calls of this code raise."""
        self.over = True

    def _unwind(self, *, cancel: bool) -> None:
        for call in self._calls.values():
            if not call.future.done():
                call.future.set_exception(Discarded())
                call.future.exception()
        if cancel:
            for task in self._tasks:
                task.cancel()

    async def _asked_to_end(self, root: "asyncio.Task[T]") -> None:
        """Somebody cancels the attempt. Code may clean up if its run ends here; else another attempt goes on."""
        if self.attempt.stop.reason in {Reason.CANCEL, Reason.TIMEOUT} and not root.done():
            self._asked = True
            root.cancel()
            await asyncio.wait([root], timeout=GRACE)
        await self.leave()
        if root.done() and not root.cancelled():
            root.exception()

    def _root_done(self, _: object) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _part(self, end: Outcome | BaseException) -> None:
        if self._end is None and not self._ended.done():
            self._end, self._poison = end, True
            self._ended.set_result(None)

    def _misfit(self, misfit: Misfit) -> None:
        if self._end is None:
            self._part(self._refused(misfit))

    def _refused(self, misfit: Misfit) -> Outcome:
        self.misfit = misfit
        said = {"recorded": misfit.recorded, "called": misfit.called, "code": self._fingerprint}
        self.attempt.emit("mismatch", msgspec.json.encode(said))
        _log.warning("run %s does not fit this code: %s", self.attempt.claim.run_id, misfit)
        return Release(lease=self.attempt.lease, refused=self._fingerprint)

    def _plainly(self) -> bool:
        """Whether each task stands in a durable call of its own."""
        if len(self._tasks) != len(self._calls):
            return False
        return not any(call.future.done() for call in self._calls.values())

    def _still(self) -> None:
        """Nothing moves by itself: deliver the next outcome, or start what is not recorded, or leave."""
        if self._poison or self.over or self._elsewhere or not self._tasks:
            return
        while self._due and self._due[0].path in self._given_up:
            self._next()
        if self._due and self._due[0].kind == PATCH and self._due[0].path not in self._calls:
            self._passed_over.add(self._next().path)
            self.turned()
        elif self._due and (call := self._calls.get(self._due[0].path)) is not None:
            self._deliver(call, self._next())
        elif self._due and self._plainly():
            self._miss(self._due[0])
        elif self.only_replay and not self._due:
            self._part(Parted(None))
        elif self.only_replay or not self._start():
            self._rest()

    def _next(self) -> Step:
        """The outcome that is due, which from now on is not."""
        self._old = max(0, self._old - 1)
        return self._due.popleft()

    def _deliver(self, call: Call, step: Step) -> None:
        del self._calls[call.place.path]
        if step.kind != PATCH:
            call.scope.settle(call.place.position)
        call.future.set_result(step)
        self.turned()

    def _miss(self, step: Step) -> None:
        calls = ", ".join(f"{call.place.kind} {call.place.path}" for call in self._calls.values())
        self._misfit(Misfit(f"{step.kind} {step.path}", calls or "nothing"))

    def _start(self) -> bool:
        """Begin the live part of all calls that need it, in the order made; whether there were any."""
        fresh = [call for call in self._calls.values() if call.task is None and not call.recorded]
        for call in fresh:
            call.task = self._loop.create_task(self._carry(call), context=call.context)
        return bool(fresh)

    async def _carry(self, call: Call) -> None:
        try:
            step = await call.live(call)
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 (ends the attempt: `go` raises it)
            self._part(error)
        else:
            self._due.append(step)
            self.turned()

    def _rest(self) -> None:
        """All that can be done has been begun: suspend if nothing is under way, else come back to what stands."""
        standing = [call.need for call in self._calls.values() if call.need is not None]
        if self._due:
            self._later(self.lost, self._lost(self._stillness.count))
        elif len(standing) < len(self._calls) or self._asked:
            if standing:
                self._later(self._until_look(standing), self._poke)
        elif standing:
            self._part(Suspend(lease=self.attempt.lease, wake=wake_of(standing, self.mailbox)))

    def _until_look(self, standing: Sequence[Need]) -> float:
        left = [max(0.0, need.at - self.now()) for need in standing if need.at is not None]
        asks = any(need.signal or need.child_id for need in standing)
        return min([*left, LOOK] if asks else left)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, act)

    def _poke(self) -> None:
        for call in self._calls.values():
            if call.poke is not None and not call.poke.done():
                call.poke.set_result(None)

    def _lost(self, count: int) -> Callable[[], None]:
        def look() -> None:
            if not self._poison and self._stillness.count == count and self._due:
                self._miss(self._due[0])

        return look
