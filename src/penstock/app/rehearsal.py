"""An app on a store in memory and a clock that is moved by hand: for tests of tasks. Everything else is the real thing.

Nothing sleeps and nothing works in the background: runs are carried out by `drain` and `advance`, and by who waits for
a result.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Final, Self, TypeVar, cast

import msgspec

from penstock.app.client import Client
from penstock.app.crashing import Losing
from penstock.app.handle import Run
from penstock.app.operations import Operations
from penstock.app.schedules_static import synchronise
from penstock.app.selection import PAGE, Selection
from penstock.app.status import Status, status_of
from penstock.app.stores import Stores
from penstock.app.task import Call, Task
from penstock.app.upkeep import BUDGET, BY_HAND
from penstock.app.working import Worker
from penstock.backends import open_store
from penstock.core import codec
from penstock.core.duration import Duration, seconds
from penstock.core.errors import Invalid, ResultTimeout
from penstock.core.state import State
from penstock.engine.schedules import fire_due
from penstock.engine.settings import Settings
from penstock.models.current import running
from penstock.models.jobs import PATIENCE
from penstock.models.waits import MISSING
from penstock.ports.store import Store

R = TypeVar("R")

MOMENTS: Final = 10_000  # at which a workflow is looked at, before it is said never to end
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
        self._lifespans = AsyncExitStack()
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
        client.home.clock, client.home.patience = (lambda: self._now), 0.0  # workflows wait on this clock alone
        try:
            await synchronise(client, self._store, "testing", prune=False)
            await self._lifespans.enter_async_context(client.home.lifespans.shared(client.home.replaced))
        except BaseException:
            await self._restore()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._lifespans.aclose()
        finally:
            await self._restore()

    async def _restore(self) -> None:
        client = self._client
        await client.stores.close()
        client.before_waiting = None
        client.home.clock, client.home.patience = time.monotonic, PATIENCE
        if self._before is not None:
            client.stores, replaced = self._before
            client.home.replaced.clear()
            client.home.replaced.update(replaced)

    async def drain(self) -> None:
        """Carry out all that is ready, and what that enqueues, until nothing is ready at this moment of the clock.

        What upkeep does meanwhile is done, too: below a run that was cancelled, say, or at the end of a large flow.
        """
        while True:
            served: set[str] = set()
            while not served.issuperset(queues := await self._queues()):
                served |= queues
                await Worker(self._client, None, replace(self._settings, queues=tuple(sorted(queues)))).run()
            tended = await self._store.tend(BUDGET, BY_HAND)
            if not (tended.more or tended.cascaded or tended.promoted):
                break

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

    async def outage(self, duration: Duration) -> None:
        """Move the clock on while nobody works: what has become due by then is looked after when somebody does again.

        For tests of what is missed, or comes too late. `duration`: seconds, a timedelta, or text like "8h".
        """
        self._now += seconds(duration, "duration")

    async def check_crashes(self, call: Call[R], *, play: Callable[[Run[R]], Awaitable[object]] | None = None) -> int:
        """Carry the workflow out, then again, losing its worker after each of its records in turn; how many there were.

        Each time on an empty store, to its end: the clock moves on to what it waits for. `play` is called when the run
        has been stored, to send the signals that it waits for, or to move the clock. Raises `AssertionError` if it ends
        otherwise than without a crash, if a recorded step is carried out again, or if it never ends. What steps do to
        the outside is done in each of these lives.
        """
        expected, count = await self._ended_after(0, call, play)
        for after in range(1, count + 1):
            ended, _ = await self._ended_after(after, call, play)
            if ended != expected:
                raise AssertionError(f"after a crash behind record {after} it ends otherwise: {ended}, not {expected}")
        return count

    async def _ended_after(
        self, after: int, call: Call[R], play: Callable[[Run[R]], Awaitable[object]] | None
    ) -> tuple[object, int]:
        """How a run of the call ends if its worker is lost after that record; how many records there were."""
        before = self._store, self._client.stores, self._now
        store = Losing(open_store("memory://", clock=lambda: self._now), after)
        self._store = cast("Store", store)
        self._client.stores = Stores(lambda: self._store)
        try:
            (run,) = await Operations(self._client).enqueue_many([call])
            if play is not None:
                await play(run)
            ended = await self._end_of(run, after)
            if store.twice:
                raise AssertionError(f"after a crash behind record {after} these are carried out again: {store.twice}")
            return ended, store.written
        finally:
            await self._client.stores.close()
            self._store, self._client.stores, self._now = before

    async def _end_of(self, run: Run[Any], after: int) -> object:
        for _ in range(MOMENTS):
            await self.drain()
            status = await run.status()
            if status.state.finished:
                return status.state.value, status.result, status.error and status.error.message
            next_in = await self._tend()
            if next_in is None:
                break
            self._now += max(next_in, 0.001)
            await self._tend()
        why = await run.why()
        waits = "" if why is None else f": {why.reason} {' '.join(why.detail)}"
        raise AssertionError(f"after a crash behind record {after} it does not end{waits}. Say play= to send signals")

    async def assert_enqueued(self, task: Task[..., Any] | str, **arguments: object) -> Status:
        """The first unfinished run of the task with these arguments, as JSON has them; others are not compared.

        Raises `AssertionError` if there is none, saying what there is.
        """
        wanted = msgspec.json.decode(codec.encode(arguments))
        found = await self.enqueued(task)
        for one in found:
            if all(one.input.get(name, MISSING) == value for name, value in wanted.items()):
                return one
        name = task if isinstance(task, str) else task.name
        there = "".join(f"\n  {one.input}" for one in found) or " nothing"
        raise AssertionError(f"no run of {name} with {wanted} is enqueued, but{there}")

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
        return used | {handler.queue for handler, _ in self._client.versions.values()}

    async def _tend(self) -> float | None:
        """All that is due now; seconds until more is."""
        while True:
            tended = await self._store.tend(BUDGET, BY_HAND)
            if not tended.more and (tended.next_in != 0 or not await fire_due(self._store)):
                return tended.next_in

    async def _drain_for(self, run_id: str) -> None:
        """Before somebody waits for a run. Raises `ResultTimeout` if it can't finish before the clock moves."""
        if running() is not None:
            return  # a handler waits: whoever drains carries the other run out as well
        await self.drain()
        (run,) = await self._store.get([run_id])
        if run is not None and not run.state.finished and run.state is not State.RUNNING:
            raise ResultTimeout(run_id, 0.0)
