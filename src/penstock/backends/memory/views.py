"""Reads of the memory store. They move nothing."""

from collections import Counter
from collections.abc import Sequence

from penstock.backends.memory import claims, keys, lines
from penstock.backends.memory.rows import FAIR, LIMIT, Line, Row, Tables, attempt_of, run_of
from penstock.core.leases import Ability, Step
from penstock.core.limits import LimitView
from penstock.core.requests import Pause
from penstock.core.run import Run
from penstock.core.schedule import Schedule
from penstock.core.state import State
from penstock.core.views import Count, Filter, LogEntry, Page, Why


def find(t: Tables, wanted: Filter, after: str | None, limit: int) -> Page[Run]:
    rows = [row for row in t.rows.values() if matches(row, wanted) and (after is None or row.no < int(after))]
    rows.sort(key=lambda row: -row.no)
    return page([(row.no, row) for row in rows], limit)


def page(rows: list[tuple[int, Row]], limit: int) -> Page[Run]:
    """The first rows, each with its cursor, and where to go on."""
    shown = rows[:limit]
    more = len(rows) > limit and bool(shown)
    return Page(items=tuple(run_of(row) for _, row in shown), after=str(shown[-1][0]) if more else None)


def matches(row: Row, wanted: Filter) -> bool:
    new = row.new
    return (
        (not wanted.states or row.state in wanted.states)
        and wanted.queue in (None, new.queue)
        and wanted.task in (None, new.task)
        and wanted.parent_id in (None, row.parent_id)
        and wanted.root_id in (None, row.root_id)
        and wanted.schedule in (None, new.schedule)
        and (wanted.tag is None or wanted.tag in new.tags)
        and (wanted.since_at is None or row.enqueued_at >= wanted.since_at)
        and (wanted.until_at is None or row.enqueued_at < wanted.until_at)
    )


def children(t: Tables, run_id: str, after: str | None, limit: int) -> Page[Run]:
    order = [child for child in t.children.get(run_id, ()) if child in t.rows and not removed(t.rows[child])]
    start = int(after) if after is not None else 0
    shown = order[start : start + limit]
    more = len(order) > start + limit
    return Page(items=tuple(run_of(t.rows[child]) for child in shown), after=str(start + limit) if more else None)


def steps(t: Tables, run_id: str, paths: Sequence[str] | None) -> list[Step]:
    found = t.rows[run_id].steps.values() if run_id in t.rows else ()
    return [step for step in found if paths is None or step.path in paths]


def removed(row: Row) -> bool:
    """Whether the run failed under `remove`: its parent does not see it any more."""
    edge = row.new.parent
    bad = row.state in (State.FAILED, State.CANCELLED) and not row.by_parent
    return edge is not None and edge.kind == "dependency" and edge.if_fails == "remove" and bad


def dead(t: Tables, name: str | None, after: str | None, limit: int) -> Page[Run]:
    rows = [
        row
        for row in t.rows.values()
        if row.dead and name in (None, row.new.dead_letter) and (after is None or row.finish_no < int(after))
    ]
    rows.sort(key=lambda row: -row.finish_no)
    return page([(row.finish_no, row) for row in rows], limit)


def log(t: Tables, run_id: str, after: int, limit: int) -> list[LogEntry]:
    row = t.rows.get(run_id)
    if row is None:
        return []
    entries = [LogEntry(seq=1, at=row.enqueued_at, kind="enqueued")]
    if row.first_claimed_at is not None:
        entries.append(LogEntry(seq=2, at=row.first_claimed_at, kind="claimed"))
    entries += row.log
    if row.finished_at is not None:
        entries.append(
            LogEntry(
                seq=row.log_seq + 1,
                at=row.finished_at,
                kind="finished",
                data=row.state.value.encode(),
                attempt=attempt_of(row),
            )
        )
    return [entry for entry in entries if entry.seq > after][:limit]


def counts(t: Tables, cap: int) -> list[Count]:
    found = Counter((row.new.queue, row.state) for row in t.rows.values())
    return [
        Count(queue=queue, state=state, n=min(n, cap), capped=n > cap) for (queue, state), n in sorted(found.items())
    ]


def paused(t: Tables) -> list[Pause]:
    found = [Pause(kind=kind, name=name, paused=True) for kind, name in t.paused]
    found += [Pause(kind="limit", name=":".join(key), paused=True) for key, line in t.lines.items() if line.paused]
    found += [Pause(kind="schedule", name=one.name, paused=True) for one in t.schedules.values() if one.paused]
    return sorted(found, key=lambda one: (one.kind, one.name))


