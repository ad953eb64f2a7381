"""Settings that all workers obey: pauses, limits, schedules, the registry of workers and tasks."""

from collections.abc import Sequence

from msgspec.structs import replace

from penstock.backends.memory import lines, moves
from penstock.backends.memory.rows import SIDE, Row, Tables
from penstock.core.answers import Answer
from penstock.core.limits import LimitDef
from penstock.core.registry import Definition, WorkerInfo
from penstock.core.requests import Pause
from penstock.core.schedule import Schedule
from penstock.core.state import State
from penstock.ports.doorbell import UPKEEP


def pause(t: Tables, wanted: Pause) -> None:
    if wanted.kind == "schedule":
        stored = t.schedules.get(wanted.name)
        if stored is not None and stored.paused is not wanted.paused:
            t.schedules[wanted.name] = replace(stored, paused=wanted.paused, revision=stored.revision + 1)
            t.rings.add(UPKEEP)
        return
    if wanted.kind == "limit":
        pause_key(t, wanted)
        return
    setting = (wanted.kind, wanted.name)
    if wanted.paused:
        t.paused.add(setting)
        return
    t.paused.discard(setting)
    if wanted.kind == "queue":
        moves.ring_queue(t, wanted.name)
    else:
        for place in t.places:
            if place[0] == SIDE and place[2] == wanted.name:
                moves.ring_queue(t, place[1])


def pause_key(t: Tables, wanted: Pause) -> None:
    """One key of a limit has no room, or has it again."""
    name, _, key = wanted.name.partition(":")
    if name in t.limits:
        t.lines[name, key].paused = wanted.paused
        lines.offer(t, (name, key))


def put_limit(t: Tables, limit: LimitDef) -> None:
    t.limits[limit.name] = limit
    for row in t.rows.values():
        let_slots_go(t, row, limit)
    for key in [key for key in t.lines if key[0] == limit.name]:
        lines.offer(t, key)
    for place in t.places:
        if place[:2] == ("limit", limit.name):
            lines.offer(t, (place[1], place[2]))
    t.rings.add(UPKEEP)


def let_slots_go(t: Tables, row: Row, limit: LimitDef) -> None:
    """A rate knows no slots; a limit that no longer holds has none for a run that is not running."""
    if limit.period is None and (limit.hold or row.state is State.RUNNING):
        return
    for key in [key for key in row.slots if key[0] == limit.name]:
        row.slots.discard(key)
        t.lines[key].holders.pop(row.id, None)


def drop_limit(t: Tables, name: str) -> Answer:
    if t.limits.pop(name, None) is None:
        return Answer.NOT_FOUND
    for row in t.rows.values():
        row.slots = {key for key in row.slots if key[0] != name}
    keys = {key for key in t.lines if key[0] == name} | {
        (place[1], place[2]) for place in t.places if place[:2] == ("limit", name)
    }
    keys |= {key for key in t.places.out if key[0] == name}
    for key in sorted(keys):
        t.lines.pop(key, None)
        lines.offer(t, key)
    return Answer.OK


def put_schedule(t: Tables, wanted: Schedule, was: int | None) -> Schedule:
    stored = t.schedules.get(wanted.name)
    if stored is None and was:
        return replace(wanted, revision=0)
    if stored is None:
        kept = replace(wanted, revision=1, fired=0, skipped=0, last_at=None)
    elif (stored.app, stored.task, stored.spec) == (wanted.app, wanted.task, wanted.spec):
        kept = stored
    elif was is not None and was != stored.revision:
        return stored
    else:
        kept = replace(
            stored,
            app=wanted.app,
            task=wanted.task,
            spec=wanted.spec,
            next_at=wanted.next_at,
            revision=stored.revision + 1,
        )
    t.schedules[wanted.name] = kept
    t.rings.add(UPKEEP)
    return kept


def drop_schedule(t: Tables, name: str, was: int | None) -> Answer:
    stored = t.schedules.get(name)
    if stored is None:
        return Answer.NOT_FOUND
    if was is not None and was != stored.revision:
        return Answer.STATE
    del t.schedules[name]
    return Answer.OK


def register(t: Tables, worker: WorkerInfo | None, definitions: Sequence[Definition], seconds: float) -> None:
    for one in definitions:
        t.definitions[(one.app, one.task, one.version)] = replace(one, seen_at=t.now)
    if worker is None:
        return
    known = t.workers.get(worker.worker)
    if seconds <= 0:
        t.workers.pop(worker.worker, None)
        t.last_claims.pop(worker.worker, None)
        return
    t.workers[worker.worker] = replace(worker, expires_at=t.now + seconds)
    if known is None or known.abilities != worker.abilities:
        for queue in worker.queues:
            moves.ring_queue(t, queue)


def drop_definition(t: Tables, seen: Definition) -> Answer:
    place = (seen.app, seen.task, seen.version)
    stored = t.definitions.get(place)
    if stored is None:
        return Answer.NOT_FOUND
    if stored.seen_at != seen.seen_at:
        return Answer.STATE
    del t.definitions[place]
    return Answer.OK
