"""A run: one durable execution of one task, whatever programming model asked for it. Records only."""

from enum import StrEnum
from typing import Literal, TypeAlias

from penstock.core.limits import LimitRef
from penstock.core.policy import IfFails
from penstock.core.record import Record
from penstock.core.state import State
from penstock.core.wake import Wake

Until: TypeAlias = Literal["started", "finished"]


class Kind(StrEnum):
    """What a run is to its parent."""

    DEPENDENCY = "dependency"  # counted in the parent's `pending`; its policy decides what its bad end does
    CALL = "call"  # its end wakes the parent if that waits for it; code or plan decides
    STARTED = "started"  # lineage only; the root of a tree of its own


class Siblings(StrEnum):
    """What a run that ends badly does with its pending dependencies."""

    CANCEL = "cancel"
    KEEP = "keep"


class Cause(StrEnum):
    """Why a run failed or was cancelled; the store writes it, and `error` beside it where somebody gave one."""

    ERROR = "error"  # its handler failed for good
    CHILD = "child"  # a dependency ended badly; `cause_id` names it, `error` is its error
    CRASHED = "crashed"  # its lease was lost too often
    EXPIRED = "expired"  # not started in time
    DEADLINE = "deadline"  # not finished in time
    LOOP = "loop"  # claimed 1 000 times without any progress
    CANCEL = "cancel"  # by hand
    PARENT = "parent"  # by the cascade of its parent
    LIMIT = "limit"  # dropped, or replaced, at a full limit
    ABANDONED = "abandoned"  # its flow was opened and never closed


class ChildOf(Record, frozen=True, kw_only=True):
    """The edge to the parent, as asked for."""

    parent_id: str
    kind: Kind = Kind.DEPENDENCY
    if_fails: IfFails = IfFails.FAIL  # dependencies only
    name: str = ""  # under which the parent reads it; "" = none
    cascade: bool = True  # of a started child: a cancel of the running parent reaches it


class Keep(Record, frozen=True, kw_only=True):
    """How long a finished run stays, in seconds after its end, and how many succeeded ones of its task."""

    succeeded: float = 86_400.0
    failed: float = 14 * 86_400.0  # also cancelled
    newest: int = 100_000


class Key(Record, frozen=True, kw_only=True):
    """Idempotency: one run per (task, key) while the run lives, and `ttl` seconds beyond. The rest: deduplication."""

    key: str
    input_hash: bytes  # of the canonical plain input: the same key with other input is a conflict
    ttl: float = 7 * 86_400.0
    until: Until = "finished"  # "started": the first claim of a life ends it, `ttl` counts from there
    every: float = 0.0  # it stands for so many seconds from its run's enqueueing at least
    replace: bool = False  # asked again before its run has started: the run takes over input, delay and limits
    follow: bool = False  # asked again: one run waits for the end of the present one, with the last input


class FollowUp(Record, frozen=True, kw_only=True):
    """A run that the terminal move of another inserts: its handler learns about the outcome (see `About`)."""

    task: str
    queue: str
    version: str = ""


class NewRun(Record, frozen=True, kw_only=True):
    """What a caller asks for. The id, made by the caller, makes asking twice harmless."""

    id: str
    task: str
    queue: str = "default"
    version: str = ""  # "" = any code of that task
    input: bytes = b""
    options: bytes = b""  # for the engine (retry, timeout of this call); the store keeps them
    priority: int = 0  # higher first
    at: float | None = None  # not before this moment; with a wake: the run's own delay is `delay`
    delay: float | None = None  # not before so many seconds from now; of a parent: from its release
    expires: float | None = None  # seconds from when it is due (a parent: from its release): fails if not started
    deadline: float | None = None  # seconds from now: fails if not finished by then
    crashes: int = 3  # lost leases that fail the run; 0 is refused at the API: 1 = the first
    key: Key | None = None
    parent: ChildOf | None = None
    wake: Wake | None = None  # set: starts waiting
    siblings: Siblings = Siblings.CANCEL
    limits: tuple[LimitRef, ...] = ()
    tags: tuple[str, ...] = ()
    keep: Keep = Keep()
    dead_letter: str | None = None  # the list on which the run stands once it has failed for good
    lifo: bool = False  # becomes ready before all of its priority that became so earlier
    fair: str | None = None  # the runs of its queue go round robin by this value, those of the same one in order
    weight: int = 1  # so many of its value go each time round
    on_success: FollowUp | None = None
    on_failure: FollowUp | None = None  # failed only; a cancelled run has neither
    schedule: str | None = None
    nominal_at: float | None = None  # the tick that a schedule's run stands for


class About(Record, frozen=True, kw_only=True):
    """What a follow-up run is about; its `input` is the input of that run."""

    run_id: str
    life: int
    task: str
    state: State
    attempts: int
    cause: Cause | None = None
    cause_id: str | None = None
    error: bytes | None = None
    result: bytes | None = None


class Run(Record, frozen=True, kw_only=True):
    """What the store knows about a run."""

    id: str
    task: str
    queue: str
    version: str
    state: State
    life: int  # 1, and one more with each redrive
    history: int  # 0, and one more with each `continue_as_new`
    input: bytes
    options: bytes
    priority: int
    enqueued_at: float
    since_at: float  # in this state since
    due_at: float | None = None  # scheduled: when it becomes ready
    started_at: float | None = None  # the last claim
    finished_at: float | None = None
    expires_at: float | None = None
    deadline_at: float | None = None
    claims: int = 0
    failures: int = 0  # attempts that raised; the only count compared with `attempts`
    crashes: int = 0
    releases: int = 0
    max_crashes: int = 3
    worker: str | None = None  # running: who holds it
    lease_expires_at: float | None = None
    key: str | None = None
    parent_id: str | None = None
    root_id: str | None = None  # None: a root itself
    kind: Kind | None = None
    if_fails: IfFails | None = None
    name: str = ""
    siblings: Siblings = Siblings.CANCEL
    pending: int = 0
    finishes: int = 0
    early: int = 0
    counted: bool = False  # of a dependency: its parent no longer waits for it
    wake: Wake | None = None  # waiting: for what
    returned: bool = False  # waiting only for what it depends on, its result stored
    blocked_by: str | None = None
    open: bool = False  # of a flow that is not closed yet
    ending: State | None = None  # asked to end so: cancelled, or doomed to fail
    rollbacks: bool = False  # has some registered
    result: bytes | None = None
    error: bytes | None = None
    cause: Cause | None = None
    cause_id: str | None = None
    reason: str | None = None  # given with a cancel
    limits: tuple[LimitRef, ...] = ()
    fair: str | None = None
    weight: int = 1
    tags: tuple[str, ...] = ()
    keep: Keep = Keep()
    dead_letter: str | None = None
    refused: tuple[str, ...] = ()  # fingerprints of code that does not fit its history
    schedule: str | None = None
    nominal_at: float | None = None