def limits(t: Tables) -> list[LimitView]:
    keys = {key for key in t.lines if key[0] in t.limits} | {
        (place[1], place[2]) for place in t.places if place[0] == LIMIT and place[1] in t.limits
    }
    keys |= {key for key, members in t.places.out.items() if members and key[0] in t.limits}
    keys |= {(name, "") for name in t.limits if not any(key[0] == name for key in keys)}
    found: list[LimitView] = []
    for key in sorted(keys):
        definition, line = t.limits[key[0]], t.lines.get(key) or Line()
        recent = sum(1 for start in line.starts if definition.period and start > t.now - definition.period)
        found.append(
            LimitView(
                definition=definition,
                key=key[1],
                used=recent if definition.period is not None else len(line.holders),
                out=len(lines.members_out(t, key)),
                parked=len(lines.parked(t, key)),
                blocked_until_at=line.blocked_until if (line.blocked_until or 0.0) > t.now else None,
                paused=line.paused,
            )
        )
    return found


def schedules(t: Tables, *, due: bool, limit: int) -> list[Schedule]:
    found = sorted(t.schedules.values(), key=lambda one: one.name)
    if due:
        found = [one for one in found if one.next_at is not None and one.next_at <= t.now and not one.paused]
        found.sort(key=lambda one: (one.next_at or 0.0, one.name))
    return found[:limit]


def why(t: Tables, run_id: str) -> Why | None:
    row = t.rows.get(run_id)
    if row is None or row.state.finished:
        return None
    match row.state:
        case State.RUNNING:
            reason, detail, until = why_running(row)
        case State.SCHEDULED:
            reason, detail, until = "due", (), row.due_at
        case State.WAITING:
            reason, detail, until = why_waiting(t, row)
        case _:
            reason, detail, until = why_queued(t, row)
    return Why(run=run_of(row), reason=reason, since_at=row.since_at, detail=detail, until_at=until)


Reason = tuple[str, tuple[str, ...], float | None]


def why_running(row: Row) -> Reason:
    return ("ending" if row.ending is not None else "running"), (row.worker or "",), row.lease_expires_at


def why_waiting(t: Tables, row: Row) -> Reason:
    if row.open:
        return "open", (row.root_id or row.id,), None
    if row.blocked_by is not None:
        return "blocked", (row.blocked_by,), None
    entry = keys.entry_of(t, row)
    if entry is not None and entry.next_id == row.id:
        return "unique", (entry.run_id,), None
    wake = row.wake
    if row.returned or wake is None or wake.idle:
        return "children", tuple(child.id for child in pending_of(t, row))[:10], wake.at if wake else None
    if wake.signals:
        return "signal", tuple(sorted(wake.signals)), wake.at
    if wake.of or wake.finishes is not None:
        return "children", tuple(run_id for ids, _ in wake.of for run_id in ids)[:10], wake.at
    return "moment", (), wake.at


def pending_of(t: Tables, row: Row) -> list[Row]:
    return [child for child in t.children_of(row) if child.kind == "dependency" and not child.counted]


def why_queued(t: Tables, row: Row) -> Reason:
    if row.ending is not None:
        return "ending", (row.ending.value,), None
    if ("queue", row.new.queue) in t.paused:
        return "pause", ("queue", row.new.queue), None
    if ("task", row.new.task) in t.paused:
        return "pause", ("task", row.new.task), None
    if row.line is not None and lines.paused(t, row.line):
        return "pause", ("limit", *row.line), None
    if row.place is not None and row.place[0] == LIMIT and row.line is not None:
        definition = t.limits[row.line[0]]
        return ("limit" if definition.period is None else "rate"), row.line, lines.due_at(t, row.line)
    if row.place is not None and row.place[0] == FAIR:
        return "fair", (row.new.fair or "",), None
    if any(serves(info.queues, row) and any_fits(info.abilities, row) for info in t.workers.values()):
        return "ready", (), None
    return ("mismatch" if row.refused else "no_worker"), (row.new.task, row.new.version), None


def serves(queues: tuple[str, ...], row: Row) -> bool:
    return row.new.queue in queues


def any_fits(abilities: frozenset[Ability], row: Row) -> bool:
    return any(claims.fits(one, row.new.task, row.new.version, row.refused) for one in abilities)
