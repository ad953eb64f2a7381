"""Keys: which run stands for one, until when, and who comes after it. Moves no run."""

from penstock.backends.memory.rows import KeyRow, Row, Tables
from penstock.core.run import NewRun


def entry_of(t: Tables, row: Row) -> KeyRow | None:
    """What is stored under the run's key, whomever it stands for."""
    return None if row.new.key is None else t.keys.get((row.new.task, row.new.key.key))


def key_of(t: Tables, row: Row) -> KeyRow | None:
    """The run's key, while it stands for this run."""
    entry = entry_of(t, row)
    return entry if entry is not None and entry.run_id == row.id else None


def live_key(t: Tables, new: NewRun) -> KeyRow | None:
    """What the key of a new run stands for now."""
    if new.key is None:
        return None
    entry = t.keys.get((new.task, new.key.key))
    return entry if entry is not None and (entry.expires_at is None or entry.expires_at > t.now) else None


def take_key(t: Tables, new: NewRun) -> None:
    """From now on the key stands for this run."""
    if new.key is not None:
        t.keys[(new.task, new.key.key)] = KeyRow(new.key.input_hash, new.id)


def let_expire(t: Tables, row: Row) -> Row | None:
    """The run needs its key no more. It goes to who waits for it, and that one is returned; else its time begins."""
    entry, asked = entry_of(t, row), row.new.key
    if entry is None or asked is None:
        return None
    if entry.next_id == row.id:
        entry.next_id = None  # it waited, and is over itself
    if entry.run_id != row.id or entry.expires_at is not None:
        return None
    if entry.next_id is not None:
        following = t.rows[entry.next_id]
        take_key(t, following.new)
        return following
    entry.expires_at = max(t.now + asked.ttl, row.enqueued_at + asked.every)
    return None


def stand_again(t: Tables, row: Row) -> None:
    """The run has not begun after all: a key that its claim has ended stands for it again, if for nobody else."""
    if row.new.key is None or row.new.key.until != "started" or row.claims:
        return
    entry = live_key(t, row.new)
    if entry is None:
        take_key(t, row.new)
    elif entry.run_id == row.id:
        entry.expires_at = None


def forget(t: Tables, row: Row) -> Row | None:
    """The run is removed by hand, its key with it, unless somebody waits for that, who is returned."""
    following = let_expire(t, row)
    if following is None and row.new.key is not None and key_of(t, row) is not None:
        del t.keys[(row.new.task, row.new.key.key)]
    return following
