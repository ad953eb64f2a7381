"""The worker: claims runs into its slots, keeps their leases alive, and stops gently.

Here is its life, from start to stop, and what may be asked of it; what it consists of is in `rig`.
"""

import asyncio
import logging
import time
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Collection, Sequence
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias

from penstock.core.clock import Clock
from penstock.core.errors import Unavailable
from penstock.core.registry import Definition
from penstock.engine import rollups, upkeep
from penstock.engine.events import Event, Observers
from penstock.engine.handler import Registry
from penstock.engine.health import Health, LoopHealth
from penstock.engine.identity import new_identity
from penstock.engine.leaving import at_most, leave
from penstock.engine.listening import converse_for_ever
from penstock.engine.registration import Registration
from penstock.engine.rig import Rig
from penstock.engine.settings import Settings, check_concurrency
from penstock.engine.supervision import Duty, WorkerStopped, supervise
from penstock.ports.store import Store

Phase: TypeAlias = Literal["new", "running", "stopping", "stopped", "failed"]

FAREWELL: Final = 2.0  # seconds for each of the last words to the store

_log: Final = logging.getLogger(__name__)


class Worker:
    """Carries out the runs of a store that the registry has handlers for. Lives once.

    `observers` hear what happens to runs here; `definitions`, and names of `schedules`, are made known to all who share
    the store; `clock` says monotonic seconds. The store is opened and closed by whoever made it.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        settings: Settings | None = None,
        *,
        observers: Observers | None = None,
        definitions: Sequence[Definition] = (),
        schedules: Collection[str] = (),
        clock: Clock = time.monotonic,
    ) -> None:
        self.settings = settings or Settings()
        self.identity = new_identity(self.settings.name)
        self.observers = observers or Observers()
        self.phase: Phase = "new"
        self._store = store
        self._registry = registry
        self._definitions = definitions
        self._schedules = schedules
        self._clock = clock
        self._concurrency = self.settings.concurrency
        self._paused = False
        self._rig: Rig | None = None
        self._registration: Registration | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()
        self._hurry = asyncio.Event()
        self._ended = asyncio.Event()

    # its life

    async def run(self) -> None:
        """Work until asked to stop, then go gently; returns when nothing is held any more.

        Raises `WorkerFailed` if one of its loops keeps failing. Cancelled: hands back its runs without grace. Called
        while it runs already: warns, and returns when that has ended; after it has stopped: raises `WorkerStopped`.
        """
        if self.phase in {"running", "stopping"}:
            _log.warning("worker %s is running already: it was not started a second time", self.identity)
            await self._ended.wait()
            return
        if self.phase != "new":
            raise WorkerStopped(self.identity)
        self.phase = "running"
        self._loop = asyncio.get_running_loop()
        try:
            await self._live()
            self.phase = "stopped"
        except BaseException:
            self.phase = "failed"
            raise
        finally:
            self._ended.set()

    def start(self) -> None:
        """Work in the background of the running loop. Called again, it only warns."""
        if self._task is not None or self.phase != "new":
            _log.warning("worker %s was started already: it was not started a second time", self.identity)
            return
        self._task = asyncio.get_running_loop().create_task(self.run(), name=self.identity)

    def stop(self) -> None:
        """Ask it to stop: claim nothing more, let runs end for `grace` seconds, hand back the rest. Thread-safe.

        Asked again, it does not wait for the grace to be over.
        """
        if self._loop is None or self._loop.is_closed():
            self._stop()
        else:
            self._loop.call_soon_threadsafe(self._stop)

    async def stopped(self) -> None:
        """Return when it has stopped. Raises what ended it, if that was a failure."""
        if self._task is not None:
            await asyncio.shield(self._task)
        elif self.phase != "new":
            await self._ended.wait()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        await self.stopped()

    # what may be asked of it meanwhile

    @property
    def concurrency(self) -> int:
        """How many runs it carries out at once. Set lower, it starts none until fewer are running."""
        return self._concurrency

    @concurrency.setter
    def concurrency(self, slots: int) -> None:
        self._concurrency = check_concurrency(slots)
        if self._rig is not None:
            self._rig.slots.concurrency = slots
            self._rig.slots.fill()
            self._rig.nudge(look=True)

    async def pause(self, *, wait: bool = True) -> None:
        """Start nothing more here, others go on; with `wait`, return when what runs here has ended."""
        self._paused = True
        if self._rig is not None:
            slots = self._rig.slots
            slots.shut()
            self._rig.turns.hurry()
            if wait:
                await slots.until(lambda: not slots.unfinished)

    def resume(self) -> None:
        """Claim again."""
        self._paused = False
        if self._rig is not None and self.phase == "running":
            self._rig.slots.open = True
            self._rig.nudge(look=True)

    def refresh(self) -> None:
        """Handlers were added to the registry: claim for these, too."""
        if self._rig is not None:
            self._rig.refresh()
        if self._registration is not None:
            self._registration.change()

    def health(self) -> Health:
        """How it fares now."""
        rig = self._rig
        if rig is None:
            return Health(ok=self.phase != "failed", worker=self.identity, state=self.phase)
        loops = tuple(_health_of(duty) for duty in rig.duties.values())
        return Health(
            ok=self.phase != "failed" and all(loop.ok for loop in loops),
            worker=self.identity,
            state=self.phase,
            loops=loops,
            concurrency=self._concurrency,
            running=rig.slots.running,
            waiting=rig.slots.waiting,
            stuck=len(rig.slots.stuck),
            loop_lag=rig.pulse.lag,
            beat_ago=self._clock() - rig.heartbeat.beat_at,
        )

    # its parts

    def _stop(self) -> None:
        if self._asked.is_set():
            self._hurry.set()
        self._asked.set()
        if self._rig is not None:
            self._rig.slots.shut()  # now: what is enqueued after this call is no longer claimed here
            self._rig.turns.hurry()

    async def _live(self) -> None:
        rig = self._rig = Rig(
            self._store,
            self._registry,
            self.settings,
            worker=self.identity,
            clock=self._clock,
            observers=self.observers,
        )
        rig.slots.concurrency = self._concurrency
        rig.slots.open = not self._paused
        registration = self._registration = Registration(
            self._store,
            self.identity,
            app=self.settings.app,
            definitions=self._definitions,
            schedules=self._schedules,
        )
        self._tell("worker.started")
        if self.settings.burst and self.settings.upkeep:  # what is due by now belongs to what there is to do
            await upkeep.tend(self._store, self.settings.guard, rig.duties["upkeep"])
        tasks = {duty.name: self._watched(duty, work) for duty, work in rig.loops(registration)}
        ends: list[asyncio.Task[Any]] = [asyncio.create_task(self._asked.wait())]
        if self.settings.burst:
            ends.append(asyncio.create_task(_nothing_left(rig)))
        try:
            done, _ = await asyncio.wait([*tasks.values(), *ends], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except CancelledError:
            self._hurry.set()
            raise
        finally:
            self.phase = "stopping"
            self._tell("worker.stopping")
            try:
                await self._go(rig, registration, tasks)
            finally:
                await _cancel([*tasks.values(), *ends])
                await rig.close()

    async def _go(self, rig: Rig, registration: Registration, tasks: dict[str, asyncio.Task[None]]) -> None:
        """Hold nothing any more, and say goodbye."""
        if tasks["claim"].done() or tasks["claim"].cancelling():  # it failed, or the whole loop was cancelled
            await asyncio.wait([tasks["claim"]])
            claim = converse_for_ever(rig.turns, rig.slots, rig.prefetch, rig.duties["claim"])
            tasks["claim"] = asyncio.create_task(claim)
        await leave(rig.slots, rig.turns, self.settings.grace, self._hurry)
        last_counts = rollups.flush(self._store, rig.wanted.worker, rig.crew.tally)
        for farewell in (last_counts, registration.leave(rig.wanted.queues)):
            try:
                await at_most(FAREWELL, farewell)
            except Unavailable as error:
                _log.warning("worker %s goes without its last words: %s", self.identity, error)
        self._tell("worker.stopped")
        await at_most(FAREWELL, self.observers.delivered())

    def _watched(self, duty: Duty, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        watched = supervise(
            duty, work, worker=self.identity, failed=lambda message: self._tell("worker.error", message)
        )
        return asyncio.create_task(watched, name=f"{self.identity} {duty.name}")

    def _tell(self, kind: str, message: str = "") -> None:
        self.observers.tell(Event(kind=kind, worker=self.identity, message=message))


async def _nothing_left(rig: Rig) -> None:
    """Return when a look has found nothing and nothing is held."""
    while True:
        await rig.turns.looked()
        await rig.slots.until(lambda: not rig.slots.held)
        rig.turns.nudge(look=True)
        await rig.turns.looked()
        if not rig.turns.found and not rig.slots.held:
            return


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.debug("%s ended with %r", task.get_name(), error)  # raised where it counts, or logged when it failed


def _health_of(duty: Duty) -> LoopHealth:
    late = duty.late
    return LoopHealth(name=duty.name, ok=late == 0, late=late, trouble=duty.trouble, restarts=duty.restarts)
