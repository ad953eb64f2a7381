"""What any worker does for all: promote, rescue, expire, cascade, purge; and the ticks of schedules."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice, zip_longest

from msgspec.structs import replace

from penstock.backends.memory import callers, groups, leases, lines, moves
from penstock.backends.memory.moves import Ending
from penstock.backends.memory.rows import Mark, Row, Tables
from penstock.core.answers import Answer, Refused, Tended
from penstock.core.requests import Group, Guard
from penstock.core.run import Cause, Kind
from penstock.core.schedule import Fire
from penstock.core.state import State
from penstock.core.views import Rollup

OPEN_FLOW_LIVES = 600.0
REPEATS = 86_400.0  # how long a flush may be repeated
CASCADE_BATCH = 500
PURGE_AGAIN = 60.0  # seconds after which a tree that could not go is looked at again


def tend(t: Tables, budget: int, guard: Guard) -> Tended:
    gap = t.now - t.tended_at if t.tended_at is not None else 0.0
    if gap > guard.gap:
        t.quarantine_until = t.now + guard.hold
    t.tended_at = t.now
    left = budget

    def spend(work: Callable[[Tables, int], int]) -> int:
        nonlocal left
        done = work(t, left)
        left -= done
        return done

    held_back = 0
    rescued = 0
    if t.quarantine_until is not None and t.quarantine_until > t.now:
        held_back = len(lost(t))
    else:
        rescued = spend(rescue)
    promoted = spend(promote)
    expired = spend(expire)
    cascaded = spend(cascade)
    purged = spend(purge)
    soon = next_in(t)
    t.announced = None if soon is None else t.now + soon
    return Tended(
        promoted=promoted,
        rescued=rescued,
        expired=expired,
        cascaded=cascaded,
        purged=purged,
        held_back=held_back,
        next_in=soon,
        more=left <= 0,
    )


def lost(t: Tables) -> list[Row]:
    """Running runs whose lease is over, longest first."""
    rows = [
        row
        for row in t.rows.values()
        if row.state is State.RUNNING and row.lease_expires_at is not None and row.lease_expires_at <= t.now
    ]
    return sorted(rows, key=lambda row: (row.lease_expires_at or 0.0, row.no))


def rescue(t: Tables, most: int) -> int:
    rows = lost(t)[:most]
    for row in rows:
        leases.rescue(t, row)
    return len(rows)


def promote(t: Tables, most: int) -> int:
    """What is due becomes ready: delays and retries, sleeps, and the lines of rates."""
    due = sorted((moment, row.no, row) for row in t.rows.values() if (moment := ready_at(row)) is not None)
    due = [entry for entry in due if entry[0] <= t.now][:most]
    for _, _, row in due:
        if row.state is State.SCHEDULED:
            moves.queue_up(t, row, fresh=True)
        else:
            row.idle_claims = 0
            moves.wake_if_due(t, row)
    for key in list(t.lines):
        if key[0] in t.limits and t.limits[key[0]].period is not None:
            lines.offer(t, key)
            trim(t, key)
    return len(due)


def trim(t: Tables, key: tuple[str, str]) -> None:
    """Forget the starts of a rate that no longer count."""
    period = t.limits[key[0]].period or 0.0
    line = t.lines[key]
    line.starts = [start for start in line.starts if start > t.now - period]


def ready_at(row: Row) -> float | None:
    """When time alone moves this run on."""
    if row.state is State.SCHEDULED:
        return row.due_at
    if row.state is State.WAITING and row.wake is not None and not row.open and not row.returned:
        return row.wake.at
    return None


def expire(t: Tables, most: int) -> int:
    """Runs not started, or not finished, in time, first who is late the longest; flows left open; workers gone."""
    for worker in [info.worker for info in t.workers.values() if info.expires_at <= t.now]:
        del t.workers[worker]
        t.last_claims.pop(worker, None)
    for worker in [worker for worker, (_, at) in t.flushed.items() if at + REPEATS <= t.now]:
        del t.flushed[worker]
    done = 0
    late = sorted((moment, row.no, row) for row in t.rows.values() if (moment := ends_at(row)) is not None)
    for _, _, row in [entry for entry in late if entry[0] <= t.now][:most]:
        cause = overdue(t, row)
        if cause is Cause.ABANDONED:
            moves.finish(t, row, Ending(state=State.CANCELLED, cause=cause))
            done += 1
        elif cause is not None:
            moves.end(t, row, Ending(state=State.FAILED, cause=cause))
            done += 1
    return done


def ends_at(row: Row) -> float | None:
    """When the run is late: not started, not finished, or not closed in time."""
    if row.state.finished or row.ending is not None:
        return None
    unstarted = row.claims == 0 and row.state is not State.RUNNING
    patience = row.opened_at + OPEN_FLOW_LIVES if row.open and row.opened_at is not None else None
    moments = (row.deadline_at, row.expires_at if unstarted else None, patience)
    return min((moment for moment in moments if moment is not None), default=None)


def overdue(t: Tables, row: Row) -> Cause | None:
    if row.state.finished or row.ending is not None:
        return None
    if row.open and row.opened_at is not None and row.opened_at + OPEN_FLOW_LIVES <= t.now and row.mark is None:
        return Cause.ABANDONED
    if row.deadline_at is not None and row.deadline_at <= t.now:
        return Cause.DEADLINE
    if row.expires_at is not None and row.expires_at <= t.now and row.claims == 0 and row.state is not State.RUNNING:
        return Cause.EXPIRED
    return None


def cascade(t: Tables, most: int) -> int:
    """Work off marks, level by level; a mark is cleared when nothing is left to do below it."""
    done = 0
    while done < most:
        before, cleared = done, False
        for row in [row for row in t.rows.values() if row.mark is not None]:
            if done >= most:
                break  # who has no budget left can't say that nothing is left to do
            if row.mark is None or row.id not in t.rows:
                continue
            batch = list(islice(work_below(t, row, row.mark), min(CASCADE_BATCH, most - done)))
            for step in batch:
                step()
            done += len(batch)
            if not batch:
                clear(t, row)
                cleared = True
        if done == before and not cleared:
            break
    return done


def redriven_by_mark(child: Row) -> bool:
    return child.kind is Kind.DEPENDENCY and not child.counted and child.state.finished


def work_below(t: Tables, row: Row, mark: Mark) -> Iterator[Callable[[], object]]:
    """What is left to do for this mark, one run each."""
    if mark.remove:
        for one in reversed(moves.below(t, row)):
            yield partial(callers.delete, t, one, keep_key=mark.keep_keys)
        return
    for child in t.children_of(row):
        if moves.doomed_by_mark(row, child) and reached_by_cancel(child):
            ending = Ending(state=State.CANCELLED, cause=Cause.PARENT, by_parent=True)
            yield partial(callers.cancel_row, t, child, ending, reason=row.reason or "")
        if mark.redrive and redriven_by_mark(child):
            yield partial(callers.redrive, t, child.id, cascading=True)
    if mark.close:
        for one in sorted(moves.below(t, row), key=lambda one: one.no):
            if one.open and one is not row:
                yield partial(let_in, t, one)


def reached_by_cancel(child: Row) -> bool:
    return not child.state.finished and child.ending is None


def let_in(t: Tables, row: Row) -> None:
    """A run of a flow that has been closed stands on its own now."""
    row.open = False
    row.wake = groups.resolve(row.wake, t.now) if row.wake is not None else None
    moves.wake_if_due(t, row)


def clear(t: Tables, row: Row) -> None:
    closed = row.mark is not None and row.mark.close
    row.mark = None
    if closed and row.open:
        let_in(t, row)
    moves.wake_if_due(t, row)


def purge(t: Tables, most: int) -> int:
    """Finished trees whose time is over go whole; then keys whose run is gone."""
    done = 0
    for row in expendable(t, most):
        if done >= most:
            break
        if row.id not in t.rows:
            continue
        tree = moves.below(t, row)
        if not all(one.state.finished and not one.dead and one.mark is None for one in tree):
            if goes_at(row) <= t.now:
                row.purge_again_at = t.now + PURGE_AGAIN
            continue
        if len(tree) > most - done:
            row.mark = Mark(remove=True, keep_keys=True)
            continue
        for one in reversed(tree):
            callers.delete(t, one, keep_key=True)
        done += len(tree)
    for name in [name for name, key in t.keys.items() if key.expires_at is not None and key.expires_at <= t.now]:
        del t.keys[name]
    return done


def expendable(t: Tables, most: int) -> list[Row]:
    """Finished roots beyond their age, the oldest first; then of each task those beyond the number kept; of all these
    as many as may be looked at.
    """
    roots = [row for row in t.rows.values() if row.state.finished and not row.dead and is_root(t, row)]
    succeeded: dict[str, list[Row]] = {}
    for row in roots:
        if row.state is State.SUCCEEDED:
            succeeded.setdefault(row.new.task, []).append(row)
    beyond: list[Row] = []
    for _, rows in sorted(succeeded.items()):
        rows.sort(key=lambda row: row.no)
        beyond += rows[: max(0, len(rows) - rows[-1].new.keep.newest)][:most]
    aged = sorted((row for row in roots if goes_at(row) <= t.now), key=lambda row: (goes_at(row), row.no))
    return aged[:most] + beyond


def is_root(t: Tables, row: Row) -> bool:
    """Whether the run goes by its own retention: no parent, or one that only started it."""
    return t.parent_of(row) is None or row.kind is Kind.STARTED


def goes_at(row: Row) -> float:
    """When the age of a finished run is over, or its tree is looked at again."""
    keep = row.new.keep
    over = (row.finished_at or 0.0) + (keep.succeeded if row.state is State.SUCCEEDED else keep.failed)
    return max(over, row.purge_again_at)


def next_in(t: Tables) -> float | None:
    """Seconds until time alone moves something."""
    dues = (lines.due_at(t, key) for key in t.lines if key[0] in t.limits and lines.parked(t, key))
    moments: list[float] = [due for due in dues if due is not None]
    for row in t.rows.values():
        if row.state.finished:
            continue
        lease = row.lease_expires_at
        if lease is not None and t.quarantine_until is not None:
            lease = max(lease, t.quarantine_until)
        moments += [moment for moment in (ready_at(row), lease, ends_at(row)) if moment is not None]
    moments += [one.next_at for one in t.schedules.values() if one.next_at is not None and not one.paused]
    return max(0.0, min(moments) - t.now) if moments else None


def fire(t: Tables, tick: Fire) -> Answer:
    """Move the schedule on and enqueue the run of its tick, if it still stands there."""
    stored = t.schedules.get(tick.name)
    if stored is None:
        return Answer.NOT_FOUND
    if stored.revision != tick.revision or stored.next_at != tick.at or stored.paused:
        return Answer.DUPLICATE
    running = [row for row in t.rows.values() if row.new.schedule == tick.name and not row.state.finished]
    refused: Answer | None = None
    skipped = tick.run is None or (tick.overlap == "skip" and bool(running))
    if tick.run is not None and not skipped:
        entered = groups.enter(t, Group(runs=(tick.run,)))
        if isinstance(entered, Refused):
            refused, skipped = entered.answer, True
        elif tick.overlap == "replace":
            for row in running:
                callers.cancel_row(t, row, Ending(state=State.CANCELLED, cause=Cause.CANCEL), reason="replaced")
    t.schedules[tick.name] = replace(
        stored,
        next_at=tick.next_at,
        fired=stored.fired + (not skipped),
        skipped=stored.skipped + (tick.passed if tick.run is None else skipped),
        last_at=stored.last_at if skipped else tick.at,
    )
    return refused or (Answer.STATE if skipped and tick.run is not None else Answer.OK)


def flush(t: Tables, rollups: Sequence[Rollup], worker: str, number: int) -> None:
    if number <= t.flushed.get(worker, (0, 0.0))[0]:
        return
    t.flushed[worker] = (number, t.now)
    for one in rollups:
        key = (one.minute, one.queue, one.task)
        known = t.rollups.get(key)
        t.rollups[key] = one if known is None else add(known, one)


def add(one: Rollup, other: Rollup) -> Rollup:
    """Both together; histograms are added bucket by bucket."""
    return replace(
        one,
        succeeded=one.succeeded + other.succeeded,
        failed=one.failed + other.failed,
        cancelled=one.cancelled + other.cancelled,
        retried=one.retried + other.retried,
        waits=sums(one.waits, other.waits),
        times=sums(one.times, other.times),
    )


def sums(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip_longest(one, other, fillvalue=0))
