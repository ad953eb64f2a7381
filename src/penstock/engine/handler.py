"""What the engine asks of a programming model, and what it gives to it: handlers, and the attempt they carry out.

Knows no model and no worker: `Host` is all that an attempt can reach, in the worker's process or in a child of it.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from penstock.core.answers import Answer, Recorded, Spawned
from penstock.core.clock import Clock
from penstock.core.errors import LeaseLost
from penstock.core.leases import Ability, Append, Block, Claim, Lease, Outcome, RecordStep, Spawn, Step
from penstock.core.retry import Retry
from penstock.core.run import NewRun, Run
from penstock.core.tx import Tx
from penstock.core.views import Page
from penstock.engine.stop import Reason, Stop
from penstock.ports.store import Views

T = TypeVar("T")


class Executor(StrEnum):
    """Where a handler's code runs."""

    LOOP = "loop"  # async code, on the worker's loop
    THREAD = "thread"
    PROCESS = "process"  # a child process: for what keeps a processor busy


class Host(Protocol):
    """Who carries an attempt out, seen from the attempt: the worker, or in a child process the pipe to it."""

    worker: str
    clock: Clock  # monotonic seconds: for spans only

    def leaving(self) -> bool:
        """Whether the host itself is being cancelled: then a cancelled attempt is no failure of its handler."""
        ...

    def append(self, entry: Append) -> None:
        """Store the line soon, in order, and before the attempt is settled. Thread-safe."""
        ...

    async def appended(self, lease: Lease) -> None:
        """Return when every line given so far under this lease is stored."""
        ...

    async def spawn(self, spawn: Spawn) -> Spawned: ...

    async def record(self, record: RecordStep) -> Recorded: ...

    async def record_with(self, record: RecordStep, work: Callable[[Tx], Step], seconds: float) -> Recorded:
        """Carry the work out in a thread, and record what it returns in the same transaction of the store.

        Raises `Invalid` if the store has none.
        """
        ...

    async def block(self, block: Block) -> Answer: ...

    async def children(self, run_id: str, *, after: str | None, limit: int) -> Page[Run]:
        """A page of the run's children, in order."""
        ...

    async def drop(self, lease: Lease, run_ids: tuple[str, ...]) -> list[Answer]:
        """Leave no trace of these children of the held run and of what is below them, each if none of it is running."""
        ...

    async def ask(self, question: Callable[[Views], Awaitable[T]]) -> T:
        """What the store says, however often it has to be asked. In a child process there is nobody to ask."""
        ...

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """From a thread: run the coroutine on the host's loop and wait for what it returns."""
        ...


class Attempt:
    """One claimed run being carried out. Operations are batched with those of other attempts."""

    __slots__ = ("claim", "host", "safe_until", "stop")

    def __init__(self, claim: Claim, host: Host, safe_until: float) -> None:
        self.claim = claim
        self.host = host
        self.stop = Stop()
        self.safe_until = safe_until  # on the host's clock; moved on by each heartbeat

    @property
    def worker(self) -> str:
        """The identity of the worker that holds the run."""
        return self.host.worker

    @property
    def lease(self) -> Lease:
        """The lease under which everything of this attempt is written."""
        return self.claim.lease

    def may_start(self) -> bool:
        """Whether another effect may begin: not asked to stop, and the lease surely still ours.

        Only a guard that spares work: the store's answer decides.
        """
        return self.stop.reason is None and self.host.clock() < self.safe_until

    def emit(self, kind: str, data: bytes) -> None:
        """Add a line ("log", "progress", "chunk") to the run's log, soon. From any thread; order is kept per thread."""
        self.host.append(Append(lease=self.claim.lease, kind=kind, data=data))

    async def flush(self) -> None:
        """Return when all lines emitted so far are stored: for those who emit faster than a store can write."""
        await self.host.appended(self.claim.lease)

    async def spawn(
        self,
        runs: Iterable[NewRun],
        *,
        flow: str | None = None,
        opens: bool = False,
        closes: bool = False,
        step: Step | None = None,
    ) -> Spawned:
        """Insert children of this run, all or none. Raises `LeaseLost`; other refusals are in the answer.

        `flow`: the root of a tree that travels in several groups, of which this is one: the first, the last. `step`:
        written in the same move. If its path is taken nothing is done: `duplicate`, and what stands there.
        """
        asked = Spawn(lease=self.claim.lease, runs=tuple(runs), flow=flow, opens=opens, closes=closes, step=step)
        return self._held(await self.host.spawn(asked))

    async def record(self, step: Step, *, silent: str = "", arrived: int = 0) -> Recorded:
        """Write a step once; the step that stands there comes back if the path was taken. Raises `LeaseLost`.

        `silent`: only if no more than `arrived` messages of that signal have come, else the answer is `state`.
        """
        asked = RecordStep(lease=self.claim.lease, step=step, silent=silent, arrived=arrived)
        return self._held(await self.host.record(asked))

    async def record_with(self, step: Step, work: Callable[[Tx], Step], seconds: float) -> Recorded:
        """Write the step that the work returns together with what it has written, or neither. Raises `LeaseLost`.

        `step`: its place. The work is called in a thread, and not at all if a step stands there: that comes back.
        """
        asked = RecordStep(lease=self.claim.lease, step=step)
        return self._held(await self.host.record_with(asked, work, seconds))

    async def block(self, seconds: float, name: str = "", key: str = "") -> Answer:
        """Let no run of this rate, or of any that this run uses, start for so many seconds. Raises `LeaseLost`."""
        answer = await self.host.block(Block(lease=self.claim.lease, name=name, key=key, seconds=seconds))
        if answer is Answer.LOST:
            self._lost()
        return answer

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """For handlers in threads: `attempt.run(attempt.spawn(...))`. Blocks the thread until it is done."""
        return self.host.run(coroutine)

    def _held(self, answered: "_Answered") -> "_Answered":
        if answered.answer is Answer.LOST:
            self._lost()
        return answered

    def _lost(self) -> None:
        self.stop.request(Reason.LOST)
        raise LeaseLost(self.claim.run_id)


