"""The life of a run: seven states, and every move between them that may ever happen.

The table is the only definition: tests walk every operation through every state with it, on every backend, and the
diagram in the docs is printed from it. It knows neither stores nor tasks.
"""

from enum import StrEnum
from typing import Final, TypeAlias


class State(StrEnum):
    """Where a run stands. The last three are terminal: written once per life, undone only by `redrive`."""

    SCHEDULED = "scheduled"  # not before its time
    QUEUED = "queued"  # as soon as something can run it: claimable, or in the line of what stops it
    RUNNING = "running"  # one worker holds its lease
    WAITING = "waiting"  # for children, signals or a moment; or done itself, and for what it depends on
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether this life is over."""
        return self in FINISHED


FINISHED: Final = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
UNLEASED: Final = frozenset({State.SCHEDULED, State.QUEUED, State.WAITING})

# state before -> states it may lead to; None: no such run
Moves: TypeAlias = dict[State | None, frozenset[State | None]]


def _to(*states: State | None) -> frozenset[State | None]:
    return frozenset(states)


_S, _Q, _R, _W = State.SCHEDULED, State.QUEUED, State.RUNNING, State.WAITING
_SUCCEEDED, _FAILED, _CANCELLED = State.SUCCEEDED, State.FAILED, State.CANCELLED
_ENTRY: Final[Moves] = {None: _to(_S, _Q, _W, _FAILED, _CANCELLED)}  # failed, cancelled: a child's policy, a full limit
_AGAIN: Final = _to(_Q, _W)

# operation -> its moves. Met in any other state, the operation leaves the run where it is.
MOVES: Final[dict[str, Moves]] = {
    # callers
    "enqueue": _ENTRY,
    "signal": {None: _ENTRY[None], _W: _to(_Q)},  # with `start` it may bring the run into being
    "cancel": {_S: _to(_CANCELLED, _Q), _Q: _to(_CANCELLED), _W: _to(_CANCELLED, _Q)},  # queued: rollbacks first
    "redrive": {_SUCCEEDED: _AGAIN, _FAILED: _AGAIN, _CANCELLED: _AGAIN},
    "remove": {state: _to(None) for state in State if state is not _R},
    "reschedule": {_S: _to(_Q), _Q: _to(_S)},
    "edit": {},
    "fork": _ENTRY,
    "attach": {_S: _to(_W, _FAILED), _Q: _to(_W, _FAILED), _W: _to(_FAILED, _Q, _S)},  # of the parent
    "detach": {_W: _to(_Q, _S, _SUCCEEDED)},  # of the parent
    "watch": {},
    # lease holders
    "claim": {_Q: _to(_R, _FAILED, _CANCELLED)},  # failed: expired, or claimed too often without progress
    "extend": {},
    "extend_claim": {},
    "complete": {_R: _to(_SUCCEEDED, _W, _FAILED, _CANCELLED, _Q)},  # queued: its rollbacks are still to run
    "retry": {_R: _to(_S, _Q, _FAILED, _CANCELLED)},  # queued: no delay, or rollbacks of a run that must end
    "fail": {_R: _to(_FAILED, _CANCELLED, _Q)},
    "release": {_R: _to(_Q, _FAILED, _CANCELLED)},
    "suspend": {_R: _to(_W, _Q, _FAILED, _CANCELLED)},
    "restart": {_R: _to(_Q, _FAILED, _CANCELLED)},
    "record": {},
    "spawn": _ENTRY,
    "append": {},
    "block": {},
    # upkeep
    "promote": {_S: _to(_Q), _W: _to(_Q)},
    "rescue": {_R: _to(_Q, _FAILED, _CANCELLED)},
    "expire": {_S: _to(_FAILED, _Q), _Q: _to(_FAILED), _W: _to(_FAILED, _Q)},
    "cascade": {
        _S: _to(_CANCELLED, _Q, None),
        _Q: _to(_CANCELLED, None),
        _W: _to(_CANCELLED, _Q, _S, None),  # queued, scheduled: let into a flow that has been closed
        _SUCCEEDED: _to(None),
        _FAILED: _to(_Q, _W, None),
        _CANCELLED: _to(_Q, _W, None),
    },
    "purge": {_SUCCEEDED: _to(None), _FAILED: _to(None), _CANCELLED: _to(None)},
    "fire": _ENTRY,
    # what the end, the removal or the return of a child does to its parent, in the child's own move
    "count": {_W: _to(_Q, _S, _FAILED, _SUCCEEDED), _S: _to(_FAILED, _Q, _W), _Q: _to(_FAILED, _W)},
}
