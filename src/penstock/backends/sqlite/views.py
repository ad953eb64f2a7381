"""Reads. Each is its script, and sees one moment; here are only arguments and records."""

import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from penstock.backends.sqlite import address, audit, decode, encode
from penstock.backends.sqlite.control import schedule_of
from penstock.backends.sqlite.moments import LAST, microseconds, microseconds_up, seconds
from penstock.backends.sqlite.procedures import in_namespace, sources
from penstock.backends.sqlite.reader import Reader
from penstock.backends.sqlite.why import facts_of
from penstock.core.clock import Clock
from penstock.core.leases import Step
from penstock.core.limits import LimitDef, LimitView
from penstock.core.reasons import why
from penstock.core.registry import Definition, WorkerInfo
from penstock.core.requests import Pause
from penstock.core.run import Run
from penstock.core.schedule import Schedule
from penstock.core.state import FINISHED, State
from penstock.core.views import Count, Filter, LogEntry, Page, Rollup, Signal, StoreInfo, Why

T = TypeVar("T")

_RUNNING: Final = frozenset({State.RUNNING})
_RARE: Final = frozenset({State.WAITING, State.FAILED, State.CANCELLED})
_NUMBERS: Final = msgspec.json.Decoder(tuple[int, ...])


class Look:
    """A connection that reads, in one namespace at one moment."""

    def __init__(self, connection: sqlite3.Connection, namespace: str, clock: Clock) -> None:
        self.connection: Final = connection
        self.namespace: Final = namespace
        self._clock: Final = clock

    def rows(self, script: str, names: Mapping[str, Any] | None = None) -> list[decode.Stored]:
        """What the script finds."""
        text = in_namespace(sources()[script].text, self.namespace)
        return self.connection.execute(text, names or {}).fetchall()

    @property
    def now(self) -> int:
        """The store's clock."""
        return microseconds_up(self._clock()) + int(self.rows("info")[0][2])


def found(wanted: Filter) -> str:
    """The script that finds these runs by the index that fits."""
    if wanted.tag is not None:
        return "_find_by_tag"
    if wanted.parent_id is not None:
        return "_find_by_parent"
    if wanted.root_id is not None:
        return "_find_by_root"
    if wanted.schedule is not None:
        return "_find_by_schedule"
    if wanted.states and wanted.states <= FINISHED and wanted.task is not None:
        return "_find_by_task"
    if wanted.states and wanted.states <= _RARE:
        return "_find_by_state"
    if wanted.states == _RUNNING:
        return "_find_running"
    return "find"


def page(found: list[tuple[int, Run]], limit: int) -> Page[Run]:
    """The first runs and, if there are more, where to go on."""
    shown = found[:limit]
    after = str(shown[-1][0]) if len(found) > limit and shown else None
    return Page(items=tuple(run for _, run in shown), after=after)


