"""Limits at run time: `app.limits`. The stored definition decides, whatever the code says; `limits_said` has that."""

from typing import Final

import msgspec

from penstock.app.client import Client
from penstock.app.declared import terms_of
from penstock.app.limits_said import check_number
from penstock.app.portal import Portal
from penstock.core.duration import Duration, seconds
from penstock.core.errors import Invalid, NotFound
from penstock.core.limits import Full, LimitDef, LimitView, key_text
from penstock.core.names import check_name
from penstock.core.registry import Definition
from penstock.core.requests import Pause
from penstock.ports.store import Store

_FULL: Final = ("wait", "drop", "replace")


class LimitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one key of a limit stands."""

    name: str
    key: str
    n: int
    period: float | None  # set: a rate, of so many starts in so many seconds
    full: Full
    hold: bool
    used: int  # slots held; of a rate, starts in the last period
    out: int  # runs that stand where claims look
    parked: int  # runs that wait in line
    blocked_until: float | None
    paused: bool = False  # by hand: nothing of this key starts until it is resumed


class Limits:
    """The limits of a store."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def sync(self) -> "SyncLimits":
        """The same verbs for code without a loop."""
        return SyncLimits(self, self._client.portal)

    async def all(self) -> list[LimitStatus]:
        """Each key of each limit that is in use, and the limits that none is using."""
        return [_status(one) for one in await (await self._client.store()).limits()]

    async def get(self, name: str) -> list[LimitStatus]:
        """The keys of one limit. Raises `NotFound` if there is none of that name."""
        found = [one for one in await self.all() if one.name == check_name(name, "name")]
        if not found:
            raise NotFound("limit", name)
        return found

    async def set(
        self,
        name: str,
        *,
        n: int,
        period: Duration | None = None,
        full: Full = "wait",
        hold: bool = False,
    ) -> None:
        """From now on these numbers count, for all, until the code says others than it does now.

        With `period` it is a rate. More room is given to those who wait at once; with less, slots come back first.
        Raises `Invalid` for what is out of range.
        """
        check_number(n, "n")
        if full not in _FULL:
            raise Invalid("full", full, f"one of {', '.join(_FULL)}")
        over = None if period is None else seconds(period, "period", allow_zero=False)
        definition = LimitDef(name=check_name(name, "name"), n=n, period=over, full=full, hold=hold)
        await (await self._client.store()).put_limit(definition)

    async def drop(self, name: str) -> bool:
        """Limit no more, until the code says another one of that name; False: there was none."""
        return await (await self._client.store()).drop_limit(check_name(name, "name")) == "ok"

    async def pause(self, name: str, key: object) -> None:
        """Start no more runs for which the limit counts this value, until resumed: they wait in its line, in order.

        Running ones finish. None is dropped or replaced meanwhile. Raises `NotFound` if there is no such limit.
        """
        await self._pause(name, key, paused=True)

    async def resume(self, name: str, key: object) -> None:
        """Start runs for which the limit counts this value again. Raises `NotFound` if there is no such limit."""
        await self._pause(name, key, paused=False)

    async def _pause(self, name: str, key: object, *, paused: bool) -> None:
        await self.get(name)  # only to say what is wrong: of a limit that is not there the store pauses nothing
        wanted = Pause(kind="limit", name=f"{name}:{key_text(key)}", paused=paused)
        await (await self._client.store()).pause(wanted)


class SyncLimits:
    """The verbs of `Limits` for code without a loop. Each raises `Blocking` where a loop is running."""

    def __init__(self, limits: Limits, portal: Portal) -> None:
        self._limits = limits
        self._call = portal.call

    def all(self) -> list[LimitStatus]:
        return self._call(self._limits.all)

    def get(self, name: str) -> list[LimitStatus]:
        return self._call(self._limits.get, name)

    def set(
        self, name: str, *, n: int, period: Duration | None = None, full: Full = "wait", hold: bool = False
    ) -> None:
        self._call(self._limits.set, name, n=n, period=period, full=full, hold=hold)

    def drop(self, name: str) -> bool:
        return self._call(self._limits.drop, name)

    def pause(self, name: str, key: object) -> None:
        self._call(self._limits.pause, name, key)

    def resume(self, name: str, key: object) -> None:
        self._call(self._limits.resume, name, key)


async def put_declared(store: Store, app: str, definitions: list[Definition]) -> list[str]:
    """Store the limits of these tasks, but for those that the app's code declared just so before; their names.

    What was changed by hand since then stays so. Called before the definitions themselves are stored.
    """
    found = await differing(store, app, definitions)
    for definition in found.values():
        await store.put_limit(definition)
    return list(found)


async def differing(store: Store, app: str, definitions: list[Definition]) -> dict[str, LimitDef]:
    """The limits of these tasks that the app's code did not declare just so before, by name."""
    wanted = {rule.definition.name: rule.definition for one in definitions for rule in terms_of(one).limit_rules}
    if not wanted:
        return {}
    before = {
        rule.definition.name: rule.definition
        for one in await store.definitions()
        if one.app == app
        for rule in terms_of(one).limit_rules
    }
    return {name: definition for name, definition in wanted.items() if before.get(name) != definition}


def _status(view: LimitView) -> LimitStatus:
    definition = view.definition
    return LimitStatus(
        name=definition.name,
        key=view.key,
        n=definition.n,
        period=definition.period,
        full=definition.full,
        hold=definition.hold,
        used=view.used,
        out=view.out,
        parked=view.parked,
        blocked_until=view.blocked_until_at,
        paused=view.paused,
    )
