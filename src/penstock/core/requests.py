"""What callers and upkeep ask of a store, beyond a run itself."""

from penstock.core.limits import LimitRef
from penstock.core.record import Record
from penstock.core.run import NewRun
from penstock.core.state import State


class Group(Record, frozen=True, kw_only=True):
    """Runs that are stored all or none: up to 1 000, and 4 MiB of payload; parents before their children.

    A flow too large for one group travels in several: the first has `opens`, and its first run is the root; each names
    the root in `flow`; the last has `closes`. No run of an open flow is ready.
    """

    runs: tuple[NewRun, ...]
    flow: str | None = None
    opens: bool = False
    closes: bool = False


class Send(Record, frozen=True, kw_only=True):
    """A signal to one run: named by id, or by task and idempotency key. A repeated `once` is dropped.

    With `start`, a run that does not exist is brought into being in the same move, the signal in its mailbox.
    """

    name: str
    payload: bytes
    run_id: str | None = None
    task: str | None = None
    key: str | None = None
    once: str | None = None
    start: NewRun | None = None


class Counted(Record, frozen=True, kw_only=True):
    """What of a run follows from its input: the keys of its limits, and the value by which it takes turns."""

    limits: tuple[LimitRef, ...] = ()
    fair: str | None = None
    weight: int = 1


class Edit(Record, frozen=True, kw_only=True):
    """What changes about a run that has not been claimed in this life yet; None: as it is."""

    priority: int | None = None
    input: bytes | None = None
    counted: Counted | None = None  # with the input: where the run stands by it, rank kept
    clear_log: bool = False  # in every state; the derived entries stay
    free_key: bool = False  # in every state: its key stands for it no more; `state` if it does not


class Still(Record, frozen=True, kw_only=True):
    """How a run must still stand for something to be done to it: in one of these states, since no later than that."""

    states: frozenset[State] = frozenset()  # none = any
    since_at: float | None = None
    parent_token: str | None = None  # its parent is held under a lease of this token, else `lost`


class Guard(Record, frozen=True, kw_only=True):
    """Protects live workers after an outage: nobody tended for `gap` seconds: nothing is rescued for `hold` seconds."""

    gap: float = 15.0
    hold: float = 30.0


class Pause(Record, frozen=True, kw_only=True):
    """Stop (or resume) starts. Running runs finish."""

    kind: str  # "queue", "task", "schedule" or "limit"
    name: str  # of a limit with the key of what it counts: "tenants:acme"
    paused: bool
