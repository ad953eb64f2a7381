"""The storage contract, in protocols by who calls.

Every operation is one whole move, in one transaction or script: all of it happened or nothing did, and no two ever
interleave on the same run. Which moves an operation may make is `core.state.MOVES`. With a stale lease it changes
nothing and answers `lost`. Asked twice, it does once. If it makes a run ready it rings, after the commit. Operations
that take many items answer for each; a bad item never spoils its neighbours. The store's clock decides, tokens guard
every write, payloads are opaque bytes. What can't be answered raises `Unavailable`, which says whether it may have been
applied: then the caller repeats the identical call. `docs/reference/contract.md` has the rules that operations share.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from penstock.core.answers import Accepted, Answer, Recorded, Refused, Spawned, Tended
from penstock.core.leases import Append, Block, ClaimRequest, Claims, Lease, Outcome, RecordStep, Spawn, Step, Turn
from penstock.core.limits import LimitDef, LimitView
from penstock.core.registry import Definition, WorkerInfo
from penstock.core.requests import Edit, Group, Guard, Pause, Send, Still
from penstock.core.run import ChildOf, Run
from penstock.core.schedule import Fire, Schedule
from penstock.core.state import State
from penstock.core.tx import Tx
from penstock.core.views import Count, Filter, LogEntry, Page, Rollup, Signal, StoreInfo, Why
from penstock.ports.doorbell import Doorbell


class Callers(Protocol):
    """What anyone may ask for, from anywhere."""

    async def enqueue(self, groups: Sequence[Group]) -> list[Accepted | Refused]:
        """Store each group whole or not at all. Ids and keys already known answer with the existing run."""
        ...

    async def signal(self, send: Send) -> tuple[Answer, str | None]:
        """Leave a message in the run's mailbox and wake it if that was the one it waits for; also names the run."""
        ...

    async def cancel(
        self, run_ids: Sequence[str], *, reason: str = "", cascade: bool = True, terminate: bool = False
    ) -> list[Answer]:
        """End the runs: at once, or, if running or with rollbacks to run first, by request. `terminate` skips these."""
        ...

    async def redrive(
        self, run_ids: Sequence[str], *, lives: Sequence[int] | None = None, inputs: Sequence[bytes] | None = None
    ) -> list[Answer]:
        """Begin another life of finished runs, with fresh counters; off the dead-letter list.

        `lives`: the life of each that is meant. One that has had a later life already is left alone, and that is ok.
        `inputs`: of each another one, in another history, which keeps all records and the mailbox of this one.
        """
        ...

    async def remove(
        self, run_ids: Sequence[str], *, children: bool = True, still: Still | None = None
    ) -> list[Answer]:
        """Leave no trace of the runs and all below them; refused whole for a run if one of these is running.

        `still`: a run that has moved on since it was seen is left alone: `state`.
        """
        ...

    async def reschedule(self, run_id: str, *, at: float | None = None, delay: float | None = None) -> Answer:
        """Move the due time of a scheduled or queued run; now or in the past: a scheduled run is queued."""
        ...

    async def edit(self, run_id: str, edit: Edit) -> Answer:
        """Change priority or input of a run that has not started; clear the log of any."""
        ...

    async def fork(self, run_id: str, new_id: str, *, upto: int | None = None, version: str | None = None) -> Answer:
        """A new run of the same task and input with the first `upto` recorded steps (None: all) and unread signals.

        `version`: of the code that it asks for; None: the same.
        """
        ...

    async def attach(self, run_id: str, edge: ChildOf) -> Answer:
        """Make an existing run a dependency of an existing run that is not finished; its state counts at once."""
        ...

    async def detach(self, run_id: str) -> Answer:
        """Cut a dependency from its parent, which no longer waits for it."""
        ...

    async def watch(self, run_ids: Sequence[str], *, log: bool = False) -> list[State | None]:
        """From now on the end of these runs rings `run_topic`; returns how they stand.

        With `log` what their logs tell rings `log_topic` as well: each claim, each line.
        """
        ...


class Leases(Protocol):
    """What a worker does, with the leases that it holds."""

    async def claim(self, request: ClaimRequest) -> Claims:
        """Move queued runs that the worker can run to running: queues in the order given; priority, woken, rank."""
        ...

    async def settle(self, outcomes: Sequence[Outcome]) -> list[Answer]:
        """Turn what attempts came to into moves: complete, retry, fail, release, suspend, restart."""
        ...

    async def turn(self, outcomes: Sequence[Outcome], request: ClaimRequest) -> Turn:
        """Settle, then claim, in one round trip. A claim that fails never undoes a settle."""
        ...

    async def extend(self, leases: Sequence[Lease], seconds: float) -> list[Answer]:
        """Keep the leases alive from now on; `stop`: alive, and the run is asked to end."""
        ...

    async def extend_claim(self, worker: str, claim_id: str, seconds: float) -> None:
        """Keep alive what the worker's last claim has brought, if that is this one: its answer may be on its way."""
        ...

    async def record(self, records: Sequence[RecordStep]) -> list[Recorded]:
        """Write steps once; a path already taken answers with the step that stands there; `state`: not so silent."""
        ...

    async def spawn(self, spawns: Sequence[Spawn]) -> list[Spawned]:
        """Insert children of held runs, or find those that an earlier try inserted; with each spawn its step."""
        ...

    async def append(self, entries: Sequence[Append]) -> list[Answer]:
        """Add lines to the logs of held runs. A number not above the lease's last has been stored before: ok."""
        ...

    async def block(self, block: Block) -> Answer:
        """Nothing of this rate starts for a while."""
        ...


