"""The contract in plain Python: the reference for the other backends, and the store of tests.

One lock makes each operation one whole move. What the moves are is in the modules beside this one; here is only who may
ask for them. Nothing is kept when the process ends.
"""

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from penstock.backends.memory import callers, check, claims, control, leases, upkeep, views
from penstock.backends.memory.doorbell import LocalDoorbell
from penstock.backends.memory.groups import enter
from penstock.backends.memory.leases import extend
from penstock.backends.memory.rows import Tables, run_of
from penstock.core.answers import Accepted, Answer, Recorded, Refused, Spawned, Tended
from penstock.core.clock import Clock, system_clock
from penstock.core.errors import Closed, Invalid
from penstock.core.leases import Append, Block, ClaimRequest, Claims, Lease, Outcome, RecordStep, Spawn, Step, Turn
from penstock.core.limits import LimitDef, LimitView
from penstock.core.registry import Definition, WorkerInfo
from penstock.core.requests import Edit, Group, Guard, Pause, Send, Still
from penstock.core.run import ChildOf, Run
from penstock.core.schedule import Fire, Schedule
from penstock.core.state import State
from penstock.core.views import Count, Filter, LogEntry, Page, Rollup, Signal, StoreInfo, Why

T = TypeVar("T")


class MemoryStore:
    """A store in this process. `clock` says the time; tests move it."""

    def __init__(self, *, clock: Clock = system_clock, namespace: str = "penstock") -> None:
        self._t = Tables(clock)
        self._bell = LocalDoorbell()
        self._namespace = namespace
        self._id = secrets.token_hex(8)
        self._closed = False

    @property
    def doorbell(self) -> LocalDoorbell:
        return self._bell

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        self._closed = True

    def _do(self, move: Callable[[Tables], T]) -> T:
        """One whole move; rings when it is done."""
        if self._closed:
            raise Closed("the store is closed")
        t = self._t
        with t.lock:
            answer = move(t)
            rings, t.rings = t.rings, set()
        if rings:
            self._bell.ring(rings)
        return answer

    # callers

    async def enqueue(self, groups: Sequence[Group]) -> list[Accepted | Refused]:
        return [self._do(partial(enter, group=group)) for group in groups]

    async def signal(self, send: Send) -> tuple[Answer, str | None]:
        return self._do(lambda t: callers.signal(t, send))

    async def cancel(
        self, run_ids: Sequence[str], *, reason: str = "", cascade: bool = True, terminate: bool = False
    ) -> list[Answer]:
        return self._do(
            lambda t: [
                callers.cancel(t, run_id, reason=reason, cascade=cascade, terminate=terminate) for run_id in run_ids
            ]
        )

    async def redrive(
        self, run_ids: Sequence[str], *, lives: Sequence[int] | None = None, inputs: Sequence[bytes] | None = None
    ) -> list[Answer]:
        meant: Sequence[int | None] = lives if lives is not None else [None] * len(run_ids)
        given: Sequence[bytes | None] = inputs if inputs is not None else [None] * len(run_ids)
        return self._do(lambda t: [callers.redrive_meant(t, *one) for one in zip(run_ids, meant, given, strict=True)])

    async def remove(
        self, run_ids: Sequence[str], *, children: bool = True, still: Still | None = None
    ) -> list[Answer]:
        return self._do(lambda t: [callers.remove(t, run_id, children=children, still=still) for run_id in run_ids])

    async def reschedule(self, run_id: str, *, at: float | None = None, delay: float | None = None) -> Answer:
        return self._do(lambda t: callers.reschedule(t, run_id, at if at is not None else t.now + (delay or 0.0)))

    async def edit(self, run_id: str, edit: Edit) -> Answer:
        return self._do(lambda t: callers.edit(t, run_id, edit))

    async def fork(self, run_id: str, new_id: str, *, upto: int | None = None, version: str | None = None) -> Answer:
        return self._do(lambda t: callers.fork(t, run_id, new_id, upto=upto, version=version))

    async def attach(self, run_id: str, edge: ChildOf) -> Answer:
        return self._do(lambda t: callers.attach(t, run_id, edge))

    async def detach(self, run_id: str) -> Answer:
        return self._do(lambda t: callers.detach(t, run_id))

    async def watch(self, run_ids: Sequence[str], *, log: bool = False) -> list[State | None]:
        return self._do(lambda t: [callers.watch(t, run_id, log=log) for run_id in run_ids])

    # lease holders

    async def claim(self, request: ClaimRequest) -> Claims:
        return self._do(lambda t: claims.claim(t, request))

    async def settle(self, outcomes: Sequence[Outcome]) -> list[Answer]:
        return self._do(lambda t: [leases.settle(t, outcome) for outcome in outcomes])

    async def turn(self, outcomes: Sequence[Outcome], request: ClaimRequest) -> Turn:
        answers = await self.settle(outcomes)
        return Turn(answers=tuple(answers), claims=await self.claim(request))

    async def extend(self, leases: Sequence[Lease], seconds: float) -> list[Answer]:
        return self._do(lambda t: [extend(t, lease, seconds) for lease in leases])

    async def extend_claim(self, worker: str, claim_id: str, seconds: float) -> None:
        self._do(lambda t: leases.extend_claim(t, worker, claim_id, seconds))

    async def record(self, records: Sequence[RecordStep]) -> list[Recorded]:
        return self._do(lambda t: [leases.record(t, item) for item in records])

    async def spawn(self, spawns: Sequence[Spawn]) -> list[Spawned]:
        return self._do(lambda t: [leases.spawn(t, item) for item in spawns])

    async def append(self, entries: Sequence[Append]) -> list[Answer]:
        return self._do(lambda t: [leases.append(t, item) for item in entries])

    async def block(self, block: Block) -> Answer:
        return self._do(lambda t: leases.block(t, block))

    # upkeep

    async def tend(self, budget: int, guard: Guard) -> Tended:
        return self._do(lambda t: upkeep.tend(t, budget, guard))

    async def fire(self, fire: Fire) -> Answer:
        return self._do(lambda t: upkeep.fire(t, fire))

    async def flush(self, rollups: Sequence[Rollup], *, worker: str, number: int) -> None:
        self._do(lambda t: upkeep.flush(t, rollups, worker, number))

    # control

    async def pause(self, pause: Pause) -> None:
        self._do(lambda t: control.pause(t, pause))

    async def put_limit(self, limit: LimitDef) -> None:
        self._do(lambda t: control.put_limit(t, limit))

    async def drop_limit(self, name: str) -> Answer:
        return self._do(lambda t: control.drop_limit(t, name))

    async def put_schedule(self, schedule: Schedule, *, was: int | None = None) -> Schedule:
        return self._do(lambda t: control.put_schedule(t, schedule, was))

    async def drop_schedule(self, name: str, *, was: int | None = None) -> Answer:
        return self._do(lambda t: control.drop_schedule(t, name, was))

    async def register(
        self, worker: WorkerInfo | None, definitions: Sequence[Definition] = (), *, seconds: float = 0.0
    ) -> None:
        self._do(lambda t: control.register(t, worker, definitions, seconds))

    async def drop_definition(self, definition: Definition) -> Answer:
        return self._do(lambda t: control.drop_definition(t, definition))

    # views

    async def get(self, run_ids: Sequence[str]) -> list[Run | None]:
        return self._do(lambda t: [run_of(t.rows[run_id]) if run_id in t.rows else None for run_id in run_ids])

    async def find(self, wanted: Filter, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        return self._do(lambda t: views.find(t, wanted, after, limit))

    async def children(self, run_id: str, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        return self._do(lambda t: views.children(t, run_id, after, limit))

    async def children_of(self, run_ids: Sequence[str], *, limit: int = 100) -> list[Page[Run]]:
        return self._do(lambda t: [views.children(t, run_id, None, limit) for run_id in run_ids])

    async def steps(self, run_id: str, *, paths: Sequence[str] | None = None) -> list[Step]:
        return self._do(lambda t: views.steps(t, run_id, paths))

    async def signals(self, run_id: str) -> list[Signal]:
        return self._do(lambda t: list(t.rows[run_id].mailbox) if run_id in t.rows else [])

    async def log(self, run_id: str, *, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        return self._do(lambda t: views.log(t, run_id, after, limit))

    async def counts(self, *, cap: int = 10_000) -> list[Count]:
        return self._do(lambda t: views.counts(t, cap))

    async def rollups(self, since: int, until: int) -> list[Rollup]:
        return self._do(lambda t: [one for key, one in sorted(t.rollups.items()) if since <= key[0] < until])

    async def why(self, run_id: str) -> Why | None:
        return self._do(lambda t: views.why(t, run_id))

    async def paused(self) -> list[Pause]:
        return self._do(views.paused)

    async def limits(self) -> list[LimitView]:
        return self._do(views.limits)

    async def schedules(self, *, due: bool = False, limit: int = 1000) -> list[Schedule]:
        return self._do(lambda t: views.schedules(t, due=due, limit=limit))

    async def workers(self) -> list[WorkerInfo]:
        return self._do(lambda t: sorted(t.workers.values(), key=lambda info: info.worker))

    async def definitions(self) -> list[Definition]:
        return self._do(lambda t: [one for _, one in sorted(t.definitions.items())])

    async def dead(self, name: str | None = None, *, after: str | None = None, limit: int = 100) -> Page[Run]:
        return self._do(lambda t: views.dead(t, name, after, limit))

    async def check(self) -> list[str]:
        return self._do(check.check)

    async def info(self) -> StoreInfo:
        return self._do(
            lambda t: StoreInfo(store_id=self._id, schema=1, namespace=self._namespace, now=t.now, durable="memory")
        )


def from_url(url: str, *, namespace: str, clock: Clock) -> MemoryStore:
    """A new, empty store; `memory://` takes no options."""
    if url != "memory://":
        raise Invalid("url", url, "must be memory:// and nothing else")
    return MemoryStore(clock=clock, namespace=namespace)
