"""What can be asked of an app's store without a task's code: runs by name, reads, control. Knows no worker."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar, Unpack, overload

import msgspec

from penstock.app import deleting, status, upkeep
from penstock.app.called import started_many
from penstock.app.claimed import Claimed, claim
from penstock.app.client import Client
from penstock.app.handle import Run
from penstock.app.named import NamedCall, NamedTask
from penstock.app.planned import Planned, alone, has_id
from penstock.app.selection import Selected, Selection, check_limit, check_states, listed
from penstock.app.status import Status
from penstock.app.task import Call
from penstock.app.upkeep import Reconciled
from penstock.core.duration import Duration, seconds
from penstock.core.errors import Invalid
from penstock.core.ids import check_run_id
from penstock.core.names import check_name
from penstock.core.requests import Pause
from penstock.core.run import NewRun
from penstock.core.run import Run as Stored
from penstock.core.state import State
from penstock.core.views import Count, Page, StoreInfo
from penstock.models import durable

R = TypeVar("R")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A task as some worker has declared it."""

    task: str
    version: str
    queue: str
    app: str
    kind: str
    schema: Any  # JSON Schema of its input
    source: str  # where its code is: "shop.mail:send_mail"
    options: Any  # how its runs are treated, unless the call says otherwise
    seen_at: float


