"""Schedules declared in code, `@app.cron` and `@app.every`, kept in step with the store by the app's workers.

What the code no longer declares goes when no live worker of the app declares it any more, after a grace period. Those
of other apps, and those made at run time, are not touched.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from penstock.app.client import Client
from penstock.app.schedules_put import put
from penstock.app.workers import numbers_of
from penstock.core.errors import Invalid, PenstockError
from penstock.core.registry import WorkerInfo
from penstock.core.schedule import Schedule
from penstock.ports.store import Store

GRACE: Final = 30.0  # seconds after a worker's start, in which others may still come up
EVERY: Final = 60.0  # seconds between two looks

_log: Final = logging.getLogger(__name__)


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """What bringing a store in step with the code has changed, or would change: names."""

    stored: tuple[str, ...] = ()  # new ones, and those that say something else now
    removed: tuple[str, ...] = ()


async def synchronise(client: Client, store: Store, app: str, *, prune: bool, dry: bool = False) -> Synced:
    """Store what is declared; with `prune` remove what nobody declares any more. Harmless to repeat.

    Raises `Invalid` for a name that another app, or nobody's code, has.
    """
    known = {one.name: one for one in await store.schedules(limit=1_000_000)}
    stored: list[str] = []
    for name, entry in client.schedules.items():
        if await _store(client, store, app, name, known, dry=dry):
            stored.append(entry.name)
    mine = [one for one in known.values() if one.app == app and one.name not in client.schedules]
    if prune and mine and app:
        declared = await declared_by(store, app)
        orphans = [one for one in mine if one.name not in declared]
        removed = [one.name for one in orphans if dry or await store.drop_schedule(one.name, was=one.revision) == "ok"]
        return Synced(stored=tuple(stored), removed=tuple(removed))
    return Synced(stored=tuple(stored))


async def _store(client: Client, store: Store, app: str, name: str, known: dict[str, Schedule], *, dry: bool) -> bool:
    """Whether something about it is, or would be, new."""
    entry = client.schedules[name]
    plan = entry.plan()
    while True:
        there = known.get(name)
        if there is not None and there.app != app:
            owner = f"app {there.app}" if there.app else "one made at run time"
            raise Invalid("name", name, f"this schedule's name is taken by {owner}: give it another")
        wanted = Schedule(name=name, app=app, task=entry.task, spec=b"", next_at=None)
        kept = await put(client, store, wanted, plan, there, dry=dry)
        if kept is not None:
            return there is None or kept.revision != there.revision
        known.clear()
        known.update({one.name: one for one in await store.schedules(limit=1_000_000)})


async def declared_by(store: Store, app: str) -> set[str]:
    """The schedules that live workers of this app declare in their code."""
    return {name for info in await store.workers() if info.app == app for name in _declared(info)}


def _declared(info: WorkerInfo) -> tuple[str, ...]:
    numbers = numbers_of(info)
    return () if numbers is None else numbers.schedules


@asynccontextmanager
async def kept_in_step(client: Client, store: Store, app: str) -> AsyncGenerator[None]:
    """The store's schedules are those of the code when the block begins, and are kept so until it ends."""
    if not app:
        yield
        return
    await synchronise(client, store, app, prune=False)
    keeper = asyncio.create_task(_keep(client, store, app), name=f"penstock schedules of {app}")
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.wait([keeper])


async def _keep(client: Client, store: Store, app: str) -> None:
    pause = GRACE
    while True:
        await asyncio.sleep(pause)
        pause = EVERY
        try:
            synced = await synchronise(client, store, app, prune=True)
        except PenstockError as error:  # the store does not answer, or somebody took a name: the next look tells
            _log.warning("schedules of app %s could not be brought in step: %s", app, error)
            continue
        for name in synced.removed:
            _log.info("schedule %s is gone: no code of app %s declares it any more", name, app)
