"""The parts of a running worker, put together. Made on the loop that carries the runs, and used once."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias

from penstock.core.clock import Clock
from penstock.core.leases import Outcome
from penstock.engine import rollups, upkeep
from penstock.engine.attempt import verdict
from penstock.engine.crew import Crew
from penstock.engine.events import Observers
from penstock.engine.handler import Executor, Registry
from penstock.engine.heartbeat import Heartbeat
from penstock.engine.held import Held
from penstock.engine.host import WorkerHost
from penstock.engine.listening import Ears, Pulse, converse_for_ever
from penstock.engine.loops import LoopCarrier
from penstock.engine.memory import memory_used
from penstock.engine.own_thread import in_own_thread
from penstock.engine.patience import Trouble
from penstock.engine.prefetch import Prefetch
from penstock.engine.processes import ProcessCarrier
from penstock.engine.registration import Numbers, Registration
from penstock.engine.settings import Settings
from penstock.engine.slots import Slots
from penstock.engine.stop import Reason
from penstock.engine.supervision import Duty
from penstock.engine.threads import ThreadCarrier
from penstock.engine.turns import Turns, Wanted
from penstock.ports.store import Store

Loops: TypeAlias = list[tuple[Duty, Callable[[], Awaitable[None]]]]


class Rig:
    """Everything a worker consists of while it runs."""

    def __init__(
        self, store: Store, registry: Registry, settings: Settings, *, worker: str, clock: Clock, observers: Observers
    ) -> None:
        self._store = store
        self._registry = registry
        self._settings = settings
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._judging: set[asyncio.Task[None]] = set()
        self.duties = {name: Duty(name, clock, within=within) for name, within in _within(settings).items()}
        self.wanted = Wanted(
            worker=worker,
            queues=settings.queues or registry.queues,
            abilities=registry.abilities,
            lease=settings.lease,
            in_turns=settings.fair_queues,
        )
        self.host = WorkerHost(
            store, worker, clock, leaving=partial(_is_cancelled, asyncio.current_task()), trouble=self._trouble("claim")
        )
        self.crew = Crew(registry, worker=worker, observers=observers)
        self.turns = Turns(store, self.wanted, clock=clock, trouble=self._trouble("claim"))
        self.prefetch = Prefetch(clock, wanted=settings.prefetch)
        self.slots = Slots(self.host, self.crew, self, prefetch=self.prefetch, judge=self._judge)
        self.slots.concurrency = settings.concurrency
        self.crew.carriers = {
            Executor.LOOP: LoopCarrier(self.slots),
            Executor.THREAD: ThreadCarrier(self.slots),
            Executor.PROCESS: ProcessCarrier(self.slots, runs=settings.child_runs, memory=settings.child_memory),
        }
        self.pulse = Pulse(clock)
        self.ears = Ears(store.doorbell, self.wanted)
        self.heartbeat = Heartbeat(
            store, worker, settings.lease, clock=clock, alive=self._alive, duty=self.duties["heartbeat"]
        )

    def loops(self, registration: Registration) -> Loops:
        """What runs while the worker does, each with the duty that watches it."""
        duties = self.duties
        loops: Loops = [
            (duties["claim"], lambda: converse_for_ever(self.turns, self.slots, self.prefetch, duties["claim"])),
            (duties["listen"], lambda: self.ears.listen_for_ever(self.turns, self.slots, duties["listen"])),
            (duties["heartbeat"], self._beat),
            (duties["pulse"], lambda: self.pulse.tick_for_ever(duties["pulse"])),
            (
                duties["rollups"],
                lambda: rollups.flush_for_ever(self._store, self.wanted.worker, self.crew.tally, duties["rollups"]),
            ),
            (duties["register"], lambda: self._register(registration)),
        ]
        if self._settings.upkeep:
            guard, duty = self._settings.guard, duties["upkeep"]
            loops.append((duty, lambda: upkeep.tend_for_ever(self._store, guard, duty)))
        return loops

    def refresh(self) -> None:
        """The registry has changed: claim for all that is in it now."""
        self.crew.forget()
        self.wanted.abilities = self._registry.abilities
        queues = self._settings.queues or self._registry.queues
        if set(queues) != set(self.wanted.queues):
            self.wanted.queues = queues
            self.ears.change()
        self.turns.nudge(look=True)

    # the outbox of the slots: lines of a run are stored before it is settled

    def put(self, held: Held | None, outcome: Outcome) -> None:
        """Settle this with the next turn, once the run's lines are stored."""
        if held is not None and self.host.has_lines(held.attempt.claim.lease):
            self._keep(self._put_after_lines(held, outcome))
        else:
            self.turns.put(held, outcome)

    def nudge(self, *, look: bool) -> None:
        """There is room again."""
        self.turns.nudge(look=look)

    async def _put_after_lines(self, held: Held, outcome: Outcome) -> None:
        await self.host.appended(held.attempt.claim.lease)
        self.turns.put(held, outcome)

    # what the heartbeat's thread hears

    def extended(self, held: Held, safe_until: float) -> None:
        """The lease was extended."""
        held.attempt.safe_until = safe_until
        if held.child is not None:
            self._loop.call_soon_threadsafe(held.trade.carrier.safe, held)

    def ask(self, held: Held, reason: Reason) -> None:
        """The run shall stop."""
        self._loop.call_soon_threadsafe(self.slots.ask, held, reason)

    async def close(self) -> None:
        """Let go of everything; nothing is waited for but the end of child processes."""
        self.slots.close()
        for carrier in self.crew.carriers.values():
            await carrier.close()
        for task in self._judging:
            task.cancel()
        await self.host.close()

    async def _beat(self) -> None:
        def beat() -> Coroutine[Any, Any, None]:
            return self.heartbeat.beat_for_ever(lambda: self.turns.asking, lambda: list(self.slots.held.copy()), self)

        if self._settings.heartbeat_thread:
            await in_own_thread(beat, "penstock-heartbeat")
        else:
            await beat()

    async def _register(self, registration: Registration) -> None:
        await registration.register_for_ever(
            lambda: self.wanted.queues, lambda: self.wanted.abilities, self._numbers, self.duties["register"]
        )

    def _numbers(self) -> Numbers:
        return Numbers(
            concurrency=self.slots.concurrency,
            running=self.slots.running,
            waiting=self.slots.waiting,
            loop_lag=self.pulse.lag,
            memory=memory_used(),
            runs=tuple(held.attempt.claim.run_id for held in list(self.slots.held)[:100]),
        )

    def _alive(self) -> bool:
        return self._clock() - self.pulse.ticked_at < self._settings.stalled_after

    def _judge(self, held: Held, error: BaseException, then: Callable[[Held, Outcome | None], None]) -> None:
        self._keep(self._judged(held, error, then))

    async def _judged(self, held: Held, error: BaseException, then: Callable[[Held, Outcome | None], None]) -> None:
        then(held, await verdict(held.trade.handler, held.attempt, error))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._judging.add(task)
        task.add_done_callback(self._judging.discard)

    def _trouble(self, name: str) -> Trouble:
        return self.duties[name].unanswered


def _within(settings: Settings) -> dict[str, float]:
    """The worker's loops, and the seconds in which each completes a round if all is well."""
    return {
        "claim": settings.lease,
        "listen": 15.0,
        "heartbeat": settings.lease,
        "pulse": 15.0,
        "upkeep": 30.0,
        "rollups": 60.0,
        "register": 60.0,
    }


def _is_cancelled(task: asyncio.Task[Any] | None) -> bool:
    return task is not None and task.cancelling() > 0
