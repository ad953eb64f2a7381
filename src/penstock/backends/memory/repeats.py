"""The same asked again: a run that has not started takes over what is asked now, or another one waits for its end."""

from msgspec.structs import replace

from penstock.backends.memory import keys, lines, moves
from penstock.backends.memory.rows import Row, Tables
from penstock.core.requests import Counted
from penstock.core.run import NewRun
from penstock.core.state import State
from penstock.core.wake import Wake


def makes_next(t: Tables, new: NewRun) -> bool:
    """Whether the new run waits for the end of the one for which its key stands."""
    entry = keys.live_key(t, new)
    if entry is None or entry.next_id is not None or new.key is None or not new.key.follow:
        return False
    row = t.rows.get(entry.run_id)
    return row is not None and not row.state.finished and not (new.key.replace and unstarted(row))


def create_next(t: Tables, new: NewRun) -> None:
    """It waits; the end of the present run lets it go, with the key."""
    row = moves.insert(t, new)
    row.state, row.wake, row.own_delay = State.WAITING, Wake(), new.delay
    entry = keys.entry_of(t, row)
    assert entry is not None
    entry.next_id = row.id


def taken_over(t: Tables, new: NewRun) -> Row | None:
    """The run that shall have the input of this one, if there is such a run."""
    entry = keys.live_key(t, new)
    if entry is None or new.key is None:
        return None
    if new.key.follow and entry.next_id is not None:
        return t.rows[entry.next_id]
    row = t.rows.get(entry.run_id)
    return row if row is not None and new.key.replace and unstarted(row) else None


def unstarted(row: Row) -> bool:
    """Whether the run may still be rewritten."""
    return row.state in (State.SCHEDULED, State.QUEUED) and row.claims == 0 and row.ending is None


def counts_as(row: Row, other: NewRun | Counted) -> bool:
    """Whether the run's limits, value and weight are these."""
    same = (row.new.limits, row.new.fair) == (other.limits, other.fair)
    return same and (other.fair is None or row.new.weight == other.weight)


def put_input(t: Tables, row: Row, data: bytes, counted: Counted | None) -> None:
    """The run, which has not started, has this input, and what follows from it: queued, its place by it, rank kept."""
    row.input = data
    if counted is None or counts_as(row, counted):
        return
    if row.state is State.QUEUED:
        lines.leave(t, row)
    row.new = replace(row.new, limits=counted.limits, fair=counted.fair, weight=counted.weight)
    if row.state is State.QUEUED:
        moves.place(t, row)


def rewrite(t: Tables, row: Row, new: NewRun) -> None:
    """The run takes over input, delay, limits and value, and keeps all else, its rank too unless it is delayed."""
    if row.state is not State.WAITING and not unstarted(row):
        return
    due_at = new.at if new.at is not None else t.now + (new.delay or 0.0)
    if row.state is State.QUEUED and (not counts_as(row, new) or due_at > t.now):
        lines.leave(t, row)
    row.input = new.input
    row.new = replace(row.new, at=new.at, delay=new.delay, limits=new.limits, fair=new.fair, weight=new.weight)
    if row.state is State.WAITING:
        row.own_delay = new.delay
    elif due_at > t.now:
        moves.expire_from(t, row, due_at)
        moves.schedule(t, row, due_at)
    elif row.state is State.SCHEDULED:
        moves.expire_from(t, row, due_at)
        moves.queue_up(t, row, fresh=True)
    elif row.state is State.QUEUED and row.place is None:
        moves.place(t, row)