class Operations:
    """The part of an app that needs no task's code: enqueue by name, read, steer and clear up what is stored."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def named(self, name: str, *, unchecked: bool = False) -> NamedTask:
        """A task by its name, whose code may be elsewhere. `unchecked`: also one that no worker has declared yet."""
        return NamedTask(self._client, name, unchecked=unchecked)

    async def enqueue(self, task: str, /, *args: object, unchecked: bool = False, **named: object) -> Run[Any]:
        """As `app.named(task).enqueue(...)`."""
        return await self.named(task, unchecked=unchecked).enqueue(*args, **named)

    def call(self, task: str, /, *args: object, unchecked: bool = False, **named: object) -> NamedCall:
        """As `app.named(task).call(...)`."""
        return self.named(task, unchecked=unchecked).call(*args, **named)

    @overload
    async def enqueue_many(self, calls: Sequence[Call[R]]) -> list[Run[R]]: ...
    @overload
    async def enqueue_many(self, calls: Sequence[Call[Any] | NamedCall]) -> list[Run[Any]]: ...

    async def enqueue_many(self, calls: Sequence[Call[Any] | NamedCall]) -> list[Run[Any]]:
        """Store all these runs, in this order; each 1 000 (or 4 MiB) of them whole or not at all.

        Their ids were made with the calls: repeating this after an error stores what is missing, and nothing twice.
        Raises what `Task.enqueue` raises, naming the call's place.
        """
        given = listed(calls, "calls", "a list of what a task's call(...) returns")
        found = durable.here()
        if found is not None:
            makes = [(partial(_made, call, place), _own_id(call)) for place, call in enumerate(given)]
            return [
                Run(self._client, run_id, created=True) for run_id in await started_many(self._client, found, makes)
            ]
        runs = [await _made(call, place) for place, call in enumerate(given)]
        _check_distinct(runs)
        entered = await self._client.enter_many(runs)
        return [Run(self._client, one.id, created=one.created) for one in entered]

    def run(self, run_id: str) -> Run[Any]:
        """A handle on a stored run; whether there is one is asked when the handle is used."""
        return Run(self._client, check_run_id(run_id, "run_id"))

    async def runs(self, *, after: str | None = None, limit: int = 100, **selected: Unpack[Selected]) -> Page[Status]:
        """Runs, the latest enqueued first: up to `limit` (1 to 1,000) looked at, and where to go on: `page.after`.

        Each run appears once, however many pages. States are those of `penstock.State`, one or several.
        """
        selection = Selection(selected)
        store = await self._client.store()
        page = await _page(partial(store.find, selection.filter()), after, limit)
        return self._statuses(page, selection)

    async def counts(self) -> list[Count]:
        """How many runs there are by queue and state; large numbers are capped, and say so."""
        return await (await self._client.store()).counts()

    async def definitions(self) -> list[Known]:
        """The tasks that workers have declared, with their input's JSON Schema."""
        return [
            Known(
                task=one.task,
                version=one.version,
                queue=one.queue,
                app=one.app,
                kind=one.kind,
                schema=status.plain(one.schema),
                source=one.source,
                options=status.plain(one.options) or {},
                seen_at=one.seen_at,
            )
            for one in await (await self._client.store()).definitions()
        ]

    async def info(self) -> StoreInfo:
        """Which store this is, and what time it is there."""
        return await (await self._client.store()).info()

    async def check(self) -> list[str]:
        """What is wrong with the store, one sentence each; nothing if it is sound."""
        return await (await self._client.store()).check()

    async def pause(self, *, queue: str | None = None, task: str | None = None) -> None:
        """Start no more runs of this queue, or of this task, until resumed. Running ones finish."""
        await (await self._client.store()).pause(_pause(queue, task, paused=True))

    async def resume(self, *, queue: str | None = None, task: str | None = None) -> None:
        """Start runs of this queue, or of this task, again: in the order in which they stand."""
        await (await self._client.store()).pause(_pause(queue, task, paused=False))

    async def paused(self) -> list[Pause]:
        """What is paused."""
        return await (await self._client.store()).paused()

    async def cancel(self, run_id: str, reason: str = "", *, cascade: bool = True, terminate: bool = False) -> bool:
        """As `Run.cancel`, by id."""
        return await self.run(run_id).cancel(reason, cascade=cascade, terminate=terminate)

    async def claim(
        self, queue: str = "default", *, tasks: Sequence[str] | None = None, lease: Duration = "30s"
    ) -> Claimed | None:
        """Take the next run of the queue by hand: settle it yourself, before its lease ends. None: nothing is ready.

        `tasks`: those to take runs of; default: the ones registered here. For programs with a loop of their own.
        """
        return await claim(self._client, queue, tasks, lease)

    async def dead(self, name: str | None = None, *, after: str | None = None, limit: int = 100) -> Page[Status]:
        """The runs on one dead-letter list, or on all, the latest first."""
        wanted = None if name is None else check_name(name, "name")
        store = await self._client.store()
        page = await _page(partial(store.dead, wanted), after, limit)
        return self._statuses(page, Selection({}))

    async def redrive(self, *run_ids: str, dead: str | bool = False, **selected: Unpack[Selected]) -> int:
        """Begin another life of these runs, with fresh counters; how many began one.

        Which: by ids; `dead=True` or the name of a dead-letter list; or failed ones by task, queue, tag, ... A run that
        can't be redriven (it lives, its key is taken, a cancel is under way) is left as it is, and not counted.
        """
        if bool(run_ids) + (dead is not False) + bool(selected) != 1:
            raise Invalid("run_ids", run_ids, "say ids, or dead=, or which failed runs (task=, queue=, tag=, ...)")
        if not isinstance(dead, bool):
            check_name(dead, "dead")
        if run_ids:
            ids = [check_run_id(run_id, "run_ids") for run_id in run_ids]
            return await upkeep.redrive(await self._client.store(), ids)
        return await upkeep.redrive_all(await self._client.store(), Selection(selected), dead=dead)

    async def drain(self, queue: str, *, delayed: bool = False, told: Callable[[int], object] | None = None) -> int:
        """Remove what waits in the queue to be started, with `delayed` also what is not due yet; how many.

        Running runs go on. Runs with children that run are left. `told` hears how many have gone so far.
        """
        states = {State.QUEUED, State.SCHEDULED} if delayed else {State.QUEUED}
        selection = Selection({"queue": check_name(queue, "queue"), "state": states})
        return await upkeep.remove(await self._client.store(), selection, told=told)

    async def delete(
        self,
        queue: str,
        *,
        force: bool = False,
        timeout: Duration = "1m",
        told: Callable[[int], object] | None = None,
    ) -> int:
        """Remove all runs of the queue, whatever their state, and all below them; how many of the queue's own.

        Raises `WrongState` if one is running: with `force` these are cancelled first, and `ResultTimeout` if they do
        not end in time. The queue is paused meanwhile and, if this is refused, goes on as before. What is enqueued
        later begins it anew. `told` hears how many have gone so far.
        """
        name, patience = check_name(queue, "queue"), seconds(timeout, "timeout")
        return await deleting.delete(self._client, name, force=force, timeout=patience, told=told)

    async def clean(
        self,
        *,
        older_than: Duration,
        state: State | str | Sequence[State | str],
        limit: int | None = None,
        queue: str | None = None,
        told: Callable[[int], object] | None = None,
    ) -> int:
        """Remove runs that have been in one of these states for longer than that, at most `limit`; how many.

        Running runs are refused: cancel them first. `told` hears how many have gone so far.
        """
        age = seconds(older_than, "older_than")
        states = check_states(state)
        if State.RUNNING in states or not states:
            raise Invalid("state", state, "one or several states other than running")
        most = None if limit is None else check_limit(limit, highest=1_000_000_000)
        store = await self._client.store()
        before = (await store.info()).now - age
        selected: Selected = {"state": states}
        if queue is not None:
            selected["queue"] = check_name(queue, "queue")
        return await upkeep.remove(store, Selection(selected), before=before, limit=most, told=told)

    async def reconcile(
        self, *, older_than: Duration | None = None, told: Callable[[int], object] | None = None
    ) -> Reconciled:
        """Look once after everything that workers look after now and then; what was found and done.

        Runs whose worker is gone are queued again; due, expired and finished ones are treated as they should be. With
        `older_than` nothing is done unless a worker has been gone for so long. Harmless at any time, from anywhere.
        `told` hears how many runs have been treated so far.
        """
        age = 0.0 if older_than is None else seconds(older_than, "older_than")
        return await upkeep.reconcile(await self._client.store(), age, told)

    def _statuses(self, page: Page[Stored], selection: Selection) -> Page[Status]:
        codec = self._client.home.codec
        items = tuple(status.status_of(run, codec) for run in page.items if selection.has(run))
        return Page(items=items, after=page.after)


