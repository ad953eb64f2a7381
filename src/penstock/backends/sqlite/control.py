"""Settings that all workers obey. Each operation is its script."""

from collections.abc import Sequence

import msgspec

from penstock.backends.sqlite import encode
from penstock.backends.sqlite.decode import Stored
from penstock.backends.sqlite.moments import microseconds, seconds
from penstock.backends.sqlite.procedures import sources
from penstock.backends.sqlite.session import Session
from penstock.backends.sqlite.writer import Writer
from penstock.core.answers import Answer
from penstock.core.limits import LimitDef
from penstock.core.registry import Definition, WorkerInfo
from penstock.core.requests import Pause
from penstock.core.schedule import Schedule


def schedule_of(row: Stored) -> Schedule:
    """A schedule, as schedules.sql has it."""
    name, app, task, spec, next_at, revision, paused, fired, skipped, last_at = row
    return Schedule(
        name=name,
        app=app,
        task=task,
        spec=spec,
        next_at=seconds(next_at),
        revision=revision,
        paused=bool(paused),
        fired=fired,
        skipped=skipped,
        last_at=seconds(last_at),
    )


def put_schedule(session: Session, schedule: Schedule, was: int | None) -> Schedule:
    """Create or change it; what is stored comes back."""
    session.call(
        "put_schedule",
        schedule.name,
        schedule.app,
        schedule.task,
        schedule.spec,
        microseconds(schedule.next_at),
        int(schedule.paused),
        was,
    )
    text = session.sql(sources()["schedules"].text)
    rows = session.connection.execute(text, {"due": 0, "now": session.now, "most": -1}).fetchall()
    found = (schedule_of(row) for row in rows if row[0] == schedule.name)
    return next(found, msgspec.structs.replace(schedule, revision=0))


def register(session: Session, worker: WorkerInfo | None, definitions: Sequence[Definition], lasting: float) -> None:
    """Note a worker, and what it knows."""
    session.each(
        "define",
        [(i, one.app, one.task, one.version, msgspec.json.encode(one)) for i, one in enumerate(definitions)],
    )
    if worker is not None:
        session.call(
            "register",
            worker.worker,
            msgspec.json.encode(worker),
            msgspec.json.encode(sorted([one.task, one.version, one.fingerprint] for one in worker.abilities)),
            encode.text(worker.queues),
            session.now + microseconds(lasting) if lasting > 0 else None,
        )


class Control:
    """Pauses, limits, schedules, the registry."""

    _writer: Writer

    async def pause(self, pause: Pause) -> None:
        limit, _, key = pause.name.partition(":")
        await self._writer.do(
            lambda session: session.call("pause", pause.kind, pause.name, int(pause.paused), limit, key)
        )

    async def put_limit(self, limit: LimitDef) -> None:
        values = (limit.name, limit.n, microseconds(limit.period), limit.full, int(limit.hold))
        await self._writer.do(lambda session: session.call("put_limit", *values))

    async def drop_limit(self, name: str) -> Answer:
        return await self._writer.do(lambda session: _answer(session, "drop_limit", name))

    async def put_schedule(self, schedule: Schedule, *, was: int | None = None) -> Schedule:
        return await self._writer.do(lambda session: put_schedule(session, schedule, was))

    async def drop_schedule(self, name: str, *, was: int | None = None) -> Answer:
        return await self._writer.do(lambda session: _answer(session, "drop_schedule", name, was))

    async def register(
        self, worker: WorkerInfo | None, definitions: Sequence[Definition] = (), *, seconds: float = 0.0
    ) -> None:
        await self._writer.do(lambda session: register(session, worker, definitions, seconds))

    async def drop_definition(self, definition: Definition) -> Answer:
        more = (definition.task, definition.version, microseconds(definition.seen_at))
        return await self._writer.do(lambda session: _answer(session, "drop_definition", definition.app, *more))


def _answer(session: Session, operation: str, name: str, *more: str | int | None) -> Answer:
    session.call(operation, name, *more)
    return Answer(session.words(1)[0])
