"""What these tests do to a store on a file, said once."""

from pathlib import Path

from penstock.backends import open_store
from penstock.backends.sqlite import SqliteStore
from penstock.core.clock import Clock, system_clock
from penstock.core.ids import new_claim_id, new_run_id
from penstock.core.leases import Ability, ClaimRequest, Claims, Complete
from penstock.core.requests import Group
from penstock.core.run import NewRun

TASK = "t"
ABLE = frozenset({Ability(task=TASK)})


def store_at(file: Path, options: str = "", *, namespace: str = "penstock", clock: Clock = system_clock) -> SqliteStore:
    """A store on the file, not open yet."""
    store = open_store(f"sqlite:///{file}{options}", namespace=namespace, clock=clock)
    assert isinstance(store, SqliteStore)
    return store


async def opened(file: Path, options: str = "", *, namespace: str = "penstock") -> SqliteStore:
    """An open store on the file."""
    store = store_at(file, options, namespace=namespace)
    await store.open()
    return store


def runs(count: int, queue: str = "q", size: int = 0) -> list[NewRun]:
    """So many plain runs."""
    return [NewRun(id=new_run_id(), task=TASK, queue=queue, input=b"x" * size) for _ in range(count)]


async def put(store: SqliteStore, *new: NewRun) -> None:
    """Each in a group of its own."""
    await store.enqueue([Group(runs=(one,)) for one in new])


async def claim(store: SqliteStore, limit: int = 100, *, queue: str = "q", worker: str = "w") -> Claims:
    """So many runs of the queue."""
    return await store.claim(
        ClaimRequest(claim_id=new_claim_id(), worker=worker, queues=(queue,), abilities=ABLE, limit=limit, lease=30.0)
    )


async def drain(store: SqliteStore, limit: int = 100, *, worker: str = "w") -> list[str]:
    """Claim and complete until nothing is left; the ids in order."""
    done: list[str] = []
    while found := (await claim(store, limit, worker=worker)).claims:
        answers = await store.settle([Complete(lease=one.lease, result=b"1") for one in found])
        done += [one.run_id for one, answer in zip(found, answers, strict=True) if answer == "ok"]
    return done
