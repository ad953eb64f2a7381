"""Schedules made and steered at run time: `app.schedules`. Those declared in code are in `schedules_static`."""

from typing import Any, Final, Unpack

from penstock.app.client import Client
from penstock.app.handle import Run, SyncRun
from penstock.app.named import NamedCall
from penstock.app.planned import Planned, alone
from penstock.app.portal import Portal
from penstock.app.schedules_put import put
from penstock.app.schedules_static import Synced, declared_by, synchronise
from penstock.app.schedules_terms import NamedBySchedule, ScheduleStatus, changed, plan_of, status_of
from penstock.app.task import Call
from penstock.core.duration import Moment, moment
from penstock.core.errors import Invalid, NotFound
from penstock.core.ids import new_run_id
from penstock.core.names import check_name
from penstock.core.requests import Pause
from penstock.core.run import NewRun
from penstock.core.schedule import Schedule
from penstock.engine import schedules_plan
from penstock.engine.schedules_plan import Plan
from penstock.ports.store import Store

AT_ONCE: Final = 1_000  # ticks that one call of the store makes good


class Schedules:
    """The schedules of a store. Each verb raises `NotFound` for a name that none has, unless it says otherwise."""

    def __init__(self, client: Client, app: str) -> None:
        self._client = client
        self._app = app

    @property
    def sync(self) -> "SyncSchedules":
        """The same verbs for code without a loop."""
        return SyncSchedules(self, self._client.portal)

    async def synchronise(self, *, dry_run: bool = False) -> Synced:
        """Bring the store in step with the schedules declared in this app's code, as its workers do when they start.

        Also removes what no code of the app declares any more, unless a live worker does. `dry_run` only looks.
        Raises `Invalid` for an app without a name.
        """
        if not self._app:
            raise Invalid("name", None, "a schedule belongs to an app by its name: say App(name=...)")
        store = await self._client.store()
        return await synchronise(self._client, store, self._app, prune=True, dry=dry_run)

    async def create(
        self, name: str, call: Call[Any] | NamedCall, /, **said: Unpack[NamedBySchedule]
    ) -> ScheduleStatus:
        """Have this call carried out at each tick: `create("eu", report.call("eu"), cron="0 9 * * *", tz="...")`.

        One of `cron`, `every` and `at` says when. A schedule of that name becomes this one; creating the same again
        changes nothing. Raises `Invalid` for what is refused, and if code declares a schedule of that name.
        """
        check_name(name, "name")
        plan = plan_of(await _made(call), said)
        store = await self._client.store()
        while True:
            stored = await _found(store, name)
            if stored is not None:
                _check_dynamic(stored)
            kept = await self._put(store, name, plan, stored)
            if kept is not None:
                return status_of(kept)

    async def edit(
        self, name: str, /, call: Call[Any] | NamedCall | None = None, **said: Unpack[NamedBySchedule]
    ) -> ScheduleStatus:
        """Change what is said here and nothing else. A tick that has not fired by now follows the new words.

        Raises `Invalid` for what is refused, and for a schedule that is declared in code: there it is changed.
        """
        run = None if call is None else await _made(call)
        store = await self._client.store()
        while True:
            stored = await _get(store, name)
            _check_dynamic(stored)
            kept = await self._put(store, name, changed(_plan(stored), run, said), stored)
            if kept is not None:
                return status_of(kept)

    async def get(self, name: str) -> ScheduleStatus:
        """How the schedule stands."""
        return status_of(await _get(await self._client.store(), name))

    async def all(self) -> list[ScheduleStatus]:
        """All schedules, by name."""
        return [status_of(one) for one in await (await self._client.store()).schedules(limit=1_000_000)]

    async def pause(self, name: str) -> None:
        """No tick fires until the schedule is resumed."""
        await self._switch(name, paused=True)

    async def resume(self, name: str) -> None:
        """Ticks fire again; those that were due meanwhile are missed ones, treated as the schedule says."""
        await self._switch(name, paused=False)

    async def trigger(self, name: str) -> Run[Any]:
        """Store a run of the schedule now, beside its ticks and whatever else of it runs."""
        store = await self._client.store()
        stored = await _get(store, name)
        new = _plan(stored).by_hand(stored, new_run_id(), (await store.info()).now)
        entered = await self._client.enter(new)
        return Run(self._client, entered.id, created=entered.created)

    async def backfill(self, name: str, /, *, start: Moment, end: Moment) -> int:
        """Store the runs of all ticks from `start` to `end` that have none; how many. Harmless to repeat.

        A tick's run is known by its id, so one that has fired is not stored again while that run is kept.
        """
        first, last = moment(start, "start"), moment(end, "end")
        if last < first:
            raise Invalid("end", end, "the end lies before the start")
        stored = await _get(await self._client.store(), name)
        plan = _plan(stored)
        made, runs = 0, list[NewRun]()
        for tick in plan.timing.ticks(first - 1e-6):
            if tick > last:
                break
            runs.append(plan.of_tick(stored, tick))
            if len(runs) == AT_ONCE:
                made += await self._enter(runs)
                runs = []
        return made + await self._enter(runs)

    async def delete(self, name: str) -> bool:
        """Fire no more; False: there was none. Its runs stay.

        Raises `Invalid` while a live worker declares the schedule in its code: it would come back.
        """
        store = await self._client.store()
        stored = await _found(store, name)
        if stored is None:
            return False
        if stored.app and stored.name in await declared_by(store, stored.app):
            hint = f"workers of app {stored.app} declare it in their code: take it out there, or pause it"
            raise Invalid("name", name, hint)
        return await store.drop_schedule(name) == "ok"

    async def _enter(self, runs: list[NewRun]) -> int:
        return sum(one.created for one in await self._client.enter_many(runs)) if runs else 0

    async def _switch(self, name: str, *, paused: bool) -> None:
        store = await self._client.store()
        await _get(store, name)
        await store.pause(Pause(kind="schedule", name=name, paused=paused))

    async def _put(self, store: Store, name: str, plan: Plan, stored: Schedule | None) -> Schedule | None:
        wanted = Schedule(name=name, app="", task=plan.run.task, spec=b"", next_at=None)
        return await put(self._client, store, wanted, plan, stored)


