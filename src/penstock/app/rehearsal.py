"""An app on a store in memory and a clock that is moved by hand: for tests of tasks. Everything else is the real thing.

Nothing sleeps and nothing works in the background: runs are carried out by `drain` and `advance`, and by who waits for
a result.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Self

from penstock.app.client import Client
from penstock.app.selection import PAGE, Selection
from penstock.app.status import Status, status_of
from penstock.app.stores import Stores
from penstock.app.task import Task
from penstock.app.upkeep import BUDGET, BY_HAND
from penstock.app.working import Worker
from penstock.backends import open_store
from penstock.core.duration import Duration, seconds
from penstock.core.errors import Invalid, ResultTimeout
from penstock.core.state import State
from penstock.engine.settings import Settings
from penstock.models.current import running
from penstock.ports.store import Store

START: Final = 1_800_000_000.0  # where the clock stands in the beginning, in unix seconds


class Rehearsal:
    """`async with app.testing() as t:` the app's tasks, runs and store are this rehearsal's until the block ends."""

    def __init__(
        self,
        client: Client,
        *,
        concurrency: int = 10,
        overrides: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
    ) -> None:
        self._client = client
        self._settings = Settings(
            name="testing",
            concurrency=concurrency,
            burst=True,
            upkeep=False,
            heartbeat_thread=False,
            prefetch=False,
        )
        self._overrides = dict(overrides or {})
        self._now = START
        self._store: Store = open_store("memory://", clock=lambda: self._now)
        self._before: tuple[Stores, dict[Callable[..., Any], Callable[..., Any]]] | None = None

    @property
    def now(self) -> float:
        """What time it is, in unix seconds."""
        return self._now

    async def __aenter__(self) -> Self:
        client = self._client
        if client.before_waiting is not None:
            raise Invalid("testing", "entered", "this app is in a rehearsal already: leave it first")
        self._before = client.stores, dict(client.home.replaced)
        client.stores = Stores(lambda: self._store)
        client.home.replaced |= self._overrides
        client.before_waiting = self._drain_for
        return self

    async def __aexit__(self, *_: object) -> None:
        client = self._client
        await client.stores.close()
        client.before_waiting = None
        if self._before is not None:
            client.stores, replaced = self._before
            client.home.replaced.clear()
            client.home.replaced.update(replaced)

    async def drain(self) -> None:
        """Carry out all that is ready, and what that enqueues, until nothing is ready at this moment of the clock."""
        served: set[str] = set()
        while not served.issuperset(queues := await self._queues()):
            served |= queues
            await Worker(self._client, None, replace(self._settings, queues=tuple(sorted(queues)))).run()

    async def advance(self, duration: Duration) -> None:
        """Move the clock on, from one due moment to the next, carrying out at each what has become ready.

        `duration`: seconds, a timedelta, or text like "10m".
        """
        until = self._now + seconds(duration, "duration")
        while True:
            await self.drain()
            next_in = await self._tend()
            if next_in is None or self._now + next_in > until:
                break
            self._now += max(next_in, 0.001)
            await self._tend()
        self._now = until
        await self._tend()
        await self.drain()

    async def enqueued(self, task: Task[..., Any] | str) -> list[Status]:
        """The task's runs that are not finished, in the order in which they were enqueued."""
        return [one for one in await self.runs(task) if not one.state.finished]

    async def runs(self, task: Task[..., Any] | str | None = None) -> list[Status]:
        """All runs, or those of a task, in the order in which they were enqueued."""
        selection = Selection({} if task is None else {"task": task if isinstance(task, str) else task.name})
        found: list[Status] = []
        after: str | None = None
        while True:
            page = await self._store.find(selection.filter(), after=after, limit=PAGE)
            found += [status_of(run, self._client.home.codec) for run in page.items]
            after = page.after
            if after is None:
                return found[::-1]

    async def check(self) -> list[str]:
        """What is wrong with the store; nothing, unless there is a bug in Penstock."""
        return await self._store.check()

    async def _queues(self) -> set[str]:
        """All in which something may stand: of the tasks, and of calls that named another."""
        used = {count.queue for count in await self._store.counts()}
        return used | {handler.queue for handler in self._client.handlers.values()}

    async def _tend(self) -> float | None:
        """All that is due now; seconds until more is."""
        while (tended := await self._store.tend(BUDGET, BY_HAND)).more:
            pass
        return tended.next_in

    async def _drain_for(self, run_id: str) -> None:
        """Before somebody waits for a run. Raises `ResultTimeout` if it can't finish before the clock moves."""
        if running() is not None:
            return  # a handler waits: whoever drains carries the other run out as well
        await self.drain()
        (run,) = await self._store.get([run_id])
        if run is not None and not run.state.finished and run.state is not State.RUNNING:
            raise ResultTimeout(run_id, 0.0)
