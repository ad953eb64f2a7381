"""Limits: who may hold a slot, who stands in which line, and who is offered a place where claims look.

Called by the moves; knows nothing of why a run is queued or ends.
"""

from penstock.backends.memory import fair
from penstock.backends.memory.rows import FAIR, LIMIT, READY, Line, LineKey, Place, Row, Tables
from penstock.core.limits import LimitDef
from penstock.ports.doorbell import queue_topic


def keys_of(t: Tables, row: Row) -> list[LineKey]:
    """The lines of the run's limits that are defined, in the order named."""
    return [(ref.name, ref.key) for ref in row.new.limits if ref.name in t.limits]


def free(t: Tables, key: LineKey) -> int:
    """How many more may start now."""
    definition = t.limits[key[0]]
    line = t.lines.get(key) or Line()
    if line.paused:
        return 0
    if definition.period is None:
        return max(0, definition.n - len(line.holders))
    if line.blocked_until is not None and line.blocked_until > t.now:
        return 0
    return max(0, definition.n - _recent(t, definition, line))


def paused(t: Tables, key: LineKey) -> bool:
    """Whether nothing of this key starts until it is resumed by hand."""
    return key in t.lines and t.lines[key].paused


def _recent(t: Tables, definition: LimitDef, line: Line) -> int:
    assert definition.period is not None
    return sum(1 for start in line.starts if start > t.now - definition.period)


def due_at(t: Tables, key: LineKey) -> float | None:
    """When a rate that is full lets the next one start; None for what no clock will change."""
    definition, line = t.limits[key[0]], t.lines[key]
    if line.paused or definition.period is None or definition.n < 1 or free(t, key):
        return None
    moments: list[float] = []
    if _recent(t, definition, line) >= definition.n:
        moments.append(sorted(line.starts)[-definition.n] + definition.period)
    if line.blocked_until is not None:
        moments.append(line.blocked_until)
    return max(moments)


def members_out(t: Tables, key: LineKey) -> list[Row]:
    """The members of the line that stand where claims look."""
    return list(t.places.out[key].values())


def parked(t: Tables, key: LineKey) -> list[Row]:
    """The members that wait for an offer, in order."""
    rows = [t.rows[run_id] for run_id in t.places.ids((LIMIT, *key))]
    return sorted(rows, key=lambda row: (not row.woken, row.rank or 0))


def join(t: Tables, row: Row) -> bool:
    """Put a run that became ready out or into its line. False: its limit drops what would have to wait."""
    missing = [key for key in keys_of(t, row) if key not in row.slots]
    if not missing:
        row.line = None
        to_ready(t, row)
        return True
    key = missing[0]
    if t.limits[key[0]].full == "drop" and row.claims == 0:  # its claim finds out
        row.line = key
        to_ready(t, row)
        return True
    group = (row.new.queue, row.priority)
    if t.limits[key[0]].full == "replace" and row.claims == 0:
        stand_first(t, row, key)
        return True
    waits = any((other.new.queue, other.priority) == group for other in parked(t, key))
    out = sum(1 for other in members_out(t, key) if (other.new.queue, other.priority) == group)
    if not waits and out < free(t, key):
        row.line = key
        to_ready(t, row)
        return True
    return park(t, row, key)


def stand_first(t: Tables, row: Row, key: LineKey) -> None:
    """A newcomer of a limit that replaces goes before all others, also those that are out and not claimed."""
    if row.rank is not None and row.rank > 0:
        row.rank = -next(t.ranks)
    for other in sorted(members_out(t, key), key=fair.standing):
        if (other.new.queue, other.priority) == (row.new.queue, row.priority):
            fair.step_out(t, other)
            t.places.put((LIMIT, *key), other)
    row.line = key
    t.places.put((LIMIT, *key), row)
    offer(t, key)


def park(t: Tables, row: Row, key: LineKey) -> bool:
    """Let the run wait in the line. False: the limit drops it instead."""
    definition = t.limits[key[0]]
    if definition.full == "drop" and row.claims == 0 and not paused(t, key):
        return False
    row.line = key
    t.places.put((LIMIT, *key), row)
    return True


def to_ready(t: Tables, row: Row) -> None:
    """Where every claim looks; one that is fair to others, when it is its turn."""
    if row.new.fair is not None:
        fair.enter(t, row, row.new.fair)
        return
    t.places.put((READY, row.new.queue), row)
    t.rings.add(queue_topic(row.new.queue))


def offer(t: Tables, key: LineKey | None) -> None:
    """Send parked members out while there is room for their (queue, priority). Harmless to repeat."""
    if key is None:
        return
    if key[0] not in t.limits:
        for row in sorted(parked(t, key), key=lambda row: (row.new.queue, row.priority)):
            t.places.take(row)
            row.line = None
            to_ready(t, row)
        for row in members_out(t, key):
            t.places.out[key].pop(row.id)
            row.line = None
        return
    room: dict[tuple[str, int], int] = {}
    capacity = free(t, key)
    for row in members_out(t, key):
        group = (row.new.queue, row.priority)
        room[group] = room.get(group, capacity) - 1
    for row in sorted(parked(t, key), key=lambda row: (row.new.queue, row.priority)):
        group = (row.new.queue, row.priority)
        if room.setdefault(group, capacity) > 0:
            room[group] -= 1
            t.places.take(row)
            to_ready(t, row)


def take(t: Tables, row: Row) -> LineKey | None:
    """Take the slots of all the run's limits and return None; or take none and name the one that is full."""
    missing = [key for key in keys_of(t, row) if key not in row.slots]
    for key in missing:
        if free(t, key) == 0:
            return key
    for key in missing:
        line = t.lines[key]
        if t.limits[key[0]].period is None:
            line.holders[row.id] = next(t.serial)
            row.slots.add(key)
        else:
            line.starts.append(t.now)
    return None


def leave(t: Tables, row: Row) -> None:
    """Take the run from where it stands; its line, if any, may offer to the next."""
    fair.step_out(t, row)
    key, row.line = row.line, None
    offer(t, key)


def give_back(t: Tables, row: Row, *, end: bool = False) -> list[LineKey]:
    """Free the run's slots; those of limits that hold only at the end of the life.

    Whoever calls makes the offers once the run stands where it goes: what comes back is older than what waits.
    """
    freed: list[LineKey] = []
    for key in sorted(row.slots):
        definition = t.limits.get(key[0])
        if end or definition is None or not definition.hold:
            row.slots.discard(key)
            t.lines[key].holders.pop(row.id, None)
            freed.append(key)
    return freed


def oldest_holder(t: Tables, key: LineKey) -> Row | None:
    """Who took a slot of this limit first and still has it."""
    holders = t.lines[key].holders
    return t.rows[min(holders, key=holders.__getitem__)] if holders else None


def stand_again(t: Tables, row: Row, place: Place, key: LineKey | None) -> None:
    """After a run has changed its priority: nobody of the new (queue, priority) is overtaken, the old one may offer."""
    if place[0] not in (READY, FAIR):
        t.places.put(place, row)
    elif key is None or row.ending is not None:
        to_ready(t, row)
    else:
        t.places.put((LIMIT, *key), row)
    offer(t, key)