class SyncSchedules:
    """The verbs of `Schedules` for code without a loop. Each raises `Blocking` where a loop is running."""

    def __init__(self, schedules: Schedules, portal: Portal) -> None:
        self._schedules = schedules
        self._call = portal.call

    def synchronise(self, *, dry_run: bool = False) -> Synced:
        return self._call(self._schedules.synchronise, dry_run=dry_run)

    def create(self, name: str, call: Call[Any] | NamedCall, /, **said: Unpack[NamedBySchedule]) -> ScheduleStatus:
        return self._call(self._schedules.create, name, call, **said)

    def edit(
        self, name: str, /, call: Call[Any] | NamedCall | None = None, **said: Unpack[NamedBySchedule]
    ) -> ScheduleStatus:
        return self._call(self._schedules.edit, name, call=call, **said)

    def get(self, name: str) -> ScheduleStatus:
        return self._call(self._schedules.get, name)

    def all(self) -> list[ScheduleStatus]:
        return self._call(self._schedules.all)

    def pause(self, name: str) -> None:
        self._call(self._schedules.pause, name)

    def resume(self, name: str) -> None:
        self._call(self._schedules.resume, name)

    def trigger(self, name: str) -> SyncRun[Any]:
        return self._call(self._schedules.trigger, name).sync

    def backfill(self, name: str, /, *, start: Moment, end: Moment) -> int:
        return self._call(self._schedules.backfill, name, start=start, end=end)

    def delete(self, name: str) -> bool:
        return self._call(self._schedules.delete, name)


async def _found(store: Store, name: str) -> Schedule | None:
    return next((one for one in await store.schedules(limit=1_000_000) if one.name == name), None)


async def _get(store: Store, name: str) -> Schedule:
    found = await _found(store, check_name(name, "name"))
    if found is None:
        raise NotFound("schedule", name)
    return found


def _plan(stored: Schedule) -> Plan:
    plan = schedules_plan.decode(stored)
    if plan is None:
        raise Invalid("name", stored.name, "a later version of Penstock wrote this schedule: ask that one")
    return plan


def _check_dynamic(stored: Schedule) -> None:
    if stored.app:
        raise Invalid("name", stored.name, f"app {stored.app} declares this schedule in its code: change it there")


async def _made(call: object) -> NewRun:
    if not isinstance(call, Planned):
        raise Invalid("call", call, "what a task's call(...) returns")
    return await alone(call, "call")
