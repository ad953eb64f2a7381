"""What the memory store keeps: rows, places and settings. Plain data with no rules but how to find things."""

import bisect
import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from penstock.core.clock import Clock
from penstock.core.leases import Step
from penstock.core.limits import LimitDef, LimitRef
from penstock.core.registry import Definition, WorkerInfo
from penstock.core.run import About, Cause, Kind, NewRun, Run
from penstock.core.schedule import Schedule
from penstock.core.state import State
from penstock.core.views import LogEntry, Rollup, Signal
from penstock.core.wake import Wake
from penstock.ports.doorbell import UPKEEP, log_topic

# A place begins with its kind: READY and its queue; SIDE and queue, task, version, refused; LIMIT and a line's key;
# FAIR and queue and value, behind those of the value that stand ready.
Place: TypeAlias = tuple[str, ...]
LineKey: TypeAlias = tuple[str, str]  # name and key of a limit
READY = "ready"
FAIR = "fair"
SIDE = "side"
LIMIT = "limit"


@dataclass(slots=True)
class Mark:
    """What must still happen below a run; worked off by upkeep."""

    cancel: frozenset[Kind] = frozenset()
    upto: int | None = None  # a run that lives on: only children not younger than this are cancelled
    remove: bool = False
    keep_keys: bool = False  # removed by retention
    redrive: bool = False
    close: bool = False


@dataclass(slots=True, eq=False)
class Row:
    """A run and everything that the store knows of it."""

    new: NewRun  # as asked for; what may change stands below
    no: int  # order of enqueueing
    state: State
    enqueued_at: float
    since_at: float
    input: bytes
    priority: int
    life: int = 1
    history: int = 0
    due_at: float | None = None
    started_at: float | None = None
    first_claimed_at: float | None = None
    finished_at: float | None = None
    purge_again_at: float = 0.0
    expires_at: float | None = None
    deadline_at: float | None = None
    own_delay: float | None = None  # of a parent, from its release
    claims: int = 0
    idle_claims: int = 0  # claims since something last moved it on
    failures: int = 0
    crashes: int = 0
    releases: int = 0
    fence: int = 0
    token: str | None = None
    settled: tuple[str, str] | None = None  # token and kind of the last settled lease
    worker: str | None = None
    lease_expires_at: float | None = None
    parent_id: str | None = None
    root_id: str | None = None
    depth: int = 0
    pending: int = 0
    finishes: int = 0
    early: int = 0
    counted: bool = False
    wake: Wake | None = None
    returned: bool = False
    blocked_by: str | None = None
    open: bool = False
    opened_at: float | None = None  # of the root of an open flow: its last group
    ending: State | None = None
    ending_cause: Cause | None = None
    ending_error: bytes | None = None
    ending_id: str | None = None
    ending_at: float | None = None  # asked then
    told: bool = False  # its holder claimed it to run the rollbacks
    by_parent: bool = False  # the request came down from its parent
    rollbacks: bool = False
    result: bytes | None = None
    error: bytes | None = None
    cause: Cause | None = None
    cause_id: str | None = None
    reason: str | None = None
    refused: tuple[str, ...] = ()
    rank: int | None = None
    woken: bool = False
    place: Place | None = None  # queued: where it stands
    line: LineKey | None = None  # the limit's line it is a member of
    turn: int | None = None  # of a fair run that stands where claims look: its place there, instead of its rank
    slots: set[LineKey] = field(default_factory=set[LineKey])
    mark: Mark | None = None
    watched: bool = False
    followed: bool = False  # what its log tells rings, too
    dead: bool = False
    finish_no: int = 0
    about: About | None = None
    forget: tuple[str, ...] = ()  # paths of steps that a redrive drops
    steps: dict[str, Step] = field(default_factory=dict[str, Step])
    mailbox: list[Signal] = field(default_factory=list[Signal])
    heard: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])  # signals sent `once`
    log: list[LogEntry] = field(default_factory=list[LogEntry])
    log_seq: int = 2  # 1: enqueued, 2: first claim
    lines: tuple[str, int] = ("", 0)  # token and number of the last numbered line

    @property
    def id(self) -> str:
        return self.new.id

    @property
    def kind(self) -> Kind | None:
        return self.new.parent.kind if self.new.parent and self.parent_id is not None else None

    @property
    def order(self) -> tuple[int, bool, int, str]:
        assert self.rank is not None
        if self.turn is not None:
            return (0, True, self.turn, self.id)
        return (-self.priority, not self.woken, self.rank, self.id)


@dataclass(slots=True)
class KeyRow:
    """What stands behind an idempotency key, also after its run is gone."""

    input_hash: bytes
    run_id: str
    expires_at: float | None = None  # None: the run lives
    next_id: str | None = None  # who waits for that run's end


@dataclass(slots=True)
class Line:
    """One key of a limit: who holds, who started when, and until when nobody may."""

    holders: dict[str, int] = field(default_factory=dict[str, int])  # run id -> order of taking
    starts: list[float] = field(default_factory=list[float])  # of a rate
    blocked_until: float | None = None
    paused: bool = False


