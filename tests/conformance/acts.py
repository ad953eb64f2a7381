"""The verbs of the cases: enqueue, claim, settle, let time pass, look. Each asserts that it did what it says."""

import itertools
from typing import Any

from penstock.core.answers import Accepted, Answer, Entered, Refused, Tended
from penstock.core.leases import Claim, ClaimRequest, Complete, Fail, Lease, Outcome, Retry, Spawn, Suspend
from penstock.core.limits import LimitView
from penstock.core.registry import WorkerInfo
from penstock.core.requests import Group, Guard
from penstock.core.run import NewRun, Run
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import able
from tests.clock import FakeClock

UNGUARDED = Guard(gap=1e15, hold=0.0)
TASKS = ("t", "u", "p", "after")  # what workers of the cases know, unless they say otherwise
_numbers = itertools.count()


async def put(store: Store, *runs: NewRun, **fields: Any) -> list[Entered]:
    """Enqueue the runs as one group, which is accepted."""
    [answer] = await store.enqueue([Group(runs=runs, **fields)])
    assert isinstance(answer, Accepted), answer
    return list(answer.runs)


async def refused(store: Store, *runs: NewRun, **fields: Any) -> Refused:
    """Enqueue the runs as one group, which is refused."""
    [answer] = await store.enqueue([Group(runs=runs, **fields)])
    assert isinstance(answer, Refused), answer
    return answer


async def look(store: Store, run_id: str = "r") -> Run:
    """The run, which exists."""
    [run] = await store.get([run_id])
    assert run is not None, f"no run {run_id}"
    return run


async def state(store: Store, run_id: str = "r") -> State | None:
    [run] = await store.get([run_id])
    return None if run is None else run.state


async def states(store: Store, *run_ids: str) -> list[State | None]:
    return [None if run is None else run.state for run in await store.get(run_ids)]


def ask(limit: int = 1, **fields: Any) -> ClaimRequest:
    """A worker's question that was never asked before."""
    given: dict[str, Any] = {"worker": "w", "queues": ("default",), "abilities": able(*TASKS), "lease": 30.0}
    given |= {"claim_id": f"claim-{next(_numbers)}", "limit": limit}
    return ClaimRequest(**(given | fields))


async def claim(store: Store, limit: int = 1, **fields: Any) -> list[Claim]:
    """Ask once."""
    return list((await store.claim(ask(limit, **fields))).claims)


async def claimed(store: Store, limit: int = 1, **fields: Any) -> list[str]:
    """The ids of what one question got."""
    return [one.run_id for one in await claim(store, limit, **fields)]


async def hold(store: Store, run_id: str = "r", *, lease: float = 30.0, worker: str = "w") -> Claim:
    """Claim this run, which stands first in its queue."""
    run = await look(store, run_id)
    abilities = able(run.task, version=run.version)
    claims = await claim(store, queues=(run.queue,), abilities=abilities, lease=lease, worker=worker)
    assert [one.run_id for one in claims] == [run_id]
    return claims[0]


async def settle(store: Store, outcome: Outcome) -> Answer:
    [answer] = await store.settle([outcome])
    return answer


async def settled(store: Store, outcome: Outcome) -> None:
    assert await settle(store, outcome) == Answer.OK


async def succeed(store: Store, run_id: str = "r", result: bytes = b"done") -> None:
    """Claim this run and complete it."""
    await settled(store, Complete(lease=(await hold(store, run_id)).lease, result=result))


async def fail(store: Store, run_id: str = "r", error: bytes = b"boom") -> None:
    """Claim this run and fail it."""
    await settled(store, Fail(lease=(await hold(store, run_id)).lease, error=error))


async def retry(store: Store, run_id: str = "r", *, delay: float = 10.0, error: bytes | None = b"boom") -> None:
    """Claim this run and let it be tried again."""
    await settled(store, Retry(lease=(await hold(store, run_id)).lease, delay=delay, error=error))


async def suspend(store: Store, run_id: str = "r", **wake: Any) -> None:
    """Claim this run and let it wait."""
    await settled(store, Suspend(lease=(await hold(store, run_id)).lease, wake=Wake(**wake)))


async def spawn(store: Store, lease: Lease, *runs: NewRun) -> list[Entered]:
    """Give a held run children."""
    [answer] = await store.spawn([Spawn(lease=lease, runs=runs)])
    assert answer.answer == Answer.OK, answer
    return list(answer.runs)


async def stops(store: Store, lease: Lease) -> bool:
    """Extend the lease, which is current; says whether the run is asked to end."""
    [answer] = await store.extend([lease], 30.0)
    assert answer in {Answer.OK, Answer.STOP}
    return answer == Answer.STOP


async def tend(store: Store, budget: int = 1000) -> Tended:
    """One round of upkeep that fears no outage."""
    return await store.tend(budget, UNGUARDED)


async def upkeep(store: Store) -> None:
    """Rounds of upkeep until there is nothing left to do."""
    for _ in range(1000):
        if not (await tend(store)).more:
            return
    raise AssertionError("upkeep has no end")


async def later(store: Store, clock: FakeClock, seconds: float) -> None:
    """Time passes, and somebody tends."""
    clock.advance(seconds)
    await upkeep(store)


async def alive(store: Store, worker: str = "w", *, seconds: float = 60.0, **fields: Any) -> None:
    """A worker makes itself known."""
    given: dict[str, Any] = {"host": "h", "pid": 7, "queues": ("default",), "abilities": able(*TASKS)}
    given |= {"worker": worker, "started_at": 0.0}
    await store.register(WorkerInfo(**(given | fields)), seconds=seconds)


async def standing(store: Store, name: str = "l", key: str = "") -> tuple[int, int, int]:
    """Of one key of a limit: used, out, parked."""
    for view in await store.limits():
        if (view.definition.name, view.key) == (name, key):
            return _numbers_of(view)
    return 0, 0, 0


def _numbers_of(view: LimitView) -> tuple[int, int, int]:
    return view.used, view.out, view.parked


async def reason(store: Store, run_id: str = "r") -> str | None:
    """Why the run stands where it stands."""
    why = await store.why(run_id)
    return None if why is None else why.reason
