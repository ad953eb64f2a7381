"""Reads. Each is its script, and sees one moment; here are only arguments and records."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.backends.redis import decode, encode
from penstock.backends.redis.calls import Calls, Reply
from penstock.backends.redis.control import schedule_of
from penstock.backends.redis.moments import seconds
from penstock.backends.redis.server import Server
from penstock.backends.redis.why import facts_of
from penstock.core.leases import Step
from penstock.core.limits import LimitDef, LimitView
from penstock.core.reasons import why
from penstock.core.registry import Definition, WorkerInfo
from penstock.core.requests import Pause
from penstock.core.run import Run
from penstock.core.schedule import Schedule
from penstock.core.views import Count, Filter, LogEntry, Page, Rollup, Signal, StoreInfo, Why

SOME: Final = 100  # runs that one script reads
SMALL: Final = 2_000  # runs of a store that one script checks whole


def _runs(found: Reply, terms: Reply) -> list[Run]:
    known = decode.terms(terms)
    return [decode.run(one, known) for one in found]


def _matches(run: Run, wanted: Filter) -> bool:
    return (
        (not wanted.states or run.state in wanted.states)
        and wanted.queue in (None, run.queue)
        and wanted.task in (None, run.task)
        and wanted.parent_id in (None, run.parent_id)
        and wanted.root_id in (None, run.root_id)
        and wanted.schedule in (None, run.schedule)
        and (wanted.tag is None or wanted.tag in run.tags)
        and (wanted.since_at is None or run.enqueued_at >= wanted.since_at)
        and (wanted.until_at is None or run.enqueued_at < wanted.until_at)
    )


def _index(wanted: Filter) -> dict[str, str]:
    """The index that has the fewest of these runs, if there is one."""
    if wanted.parent_id is not None:
        return {"index": "children:", "ref": wanted.parent_id}
    if wanted.root_id is not None:
        return {"index": "root:", "ref": wanted.root_id}
    if wanted.schedule is not None:
        return {"index": f"schedule:{wanted.schedule}"}
    if wanted.tag is not None:
        return {"index": f"tag:{wanted.tag}"}
    return {}


class Views:
    """Get, find and the rest."""

    _calls: Calls
    _server: Server

    async def get(self, run_ids: Sequence[str]) -> list[Run | None]:
        parts = [list(run_ids[start : start + SOME]) for start in range(0, len(run_ids), SOME)]
        asked = [self._calls.call("get", {"run_ids": some}, runs=some) for some in parts]
        replies = [await asked[0]] if len(asked) == 1 else await asyncio.gather(*asked)
        runs: list[Run | None] = []
        for found, terms in replies:
            known = decode.terms(terms)
            runs += [None if one is None else decode.run(one, known) for one in found]
        return runs

    async def find(self, wanted: Filter, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        args = {
            **_index(wanted),
            "states": encode.states(wanted.states),
            "queue": wanted.queue,
            "task": wanted.task,
            "limit": min(limit, SOME),
        }
        if after == "":
            raise ValueError(after)
        given = [] if after is None else [bytes.fromhex(after)]
        reply = await self._calls.call("find", args, given)
        if reply is None:
            raise ValueError(after)
        found, terms, following = reply
        runs = tuple(run for run in _runs(found, terms) if _matches(run, wanted))
        return Page(items=runs, after=None if following is None else following.hex())

    async def children(self, run_id: str, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        return await self._page("children", {"run_id": run_id}, after, limit)

    async def children_of(self, run_ids: Sequence[str], *, limit: int = 100) -> list[Page[Run]]:
        # a short script for each: they leave together, and others are served between them
        return await asyncio.gather(*(self._page("children", {"run_id": one}, None, limit) for one in run_ids))

    async def dead(self, name: str | None = None, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        return await self._page("dead", {"name": name}, after, limit)

    async def _page(self, name: str, args: dict[str, object], after: str | None, limit: int) -> Page[Run]:
        """A page by number; a large one is read in parts."""
        runs: list[Run] = []
        at = int(after) if after is not None else None
        while True:
            some = min(SOME, limit - len(runs))
            found, terms, at = await self._calls.call(name, {**args, "after": at, "limit": some})
            runs += _runs(found, terms)
            if at is None or len(runs) >= limit:
                return Page(items=tuple(runs), after=None if at is None else str(at))

    async def steps(self, run_id: str, *, paths: Sequence[str] | None = None) -> list[Step]:
        asked = {"run_id": run_id, "paths": None if paths is None else list(paths)}
        reply = await self._calls.call("steps", asked, runs=[run_id])
        pairs = sorted(zip(reply[::2], reply[1::2], strict=True), key=lambda pair: pair[1][0])
        return [decode.step(path, stored) for path, stored in pairs]

    async def signals(self, run_id: str) -> list[Signal]:
        reply = await self._calls.call("signals", {"run_id": run_id}, runs=[run_id])
        return [Signal(name=name.decode(), seq=seq, payload=payload, at=at / 1e6) for name, seq, payload, at in reply]

    async def log(self, run_id: str, *, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        reply = await self._calls.call("log", {"run_id": run_id, "after": after, "limit": limit}, runs=[run_id])
        if reply is None:
            return []
        enqueued_at, claimed_at, finished_at, state, last, failures, lines = reply
        entries = [LogEntry(seq=1, at=enqueued_at / 1e6, kind="enqueued")]
        if claimed_at is not None:
            entries.append(LogEntry(seq=2, at=claimed_at / 1e6, kind="claimed"))
        for seq, at, kind, data, attempt, worker, started_at in lines:
            entries.append(
                LogEntry(
                    seq=seq,
                    at=at / 1e6,
                    kind=kind.decode(),
                    data=data,
                    attempt=attempt,
                    worker=None if worker is None else worker.decode(),
                    started_at=seconds(started_at),
                )
            )
        if finished_at is not None:
            end = LogEntry(
                seq=last + 1,
                at=finished_at / 1e6,
                kind="finished",
                data=state,
                attempt=failures + (state == b"succeeded"),
            )
            entries.append(end)
        return [entry for entry in entries if entry.seq > after][:limit]

    async def counts(self, *, cap: int = 10_000) -> list[Count]:
        reply = await self._calls.call("counts")
        found = [
            (field[1:].decode(), decode.STATES[field[:1]], int(n))
            for field, n in zip(reply[::2], reply[1::2], strict=True)
        ]
        return [
            Count(queue=queue, state=state, n=min(n, cap), capped=n > cap) for queue, state, n in sorted(found) if n
        ]

    async def rollups(self, since: int, until: int) -> list[Rollup]:
        reply = await self._calls.call("rollups", {"since": since, "until": until})
        found: list[Rollup] = []
        for minute, field, counts in reply:
            queue, _, task = field.decode().partition(":")
            succeeded, failed, cancelled, retried, waits, times = counts
            found.append(
                Rollup(
                    minute=minute,
                    queue=queue,
                    task=task,
                    succeeded=succeeded,
                    failed=failed,
                    cancelled=cancelled,
                    retried=retried,
                    waits=tuple(waits),
                    times=tuple(times),
                )
            )
        return sorted(found, key=lambda one: (one.minute, one.queue, one.task))

    async def why(self, run_id: str) -> Why | None:
        facts = await self._calls.call("why", {"run_id": run_id}, runs=[run_id])
        if facts is None:
            return None
        [run] = _runs(*facts[0])
        return None if run.state.finished else why(run, facts_of(facts), await self.workers())

    async def paused(self) -> list[Pause]:
        reply = await self._calls.call("paused")
        pairs = sorted(one.decode().partition(":")[::2] for one in reply)
        return [Pause(kind=kind, name=name, paused=True) for kind, name in pairs]

    async def limits(self) -> list[LimitView]:
        found: list[LimitView] = []
        for (name, n, period, full, hold), key, used, out, parked, until, paused in await self._calls.call(
            "limits", {"most": 1000}
        ):
            definition = LimitDef(name=name.decode(), n=n, period=seconds(period), full=full.decode(), hold=bool(hold))
            view = LimitView(
                definition=definition,
                key=key.decode(),
                used=used,
                out=out,
                parked=parked,
                blocked_until_at=seconds(until),
                paused=bool(paused),
            )
            found.append(view)
        return found

    async def schedules(self, *, due: bool = False, limit: int = 1000) -> list[Schedule]:
        reply = await self._calls.call("schedules", {"due": due, "limit": limit})
        found = [schedule_of(name.decode(), stored) for name, stored in reply]
        if due:
            return sorted(found, key=lambda one: (one.next_at or 0.0, one.name))
        return sorted(found, key=lambda one: one.name)[:limit]

    async def workers(self) -> list[WorkerInfo]:
        found = [
            msgspec.structs.replace(msgspec.json.decode(info, type=WorkerInfo), expires_at=expires_at / 1e6)
            for info, expires_at, _ in await self._calls.call("workers")
        ]
        return sorted(found, key=lambda one: one.worker)

    async def definitions(self) -> list[Definition]:
        found = [
            msgspec.structs.replace(msgspec.json.decode(info, type=Definition), seen_at=at / 1e6)
            for info, at in await self._calls.call("definitions")
        ]
        return sorted(found, key=lambda one: (one.app, one.task, one.version))

    async def check(self) -> list[str]:
        held: list[bytes] = await self._calls.call("counts")
        if sum(map(int, held[1::2])) <= SMALL:
            _, problems = await self._calls.call("check", {})
        else:
            problems = await self._walk(b"0")
        return [one.decode(errors="replace") for one in problems]

    async def _walk(self, cursor: bytes) -> list[bytes]:
        """What the rows of a large store say, a page at a time: it goes on moving meanwhile."""
        problems: list[bytes] = []
        while True:
            cursor, found = await self._calls.call("check", {"cursor": cursor.decode()})
            problems += found
            if cursor == b"0":
                return problems

    async def info(self) -> StoreInfo:
        (schema, store_id, namespace, now), left = await asyncio.gather(self._calls.call("info"), self._server.left())
        return StoreInfo(
            store_id=store_id.decode(),
            schema=int(schema),
            namespace=namespace.decode(),
            now=int(now) / 1e6,
            durable=self._server.durable,
            left=left,
        )