class Upkeep(Protocol):
    """What any worker does now and then on behalf of all. Each is safe to run anywhere, at any time, twice."""

    async def tend(self, budget: int, guard: Guard) -> Tended:
        """Promote, rescue, expire, cascade and purge what is due, at most `budget` runs in all."""
        ...

    async def fire(self, fire: Fire) -> Answer:
        """One tick of a schedule: ok, `duplicate` if it has moved on, `state` if skipped by overlap."""
        ...

    async def flush(self, rollups: Sequence[Rollup], *, worker: str, number: int) -> None:
        """Add what this worker saw to the per-minute roll-ups. A number not above the worker's last adds nothing."""
        ...


class Control(Protocol):
    """Settings that all workers obey."""

    async def pause(self, pause: Pause) -> None:
        """Stop or resume starts of a queue or task, or the ticks of a schedule."""
        ...

    async def put_limit(self, limit: LimitDef) -> None:
        """Define or change a limit. Freed capacity is offered at once, beyond a bound by upkeep.

        A lowered one waits for slots to come back.
        """
        ...

    async def drop_limit(self, name: str) -> Answer:
        """Limit no more: everything parked at it goes on, at once or, beyond a bound, by upkeep."""
        ...

    async def put_schedule(self, schedule: Schedule, *, was: int | None = None) -> Schedule:
        """Create or change a schedule; the stored one comes back, its revision grown if anything changed.

        `was`: only if it stands at that revision, or for 0 if there is none. What stands comes back; if nothing does,
        the one that was asked for, at revision 0.
        """
        ...

    async def drop_schedule(self, name: str, *, was: int | None = None) -> Answer:
        """Fire no more. Runs of it stay. `was`: only if it stands at that revision, else `state`."""
        ...

    async def register(
        self, worker: WorkerInfo | None, definitions: Sequence[Definition] = (), *, seconds: float = 0.0
    ) -> None:
        """This worker is alive for so many seconds (0: gone), can run this, and knows these definitions."""
        ...

    async def drop_definition(self, definition: Definition) -> Answer:
        """Know this one no more; `state` if somebody has declared it since it was seen so. Runs of it stay."""
        ...


class Views(Protocol):
    """Reads. Each sees one consistent moment and moves nothing."""

    async def get(self, run_ids: Sequence[str]) -> list[Run | None]: ...

    async def find(self, wanted: Filter, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        """Those runs: finished ones newest first, the others in some order. What does not change comes once.

        A page may hold fewer than `limit`, even none, and have more after it.
        """
        ...

    async def children(self, run_id: str, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        """In the order given. A dependency that failed under `remove` is no child any more."""
        ...

    async def children_of(self, run_ids: Sequence[str], *, limit: int = 100) -> list[Page[Run]]:
        """The first page of the children of each."""
        ...

    async def steps(self, run_id: str, *, paths: Sequence[str] | None = None) -> list[Step]:
        """The records of the present history, in the order written: those at these paths (up to 1,000), or all."""
        ...

    async def signals(self, run_id: str) -> list[Signal]: ...

    async def log(self, run_id: str, *, after: int = 0, limit: int = 1000) -> list[LogEntry]: ...

    async def counts(self, *, cap: int = 10_000) -> list[Count]: ...

    async def rollups(self, since: int, until: int) -> list[Rollup]: ...

    async def why(self, run_id: str) -> Why | None:
        """Why an unfinished run stands where it stands; None: finished or unknown."""
        ...

    async def paused(self) -> list[Pause]: ...

    async def limits(self) -> list[LimitView]: ...

    async def schedules(self, *, due: bool = False, limit: int = 1000) -> list[Schedule]:
        """All, by name; `due`: those whose next tick has come, earliest first."""
        ...

    async def workers(self) -> list[WorkerInfo]: ...

    async def definitions(self) -> list[Definition]: ...

    async def dead(self, name: str | None = None, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        """The runs on a dead-letter list, or on any; the latest first."""
        ...

    async def check(self) -> list[str]:
        """What is wrong with this store, one sentence each: indexes against rows, counters against what they count."""
        ...

    async def info(self) -> StoreInfo: ...


class Store(Callers, Leases, Upkeep, Control, Views, Protocol):
    """All of it: what a backend implements."""

    @property
    def doorbell(self) -> Doorbell: ...

    async def open(self) -> None:
        """Connect, and bring the schema up to date. Asked twice, it does once."""
        ...

    async def close(self) -> None:
        """Let go of everything. Later calls raise `Closed`."""
        ...


class Transactional(Protocol):
    """What a store adds that can enqueue in the caller's own transaction."""

    def enqueue_within(self, connection: object, groups: Collection[Group]) -> list[Accepted | Refused]:
        """Store the groups with the caller's transaction: they exist when it commits, and never if it does not."""
        ...


class Recording(Protocol):
    """What a store adds that can record a step in one transaction with what the step's code writes to it."""

    def record_with(self, record: RecordStep, work: Callable[[Tx], Step], seconds: float) -> Recorded:
        """Carry the work out and record what it returns, or neither; at most so many seconds. Blocks its thread.

        The step that stands then comes back. The work is not begun if the lease is lost or the step is recorded, which
        is answered: asked twice, it does once.
        """
        ...
