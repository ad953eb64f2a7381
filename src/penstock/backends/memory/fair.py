"""Fairness: of each value a few runs stand where claims look, the others behind them; each one takes its turn.

Whoever leaves lets the next of its value take a turn, behind all who have one: so the values go round robin. Called by
`lines`; knows no limits.
"""

from penstock.backends.memory.rows import FAIR, READY, Row, Tables
from penstock.ports.doorbell import queue_topic


def enter(t: Tables, row: Row, value: str) -> None:
    """Among those of its value: with a turn if few have one, or instead of one that it goes before; else behind."""
    queue = row.new.queue
    up = list(t.places.turns.get((queue, value), {}).values())
    last, first = max(up, key=standing, default=None), next_of(t, queue, value)
    overtakes = first is None or standing(row) < standing(first)
    if last is None or (overtakes and len(up) < row.new.weight):
        give_turn(t, row, next(t.ranks))
    elif last.turn is not None and standing(row) < standing(last):
        turn = last.turn
        t.places.take(last)
        t.places.put((FAIR, queue, value), last)
        give_turn(t, row, turn)
        offer(t, queue, value)  # who had to go may weigh more
    else:
        t.places.put((FAIR, queue, value), row)


def standing(row: Row) -> tuple[int, bool, int, str]:
    """The order of a value's runs."""
    assert row.rank is not None
    return (-row.priority, not row.woken, row.rank, row.id)


def give_turn(t: Tables, row: Row, turn: int) -> None:
    """From now on claims see the run."""
    row.turn = turn
    t.places.put((READY, row.new.queue), row)
    t.rings.add(queue_topic(row.new.queue))


def step_out(t: Tables, row: Row) -> None:
    """Take the run from where it stands; one with a turn lets the next of its value take one."""
    had_turn = row.turn is not None
    t.places.take(row)
    if had_turn and row.new.fair is not None:
        offer(t, row.new.queue, row.new.fair)


def offer(t: Tables, queue: str, value: str) -> None:
    """Send those up for whom there is room. Harmless to repeat."""
    while (first := next_of(t, queue, value)) is not None:
        if len(t.places.turns[queue, value]) >= first.new.weight:
            return
        t.places.take(first)
        give_turn(t, first, next(t.ranks))


def next_of(t: Tables, queue: str, value: str) -> Row | None:
    """Who stands first behind those of the value that have a turn."""
    orders = t.places.orders((FAIR, queue, value))
    return t.rows[orders[0][3]] if orders else None
