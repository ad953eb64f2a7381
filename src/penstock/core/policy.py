"""What the bad end of a dependency does to its parent: the table of flows, as data.

Pure: a store applies the effect inside the child's own terminal move. Tests are generated from the table.
"""

from enum import StrEnum
from typing import Final


class IfFails(StrEnum):
    """What a dependency's bad end (failed, expired, crashed out, cancelled by hand) does to its parent."""

    FAIL = "fail"  # the parent fails with the child's error, upward level by level
    BLOCK = "block"  # the parent stays as it is, and says who blocks it
    CONTINUE = "continue"  # the parent goes on now, once
    IGNORE = "ignore"  # as if the child had succeeded; its error stays readable
    REMOVE = "remove"  # as if the child had never been


class Parent(StrEnum):
    """How the parent stands when the child ends."""

    WAITING = "waiting"
    UNSTARTED = "unstarted"  # scheduled or queued
    RUNNING = "running"
    RETURNED = "returned"  # waiting with its result stored
    FINISHED = "finished"


class Effect(StrEnum):
    """What happens to the parent."""

    FAIL = "fail"  # failed at once, cause = the child; the same rule one level up
    DOOM = "doom"  # cancelled at the next heartbeat; every later settle ends it failed
    BLOCK = "block"  # stays, blocked by the child; one that is not waiting shows it when it next waits
    NOTHING = "nothing"
    START = "start"  # early + 1, and queued (scheduled if it has a delay of its own), once
    EARLY = "early"  # early + 1: its next suspend returns at once
    COUNT = "count"  # pending - 1, and wakes if due; with its result stored and none pending: succeeded


_COUNTED: Final = {
    Parent.WAITING: Effect.COUNT,
    Parent.UNSTARTED: Effect.COUNT,
    Parent.RUNNING: Effect.COUNT,
    Parent.RETURNED: Effect.COUNT,
    Parent.FINISHED: Effect.NOTHING,
}

POLICY: Final[dict[IfFails, dict[Parent, Effect]]] = {
    IfFails.FAIL: {
        Parent.WAITING: Effect.FAIL,
        Parent.UNSTARTED: Effect.FAIL,
        Parent.RUNNING: Effect.DOOM,
        Parent.RETURNED: Effect.FAIL,
        Parent.FINISHED: Effect.NOTHING,
    },
    IfFails.BLOCK: {
        Parent.WAITING: Effect.BLOCK,
        Parent.UNSTARTED: Effect.BLOCK,
        Parent.RUNNING: Effect.BLOCK,
        Parent.RETURNED: Effect.BLOCK,
        Parent.FINISHED: Effect.NOTHING,
    },
    # START and EARLY also count the child: pending - 1.
    IfFails.CONTINUE: {
        Parent.WAITING: Effect.START,
        Parent.UNSTARTED: Effect.EARLY,
        Parent.RUNNING: Effect.EARLY,
        Parent.RETURNED: Effect.COUNT,
        Parent.FINISHED: Effect.NOTHING,
    },
    IfFails.IGNORE: _COUNTED,
    IfFails.REMOVE: _COUNTED,
}
