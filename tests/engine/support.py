"""Handlers, runs and workers for the tests of the engine."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from penstock.backends.memory import MemoryStore
from penstock.core import ids
from penstock.core.leases import Ability, Claim, Complete, Outcome
from penstock.core.requests import Group
from penstock.core.retry import Retry
from penstock.core.run import NewRun, Run
from penstock.engine.handler import Attempt, Executor, Handler, Registry
from penstock.engine.settings import Settings
from penstock.engine.worker import Worker
from penstock.ports.store import Store
from tests.engine.virtual import now


async def nothing(attempt: Attempt) -> bytes:
    return b"null"


def nothing_in_thread(attempt: Attempt) -> bytes:
    return b"null"


@dataclass(eq=False)
class TestHandler:
    """A handler made of a function from attempts to results, or to outcomes."""

    __test__ = False

    body: Callable[[Attempt], Awaitable[bytes | Outcome]] = nothing
    task: str = "job"
    version: str = ""
    queue: str = "default"
    executor: Executor = Executor.LOOP
    limited: bool = False
    policy: Retry = field(default_factory=lambda: Retry(3, jitter=0))
    seconds: float | None = None
    in_thread: Callable[[Attempt], bytes | Outcome] = nothing_in_thread
    entry: tuple[str, str] = ("", "")
    asynchronous: bool = False

    @property
    def ability(self) -> Ability:
        return Ability(task=self.task, version=self.version)

    def timeout(self, claim: Claim) -> float | None:
        return self.seconds

    def retry(self, claim: Claim) -> Retry:
        return self.policy

    async def work(self, attempt: Attempt) -> Outcome:
        return as_outcome(attempt, await self.body(attempt))

    def work_in_thread(self, attempt: Attempt) -> Outcome:
        return as_outcome(attempt, self.in_thread(attempt))


def as_outcome(attempt: Attempt, result: bytes | Outcome) -> Outcome:
    return Complete(lease=attempt.lease, result=result) if isinstance(result, bytes) else result


def new_store() -> MemoryStore:
    """On the virtual clock."""
    return MemoryStore(clock=now)


def worker_of(store: Store, *handlers: Handler, **options: Any) -> Worker:
    """A worker on the virtual clock, in one thread."""
    settings = Settings(heartbeat_thread=False, **options)
    return Worker(store, Registry(handlers), settings, clock=now)


def real_worker(store: Store, *handlers: Handler, **options: Any) -> Worker:
    """A worker on the real clock, with its heartbeat's thread."""
    return Worker(store, Registry(handlers), Settings(**options))


async def enqueue(store: Store, n: int = 1, **fields: Any) -> list[str]:
    """So many runs, of the task "job" unless said otherwise."""
    task = fields.pop("task", "job")
    runs = [NewRun(id=ids.new_run_id(), task=task, **fields) for _ in range(n)]
    for start in range(0, n, 1000):
        await store.enqueue([Group(runs=tuple(runs[start : start + 1000]))])
    return [run.id for run in runs]


async def read(store: Store, run_id: str) -> Run:
    """The run as it is."""
    (run,) = await store.get([run_id])
    assert run is not None
    return run


async def until_finished(store: Store, run_ids: Iterable[str]) -> list[Run]:
    """The runs, when all of them have ended."""
    wanted = list(run_ids)
    bell = store.doorbell.listen({f"r:{run_id}" for run_id in wanted})
    try:
        while not all(state is not None and state.finished for state in await store.watch(wanted)):
            await bell.wait(60.0)
    finally:
        bell.close()
    return [await read(store, run_id) for run_id in wanted]