async def _made(call: object, place: int) -> NewRun:
    if not isinstance(call, Planned):
        raise Invalid(f"calls[{place}]", call, "what a task's call(...) returns")
    return await alone(call, f"calls[{place}]")


def _own_id(call: object) -> bool:
    return has_id(call) if isinstance(call, Planned) else True  # what else it is, is refused when it is made


def _check_distinct(runs: Sequence[NewRun]) -> None:
    seen: set[str] = set()
    for place, new in enumerate(runs):
        if new.id in seen:
            raise Invalid(f"calls[{place}]", new.id, "the same call stands in the list before: make one for each run")
        seen.add(new.id)


class _Look(Protocol):
    def __call__(self, *, after: str | None, limit: int) -> Awaitable[Page[Stored]]: ...


async def _page(look: _Look, after: object, limit: int) -> Page[Stored]:
    """One page. Raises `Invalid` for a place to go on from that no page has named."""
    if after is not None and not isinstance(after, str):
        raise Invalid("after", after, "what an earlier page said in `after`")
    try:
        return await look(after=after, limit=check_limit(limit))
    except Invalid:
        raise
    except (ValueError, OverflowError) as error:  # the store could not read it
        raise Invalid("after", after, "what an earlier page said in `after`") from error


def _pause(queue: str | None, task: str | None, *, paused: bool) -> Pause:
    if (queue is None) == (task is None):
        raise Invalid("queue", queue, "say queue= or task=, one of them")
    if queue is not None:
        return Pause(kind="queue", name=check_name(queue, "queue"), paused=paused)
    return Pause(kind="task", name=check_name(task, "task"), paused=paused)