class Views:
    """Get, find and the rest."""

    _reader: Reader
    _namespace: str
    _clock: Clock
    _durable: str
    _where: address.Address

    async def _look(self, read: Callable[[Look], T]) -> T:
        return await self._reader.do(lambda connection: read(Look(connection, self._namespace, self._clock)))

    async def _page(self, script: str, names: Mapping[str, Any], limit: int) -> Page[Run]:
        rows = await self._look(lambda look: look.rows(script, {**names, "most": limit + 1}))
        return page(decode.runs(rows[0]), limit)

    async def get(self, run_ids: Sequence[str]) -> list[Run | None]:
        rows = await self._look(lambda look: look.rows("get", {"ids": encode.text(list(run_ids))}))
        known = dict(decode.runs(rows[0]))
        return [known.get(i) for i in range(len(run_ids))]

    async def find(self, wanted: Filter, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        names = {
            "states": encode.text(sorted(wanted.states)),
            "queue": wanted.queue,
            "task": wanted.task,
            "parent_id": wanted.parent_id,
            "root_id": wanted.root_id,
            "schedule": wanted.schedule,
            "tag": wanted.tag,
            "since_at": microseconds(wanted.since_at),
            "until_at": microseconds(wanted.until_at),
            "after": LAST if after is None else int(after),
        }
        return await self._page(found(wanted), names, limit)

    async def children(self, run_id: str, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        return await self._page("children", {"run_id": run_id, "after": int(after or 0)}, limit)

    async def children_of(self, run_ids: Sequence[str], *, limit: int = 100) -> list[Page[Run]]:
        asked = [{"run_id": run_id, "after": 0, "most": limit + 1} for run_id in run_ids]
        rows = await self._look(lambda look: [look.rows("children", names)[0] for names in asked])
        return [page(decode.runs(row), limit) for row in rows]

    async def dead(self, name: str | None = None, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        return await self._page("dead", {"name": name, "after": LAST if after is None else int(after)}, limit)

    async def steps(self, run_id: str, *, paths: Sequence[str] | None = None) -> list[Step]:
        if paths is None:
            rows = await self._look(lambda look: look.rows("steps", {"run_id": run_id}))
        else:
            names = {"run_id": run_id, "paths": encode.text(list(paths))}
            rows = await self._look(lambda look: look.rows("steps_at", names))
        return [decode.step(row) for row in rows]

    async def signals(self, run_id: str) -> list[Signal]:
        rows = await self._look(lambda look: look.rows("signals", {"run_id": run_id}))
        return [Signal(name=name, seq=seq, payload=payload, at=at / 1e6) for name, seq, payload, at in rows]

    async def log(self, run_id: str, *, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        rows = await self._look(lambda look: look.rows("log", {"run_id": run_id, "after": after, "most": limit}))
        return [
            LogEntry(
                seq=seq,
                at=at / 1e6,
                kind=kind,
                data=data,
                attempt=attempt,
                worker=worker,
                started_at=seconds(started_at),
            )
            for seq, at, kind, data, attempt, worker, started_at in rows
        ]

    async def counts(self, *, cap: int = 10_000) -> list[Count]:
        rows = await self._look(lambda look: look.rows("counts", {"cap": cap}))
        return [
            Count(queue=queue, state=State(state), n=min(n, cap), capped=bool(cut) or n > cap)
            for queue, state, n, cut in rows
        ]

    async def rollups(self, since: int, until: int) -> list[Rollup]:
        rows = await self._look(lambda look: look.rows("rollups", {"since": since, "until": until}))
        return [
            Rollup(
                minute=minute,
                queue=queue,
                task=task,
                succeeded=succeeded,
                failed=failed,
                cancelled=cancelled,
                retried=retried,
                waits=_NUMBERS.decode(waits),
                times=_NUMBERS.decode(times),
            )
            for minute, queue, task, succeeded, failed, cancelled, retried, waits, times in rows
        ]

    async def why(self, run_id: str) -> Why | None:
        def read(look: Look) -> Why | None:
            runs = decode.runs(look.rows("get", {"ids": encode.text([run_id])})[0])
            if not runs or runs[0][1].state.finished:
                return None
            facts = facts_of(look.rows("why", {"run_id": run_id, "now": look.now})[0])
            return why(runs[0][1], facts, [_worker(row) for row in look.rows("workers")])

        return await self._look(read)

    async def paused(self) -> list[Pause]:
        rows = await self._look(lambda look: look.rows("paused"))
        return [Pause(kind=kind, name=name, paused=True) for kind, name in rows]

    async def limits(self) -> list[LimitView]:
        rows = await self._look(lambda look: look.rows("limits", {"now": look.now}))
        return [
            LimitView(
                definition=LimitDef(name=name, n=n, period=seconds(period), full=full, hold=bool(hold)),
                key=key,
                used=used,
                out=out,
                parked=parked,
                blocked_until_at=seconds(until),
                paused=bool(paused),
            )
            for name, n, period, full, hold, key, used, out, parked, until, paused in rows
        ]

    async def schedules(self, *, due: bool = False, limit: int = 1000) -> list[Schedule]:
        rows = await self._look(lambda look: look.rows("schedules", {"due": due, "now": look.now, "most": limit}))
        return [schedule_of(row) for row in rows]

    async def workers(self) -> list[WorkerInfo]:
        return [_worker(row) for row in await self._look(lambda look: look.rows("workers"))]

    async def definitions(self) -> list[Definition]:
        rows = await self._look(lambda look: look.rows("definitions"))
        return [
            msgspec.structs.replace(msgspec.json.decode(info, type=Definition), seen_at=at / 1e6) for info, at in rows
        ]

    async def check(self) -> list[str]:
        return await self._look(lambda look: audit.audit(look.connection, look.namespace, look.now))

    async def info(self) -> StoreInfo:
        def read(look: Look) -> StoreInfo:
            store_id, namespace, _, schema = look.rows("info")[0]
            return StoreInfo(
                store_id=store_id,
                schema=schema,
                namespace=namespace,
                now=look.now / 1e6,
                durable=self._durable,
                left=_free(self._where.path),
            )

        return await self._look(read)


def _worker(row: decode.Stored) -> WorkerInfo:
    info, expires_at = row
    return msgspec.structs.replace(msgspec.json.decode(info, type=WorkerInfo), expires_at=expires_at / 1e6)


def _free(path: Path) -> int | None:
    """The bytes by which the file may grow, as its file system says."""
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return None