_Answered = TypeVar("_Answered", Spawned, Recorded)


class Handler(Protocol):
    """How the runs of one task are carried out.

    What `work` and `work_in_thread` return is settled as it is. What they raise becomes another attempt or the end, by
    `retry`; `Never`, `RetryIn` and `Snooze` as they say; `InvalidInput` and `OutputError` are not tried again.
    """

    @property
    def ability(self) -> Ability: ...

    @property
    def queue(self) -> str:
        """Where the task's runs stand unless their call says otherwise: a worker's default queues are made of these."""
        ...

    @property
    def executor(self) -> Executor: ...

    @property
    def limited(self) -> bool:
        """Whether runs of the task may carry limits: then none is claimed before it can start."""
        ...

    @property
    def entry(self) -> tuple[str, str]:
        """Module and qualified name under which a child process finds this handler, or what has it as `handler`.

        Asked for only with `Executor.PROCESS`. Of a decorated function: its `__module__` and `__qualname__`.
        """
        ...

    def timeout(self, claim: Claim) -> float | None:
        """Seconds for which an attempt of this run may be active; None: without bound."""
        ...

    def retry(self, claim: Claim) -> Retry:
        """What happens after a failed attempt of this run: the task's policy, or that of the call."""
        ...

    async def work(self, attempt: Attempt) -> Outcome:
        """Carry the run out on a loop. Called with `Executor.LOOP`, and in children for `async def` handlers."""
        ...

    def work_in_thread(self, attempt: Attempt) -> Outcome:
        """Carry the run out in a thread that may block. Called with `Executor.THREAD` and in children for the rest."""
        ...

    @property
    def asynchronous(self) -> bool:
        """Whether the child process calls `work` on a loop of its own rather than `work_in_thread`."""
        ...


class Registry:
    """The handlers of a worker, by task and version. One task may have several versions at once."""

    def __init__(self, handlers: Iterable[Handler] = ()) -> None:
        self._by_task: dict[tuple[str, str], Handler] = {}
        self.abilities: frozenset[Ability] = frozenset()
        self.queues: tuple[str, ...] = ()  # those of the handlers, in the order of registration
        for handler in handlers:
            self.add(handler)

    def add(self, handler: Handler) -> None:
        """From now on claims ask for runs of this handler. A second one of the same task and version replaces it."""
        ability = handler.ability
        self._by_task[ability.task, ability.version] = handler
        plain = self._by_task.get((ability.task, ""))
        if plain is None or plain.ability.version:  # runs that ask for no version get the latest registered
            self._by_task[ability.task, ""] = handler
        self.abilities = frozenset(known.ability for known in self._by_task.values())
        self.queues = tuple(dict.fromkeys(known.queue for known in self._by_task.values()))

    def find(self, task: str, version: str = "") -> Handler | None:
        """The handler for runs of this task that ask for this version; "" stands for any."""
        return self._by_task.get((task, version))

    def handlers(self) -> Sequence[Handler]:
        """Each handler once."""
        return list({id(handler): handler for handler in self._by_task.values()}.values())
