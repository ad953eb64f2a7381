"""Settings that all workers obey. Each operation is its script."""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.backends.redis import decode, encode
from penstock.backends.redis.calls import Calls, Reply
from penstock.backends.redis.moments import microseconds
from penstock.backends.redis.moments import seconds as in_seconds
from penstock.core.answers import Answer
from penstock.core.limits import LimitDef
from penstock.core.registry import Definition, WorkerInfo
from penstock.core.requests import Pause
from penstock.core.schedule import Schedule

SWEEPS: Final = 4  # scripts beside the first: 500 offers in all


def schedule_of(name: str, stored: Reply) -> Schedule:
    """A schedule, as it is stored."""
    app, task, spec, next_at, revision, paused, fired, skipped, last_at = stored
    return Schedule(
        name=name,
        app=app.decode(),
        task=task.decode(),
        spec=spec,
        next_at=in_seconds(next_at),
        revision=revision,
        paused=bool(paused),
        fired=fired,
        skipped=skipped,
        last_at=in_seconds(last_at),
    )


class Control:
    """Pauses, limits, schedules, the registry."""

    _calls: Calls

    async def pause(self, pause: Pause) -> None:
        await self._calls.call("pause", {"kind": pause.kind, "name": pause.name, "paused": pause.paused})

    async def put_limit(self, limit: LimitDef) -> None:
        period = microseconds(limit.period)
        stored = [limit.n, False if period is None else period, limit.full, limit.hold]
        await self._swept(limit.name, await self._calls.call("put_limit", {"name": limit.name, "limit": stored}))

    async def drop_limit(self, name: str) -> Answer:
        return await self._swept(name, await self._calls.call("drop_limit", {"name": name}))

    async def _swept(self, name: str, word: bytes) -> Answer:
        """The answer, once some more of the freed capacity was offered: each script is a whole move of its own."""
        for _ in range(SWEEPS):
            if word != b"more":
                return decode.word(word)
            word = await self._calls.call("sweep", {"name": name})
        return Answer.OK  # upkeep does the rest

    async def put_schedule(self, schedule: Schedule, *, was: int | None = None) -> Schedule:
        args = {
            "name": schedule.name,
            "app": schedule.app,
            "task": schedule.task,
            "next_at": microseconds(schedule.next_at),
            "paused": schedule.paused,
            "was": was,
        }
        stored = await self._calls.call("put_schedule", args, [schedule.spec])
        return schedule_of(schedule.name, stored) if stored else msgspec.structs.replace(schedule, revision=0)

    async def drop_schedule(self, name: str, *, was: int | None = None) -> Answer:
        return decode.word(await self._calls.call("drop_schedule", {"name": name, "was": was}))

    async def register(
        self, worker: WorkerInfo | None, definitions: Sequence[Definition] = (), *, seconds: float = 0.0
    ) -> None:
        args: dict[str, object] = {"definitions": [_place(one) for one in definitions]}
        blobs = [msgspec.json.encode(one) for one in definitions]
        if worker is not None:
            args |= {
                "worker": worker.worker,
                "queues": list(worker.queues),
                "abilities": encode.ability_text(worker.abilities),
                "seconds": microseconds(seconds),
            }
            blobs.append(msgspec.json.encode(worker))
        await self._calls.call("register", args, blobs)

    async def drop_definition(self, definition: Definition) -> Answer:
        args = {"name": _place(definition), "seen_at": microseconds(definition.seen_at)}
        return decode.word(await self._calls.call("drop_definition", args))


def _place(one: Definition) -> str:
    """Where the definition stands."""
    return f"{one.app}\n{one.task}\n{one.version}"
