"""The audit of the memory store: what its indexes say against what its rows say."""

from penstock.backends.memory import fair, lines
from penstock.backends.memory.rows import FAIR, LIMIT, READY, Row, Tables
from penstock.core.run import Kind
from penstock.core.state import State


def check(t: Tables) -> list[str]:
    """Everything that is wrong, one sentence each."""
    problems: list[str] = []
    for row in t.rows.values():
        problems += check_row(t, row)
    for place in t.places:
        for run_id in t.places.ids(place):
            listed = t.rows.get(run_id)
            if listed is None or listed.place != place:
                problems.append(f"place {place} lists {run_id}, which is not there")
    for line in {*t.lines, *t.places.out} | {(place[1], place[2]) for place in t.places if place[0] == LIMIT}:
        problems += check_line(t, line)
    for place in t.places:
        if place[0] == FAIR:
            problems += check_turns(t, place[1], place[2])
    return problems + check_keys(t)


def check_keys(t: Tables) -> list[str]:
    problems: list[str] = []
    for name, key in t.keys.items():
        following = t.rows.get(key.next_id) if key.next_id is not None else None
        if key.next_id is not None and (following is None or following.state is not State.WAITING):
            problems.append(f"key {name} is to go to {key.next_id}, which does not wait for it")
        if key.expires_at is None and key.run_id not in t.rows:
            problems.append(f"key {name} stands for {key.run_id}, which is gone, and never expires")
    return problems


def check_row(t: Tables, row: Row) -> list[str]:
    pending = sum(1 for child in t.children_of(row) if child.kind is Kind.DEPENDENCY and not child.counted)
    waits = row.wake is not None or row.returned or row.open or row.mark is not None
    unknown = sorted(slot for slot in row.slots if row.id not in t.lines[slot].holders)
    listed = row.place is None or row.id in t.places.ids(row.place)
    state = row.state
    claims = {
        f"has pending {row.pending}, and {pending} dependencies that do not count": row.pending == pending,
        f"is {state} and stands in {row.place}": (state is State.QUEUED) == (row.place is not None),
        f"says it stands in {row.place}, which does not list it": listed,
        f"is {state} with token {row.token}": (state is State.RUNNING) == (row.token is not None),
        "is scheduled for no moment": state is not State.SCHEDULED or row.due_at is not None,
        f"is {state} and finished at {row.finished_at}": state.finished == (row.finished_at is not None),
        "waits for nothing": state is not State.WAITING or waits,
        f"is {state} and holds {sorted(row.slots)}": state is State.RUNNING or not row.slots or holds(t, row),
        f"says it holds {unknown}, which do not know": not unknown,
    }
    return [f"{row.id} {claim}" for claim, true in claims.items() if not true]


def holds(t: Tables, row: Row) -> bool:
    """Whether all slots that the run has are of limits that hold, and its life is not over."""
    return not row.state.finished and all(key[0] in t.limits and t.limits[key[0]].hold for key in row.slots)


def check_turns(t: Tables, queue: str, value: str) -> list[str]:
    """Who of a value stands behind, although nobody with a turn does so rightly."""
    up = list(t.places.turns[queue, value].values())
    first = fair.next_of(t, queue, value)
    problems = [f"{one.id} has a turn and stands in {one.place}" for one in up if one.place != (READY, queue)]
    if first is not None and len(up) < first.new.weight:
        problems.append(f"value {value!r} has room in queue {queue}, and {first.id} stands behind")
    if first is not None and any(fair.standing(one) > fair.standing(first) for one in up):
        problems.append(f"{first.id} stands behind one of its value {value!r} that goes later")
    return problems


def check_line(t: Tables, key: tuple[str, str]) -> list[str]:
    problems: list[str] = []
    for holder in t.lines[key].holders if key in t.lines else ():
        row = t.rows.get(holder)
        if row is None or key not in row.slots:
            problems.append(f"{key} is held by {holder}, which does not hold it")
    if key[0] not in t.limits:
        return problems
    out: dict[tuple[str, int], int] = {}
    for row in lines.members_out(t, key):
        if row.place is None or row.place[0] not in (READY, FAIR) or row.line != key:
            problems.append(f"{row.id} counts as out of {key} and stands in {row.place}")
        group = (row.new.queue, row.priority)
        out[group] = out.get(group, 0) + 1
    for row in lines.parked(t, key):
        group = (row.new.queue, row.priority)
        if t.limits[key[0]].period is None and out.get(group, 0) < lines.free(t, key):
            problems.append(f"{key} has room for {group}, and {row.id} is parked")
    return problems
