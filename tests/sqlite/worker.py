"""A program of the tests: works on a store in a process of its own.

worker.py drain FILE NAME        claim and complete until nothing is left; prints the ids that it completed
worker.py load FILE SEED         enqueue, claim, settle, for ever; prints a line for each commit
"""

import asyncio
import random
import sys
from pathlib import Path

from penstock.backends.sqlite import SqliteStore
from penstock.core.ids import new_run_id
from penstock.core.leases import Complete, Lease, Outcome, Retry, Suspend
from penstock.core.limits import LimitDef, LimitRef
from penstock.core.requests import Group, Guard
from penstock.core.run import ChildOf, NewRun
from penstock.core.wake import Wake
from tests.sqlite.acts import claim, drain, opened


async def drain_all(file: Path, name: str) -> None:
    """Complete runs in small batches, so that processes take turns."""
    store = await opened(file)
    for run_id in await drain(store, 7, worker=name):
        say(run_id)
    await store.close()


async def load(file: Path, seed: int) -> None:
    """All kinds of moves, until killed. Each acknowledged run is printed."""
    store, chance = await opened(file), random.Random(seed)
    await store.put_limit(LimitDef(name="l", n=3))
    say("open")
    while True:
        new = [_some_run(chance) for _ in range(chance.randrange(1, 20))]
        flow = _flow(chance)
        await store.enqueue([*[Group(runs=(one,)) for one in new], Group(runs=flow)])
        say("stored", *[one.id for one in (*new, *flow)])
        await _work(store, chance)
        await store.tend(100, Guard())


def _some_run(chance: random.Random) -> NewRun:
    limits = (LimitRef(name="l"),) if chance.random() < 0.3 else ()
    return NewRun(
        id=new_run_id(),
        task="t",
        queue="q",
        limits=limits,
        input=b"x" * chance.randrange(3_000),
        priority=chance.randrange(3),
    )


def _flow(chance: random.Random) -> tuple[NewRun, ...]:
    root = NewRun(id=new_run_id(), task="t", queue="q", wake=Wake(idle=True))
    children = [
        NewRun(id=new_run_id(), task="t", queue="q", parent=ChildOf(parent_id=root.id))
        for _ in range(chance.randrange(1, 6))
    ]
    return root, *children


async def _work(store: SqliteStore, chance: random.Random) -> None:
    found = (await claim(store, chance.randrange(1, 25))).claims
    await store.settle([_outcome(one.lease, chance.randrange(4)) for one in found])


def _outcome(lease: Lease, which: int) -> Outcome:
    match which:
        case 0:
            return Complete(lease=lease, result=b"1")
        case 1:
            return Complete(lease=lease, result=b"2" * 1_000)
        case 2:
            return Retry(lease=lease, delay=0.0, error=b"again")
        case _:
            return Suspend(lease=lease, wake=Wake(delay=0.01))


def say(*words: str) -> None:
    """To whoever started this."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "drain":
        asyncio.run(drain_all(Path(sys.argv[2]), sys.argv[3]))
    else:
        asyncio.run(load(Path(sys.argv[2]), int(sys.argv[3])))