class Places:
    """Queued runs by place, each place in the order of claims."""

    def __init__(self) -> None:
        self._lists: dict[Place, list[tuple[int, bool, int, str]]] = {}
        self.puts = 0  # so far: who walks through a place sees that it has grown
        self.out: dict[LineKey, dict[str, Row]] = defaultdict(
            dict
        )  # members of a line in the ready place, or behind it
        self.turns: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)  # by queue and value: fair runs there

    def put(self, place: Place, row: Row) -> None:
        self.puts += 1
        bisect.insort(self._lists.setdefault(place, []), row.order)
        row.place = place
        if row.line is not None and place[0] in (READY, FAIR):
            self.out[row.line][row.id] = row
        if row.turn is not None and row.new.fair is not None:
            self.turns[row.new.queue, row.new.fair][row.id] = row

    def take(self, row: Row) -> None:
        if row.place is None:
            return
        members = self._lists[row.place]
        del members[bisect.bisect_left(members, row.order)]
        if not members:
            del self._lists[row.place]
        row.place = None
        if row.line is not None:
            self.out[row.line].pop(row.id, None)
        if row.turn is not None and row.new.fair is not None:
            self.turns[row.new.queue, row.new.fair].pop(row.id, None)
            row.turn = None

    def ids(self, place: Place) -> list[str]:
        return [member[3] for member in self._lists.get(place, ())]

    def orders(self, place: Place) -> list[tuple[int, bool, int, str]]:
        return self._lists.get(place, [])

    def __iter__(self) -> Iterator[Place]:
        return iter(list(self._lists))


class Tables:
    """All of one store. Whoever touches it holds the lock."""

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.rows: dict[str, Row] = {}
        self.children: dict[str, dict[str, None]] = defaultdict(dict)  # by parent, in the order given
        self.places = Places()
        self.keys: dict[tuple[str, str], KeyRow] = {}
        self.limits: dict[str, LimitDef] = {}
        self.lines: dict[LineKey, Line] = defaultdict(Line)
        self.paused: set[tuple[str, str]] = set()
        self.schedules: dict[str, Schedule] = {}
        self.workers: dict[str, WorkerInfo] = {}
        self.definitions: dict[tuple[str, str, str], Definition] = {}
        self.rollups: dict[tuple[int, str, str], Rollup] = {}
        self.flushed: dict[str, tuple[int, float]] = {}  # worker -> number and moment of its last flush
        self.last_claims: dict[str, tuple[str, tuple[str, ...]]] = {}  # worker -> claim id, runs
        self.tended_at: float | None = None
        self.announced: float | None = None  # when time alone moves something, as the last round of upkeep has said
        self.quarantine_until: float | None = None
        self.serial = itertools.count(1)
        self.ranks = itertools.count(1)
        self.firsts = itertools.count(-1, -1)  # ranks before all others
        self.rings: set[str] = set()

    @property
    def now(self) -> float:
        return self.clock()

    def parent_of(self, row: Row) -> Row | None:
        return self.rows.get(row.parent_id) if row.parent_id is not None else None

    def children_of(self, row: Row) -> list[Row]:
        return [self.rows[child] for child in self.children.get(row.id, ()) if child in self.rows]

    def note(
        self, row: Row, kind: str, data: bytes = b"", *, at: float | None = None, started_at: float | None = None
    ) -> None:
        """Add a line to the run's log."""
        row.log_seq += 1
        self.tell(row)
        row.log.append(
            LogEntry(
                seq=row.log_seq,
                at=self.now if at is None else at,
                kind=kind,
                data=data,
                attempt=attempt_of(row),
                worker=row.worker,
                started_at=started_at,
            )
        )

    def due(self, moment: float) -> None:
        """Time will move something then: upkeep is rung, unless it comes back before that by itself."""
        if self.announced is None or moment < self.announced or self.announced <= self.now:
            self.rings.add(UPKEEP)

    def tell(self, row: Row) -> None:
        """The run's log has something new for who follows it."""
        if row.followed:
            self.rings.add(log_topic(row.id))


def attempt_of(row: Row) -> int:
    """The attempt a line of its log speaks of; once it has ended, how many there were."""
    return row.failures + (row.state is State.SUCCEEDED if row.state.finished else 1)


def refs_of(row: Row) -> tuple[LimitRef, ...]:
    """The limits whose slots the run needs."""
    return row.new.limits


def run_of(row: Row) -> Run:
    """The row as its readers see it."""
    new, edge = row.new, row.new.parent if row.parent_id is not None else None
    return Run(
        id=row.id,
        task=new.task,
        queue=new.queue,
        version=new.version,
        state=row.state,
        life=row.life,
        history=row.history,
        input=row.input,
        options=new.options,
        priority=row.priority,
        enqueued_at=row.enqueued_at,
        since_at=row.since_at,
        due_at=row.due_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        expires_at=row.expires_at,
        deadline_at=row.deadline_at,
        claims=row.claims,
        failures=row.failures,
        crashes=row.crashes,
        releases=row.releases,
        max_crashes=new.crashes,
        worker=row.worker,
        lease_expires_at=row.lease_expires_at,
        key=new.key.key if new.key else None,
        parent_id=row.parent_id,
        root_id=row.root_id,
        kind=row.kind,
        if_fails=edge.if_fails if edge and edge.kind is Kind.DEPENDENCY else None,
        name=edge.name if edge else "",
        siblings=new.siblings,
        pending=row.pending,
        finishes=row.finishes,
        early=row.early,
        counted=row.counted,
        wake=row.wake,
        returned=row.returned,
        blocked_by=row.blocked_by,
        open=row.open,
        ending=row.ending,
        rollbacks=row.rollbacks,
        result=row.result,
        error=row.error,
        cause=row.cause,
        cause_id=row.cause_id,
        reason=row.reason,
        limits=new.limits,
        fair=new.fair,
        weight=1 if new.fair is None else new.weight,
        tags=new.tags,
        keep=new.keep,
        dead_letter=new.dead_letter,
        refused=row.refused,
        schedule=new.schedule,
        nominal_at=new.nominal_at,
    )
