"""Bringing a store in step with an app's code, for deploys: its definitions, its limits, its schedules.

What the code declares is stored. What it no longer declares goes if this app owned it, nobody has said it for a while,
no live worker says it, and no run of it waits. Workers do the same when they start, but never take a definition away.
"""

from collections.abc import Collection
from typing import Final

import msgspec

from penstock.app.client import Client
from penstock.app.declared import declared
from penstock.app.limits import differing, put_declared
from penstock.app.schedules_static import Synced, synchronise
from penstock.core.errors import Invalid
from penstock.core.registry import Definition
from penstock.core.state import State
from penstock.core.views import Filter
from penstock.ports.store import Store

GRACE: Final = 30.0  # seconds for which nobody has declared a task that goes
_UNFINISHED: Final = frozenset(state for state in State if not state.finished)


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What has been changed in the store, or would be: names."""

    definitions: Synced = Synced()
    limits: Synced = Synced()
    schedules: Synced = Synced()

    def __bool__(self) -> bool:
        return any(one.stored or one.removed for one in (self.definitions, self.limits, self.schedules))


async def sync(client: Client, app: str | None, *, dry: bool) -> Changes:
    """Bring the store in step; with `dry` only look. Harmless to repeat. Raises `Invalid` for an app without a name."""
    if not app:
        raise Invalid("name", app, "what code declares belongs to an app by its name: say App(name=...)")
    store = await client.store()
    wanted = [declared(client, handler, app) for handler, _ in client.versions.values()]
    known = [one for one in await store.definitions() if one.app == app]
    limits = await (differing if dry else put_declared)(store, app, wanted)
    stored = [_named(one) for one in wanted if _plain(one) not in {_plain(two) for two in known}]
    if wanted and not dry:
        await store.register(None, wanted)
    schedules = await synchronise(client, store, app, prune=True, dry=dry)
    removed = await _prune(store, app, known, {(one.task, one.version) for one in wanted}, dry=dry)
    return Changes(
        definitions=Synced(stored=tuple(stored), removed=tuple(removed)),
        limits=Synced(stored=tuple(limits)),
        schedules=schedules,
    )


async def _prune(
    store: Store, app: str, known: list[Definition], wanted: Collection[tuple[str, str]], *, dry: bool
) -> list[str]:
    """The names of those that went, or would."""
    before = (await store.info()).now - GRACE
    orphans = [one for one in known if (one.task, one.version) not in wanted and one.seen_at <= before]
    if not orphans:
        return []
    served = {(one.task, one.version) for info in await store.workers() if info.app == app for one in info.abilities}
    gone: list[str] = []
    for one in orphans:
        if (one.task, one.version) in served or await _waits(store, one):
            continue
        if dry or await store.drop_definition(one) == "ok":
            gone.append(_named(one))
    return gone


async def _waits(store: Store, definition: Definition) -> bool:
    """Whether a run of that task and version is still to be carried out."""
    after: str | None = None
    while True:
        page = await store.find(Filter(states=_UNFINISHED, task=definition.task), after=after)
        if any(run.version == definition.version for run in page.items):
            return True
        if (after := page.after) is None:
            return False


def _named(one: Definition) -> str:
    return f"{one.task}@{one.version}" if one.version else one.task


def _plain(one: Definition) -> Definition:
    """Without the moment at which it was declared."""
    return msgspec.structs.replace(one, seen_at=0.0)
