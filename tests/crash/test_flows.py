"""Flows among processes that die: a parent goes on once, after all its children; what is cancelled does not run on.

FANIN says how many children the largest flow has (`make crash FANIN=10000`), CANCELS how many flows are cancelled.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from penstock import App, State
from penstock.core.run import Run
from tests.crash.conftest import Tell
from tests.crash.fleet import Fleet, Member, wait_until
from tests.crash.flow_worker import Flowing
from tests.crash.oracle import Event, events

pytestmark = pytest.mark.crash

WORKERS = 3
FANIN = int(os.environ.get("FANIN") or 600)
CANCELS = int(os.environ.get("CANCELS") or 60)
SMALLER = (20, 20, 50, 100, 200)
BETWEEN = 0.7  # seconds between two kills
RATE = 60.0  # runs a second that are carried out at worst, on a busy machine


def begin(fleet: Fleet, name: str) -> Member:
    return fleet.start("flow_worker", name, name)


async def submit(folder: Path, sizes: list[int], *, seconds: float = 0.0) -> list[str]:
    """A flow of each size, of which each tenth child has two below it; the ids of the roots."""
    flowing = Flowing(folder)
    async with flowing.app as app:
        roots: list[str] = []
        for number, size in enumerate(sizes):
            children = [
                flowing.join.call(number, seconds).after(
                    flowing.leaf.call(number, seconds), flowing.leaf.call(number, seconds)
                )
                if place % 10 == 9
                else flowing.leaf.call(number, seconds)
                for place in range(size)
            ]
            node = await app.submit(flowing.join.call(number, seconds).after(*children))
            roots.append(node.run.id)
        return roots


async def states_of(folder: Path, roots: list[str]) -> Counter[State]:
    async with Flowing(folder).app as app:
        store = await app._client.store()
        return Counter(run.state for run in await store.get(roots) if run is not None)


async def children_of(app: App, run_id: str) -> list[Run]:
    store = await app._client.store()
    found: list[Run] = []
    after: str | None = None
    while True:
        page = await store.children(run_id, after=after, limit=1000)
        found += page.items
        after = page.after
        if after is None:
            return found


def settled(folder: Path, roots: list[str]) -> bool:
    return all(state.finished for state in asyncio.run(states_of(folder, roots)))


def no_run_is_left(folder: Path) -> bool:
    async def left() -> int:
        async with Flowing(folder).app as app:
            return sum(count.n for count in await app.counts() if not count.state.finished)

    return asyncio.run(left()) == 0


def test_a_parent_goes_on_once_whoever_dies(tmp_path: Path, seed: int, tell: Tell) -> None:
    """S3-36, B-013: fan-in of many children that finish at once, on several workers that are killed."""
    dice = random.Random(seed)
    sizes = [*SMALLER, FANIN]
    roots = asyncio.run(submit(tmp_path, sizes))
    died: dict[int, float] = {}
    began = time.monotonic()
    with Fleet(tmp_path) as fleet:
        workers = [begin(fleet, f"worker{place}") for place in range(WORKERS)]
        deadline = began + 60 + 2 * sum(sizes) / RATE
        while not settled(tmp_path, roots):
            assert time.monotonic() < deadline, f"seed {seed}: {asyncio.run(states_of(tmp_path, roots))}"
            struck = time.monotonic()
            place = dice.randrange(WORKERS)
            before = fleet.seen["ended"] + fleet.seen["joined"]
            wait_until(lambda: fleet.look() or settled(tmp_path, roots), "work", 180)
            if fleet.seen["ended"] + fleet.seen["joined"] > before and len(died) < 3 + sum(sizes) // 100:
                workers[place].kill()
                died[workers[place].pid] = time.monotonic()
                workers[place] = begin(fleet, f"worker{place}-{len(died)}")
            wait_until(lambda: time.monotonic() > struck + BETWEEN, "the next kill", BETWEEN + 30)  # noqa: B023
    told = events(tmp_path)
    wrong, joins = asyncio.run(check_joins(tmp_path, roots, sizes, told, set(died)))
    took = time.monotonic() - began
    tell(
        f"\n{len(sizes)} flows of {min(sizes)} to {max(sizes):,} children, {joins} joins, {len(died)} kills, "
        f"{sum(event.kind == 'began' for event in told):,} leaves begun, {took:.0f} s, seed {seed}: {len(wrong)} wrong"
    )
    assert wrong == [], f"seed {seed}"
    assert died, f"seed {seed}: nobody was killed"


async def check_joins(
    folder: Path, roots: list[str], sizes: list[int], told: list[Event], died: set[int]
) -> tuple[list[str], int]:
    """What is wrong, and how many runs have waited for others."""
    joined = defaultdict[str, list[Event]](list)
    ended = dict[str, float]()
    for event in sorted(told, key=lambda event: event.at):
        if event.kind == "joined":
            joined[event.run].append(event)
        elif event.kind == "ended":
            ended.setdefault(event.run, event.at)
    wrong: list[str] = []
    waited = 0
    async with Flowing(folder).app as app:
        store = await app._client.store()
        wrong += await app.check()
        for root, size in zip(roots, sizes, strict=True):
            [top] = await store.get([root])
            assert top is not None
            children = await children_of(app, root)
            if (top.state, len(children), top.pending, top.result) != (State.SUCCEEDED, size, 0, _sum(size)):
                wrong.append(f"{root} of {size}: {top.state}, {len(children)} children, {top.result!r}")
            for parent in (top, *(child for child in children if child.task == "join")):
                waited += 1
                below = children if parent is top else await children_of(app, parent.id)
                wrong += _wrong_join(parent, below, joined, ended, died)
    return wrong, waited


def _sum(size: int) -> bytes:
    """Each leaf gives 1, and each tenth child the 2 of those below it."""
    return str(size + size // 10).encode()


def _wrong_join(
    parent: Run, below: list[Run], joined: dict[str, list[Event]], ended: dict[str, float], died: set[int]
) -> list[str]:
    """It has begun once for each life of its worker, and not before the last of what it waits for."""
    starts = joined[parent.id]
    wrong: list[str] = []
    if not starts or any(start.pid not in died for start in starts[:-1]):
        wrong.append(f"{parent.id} was started {len(starts)} times, by {[start.pid for start in starts]}")
    last = max((ended[run.id] for run in below if run.id in ended), default=0.0)
    if starts and starts[0].at < last:
        wrong.append(f"{parent.id} began {last - starts[0].at:.3f} s before its last child ended")
    if any(run.state is not State.SUCCEEDED for run in below):
        wrong.append(f"{parent.id} went on with children that have not succeeded")
    return wrong


def test_what_is_cancelled_does_not_run_on(tmp_path: Path, seed: int, tell: Tell) -> None:
    """Flows cancelled at random instants, while workers carry them out and one of them dies now and then."""
    dice = random.Random(seed)
    began = time.monotonic()
    with Fleet(tmp_path) as fleet:
        workers = [begin(fleet, f"worker{place}") for place in range(WORKERS)]
        roots = asyncio.run(cancelled_at_random(tmp_path, dice))
        victim = dice.randrange(WORKERS)
        workers[victim].kill()
        begin(fleet, "successor")
        wait_until(lambda: no_run_is_left(tmp_path), "everything to end", 60 + CANCELS * 14 / RATE)
        for worker in workers:
            if worker.code is None:
                worker.send(signal.SIGTERM)
    states, wrong = asyncio.run(check_cancelled(tmp_path, roots))
    told = dict(states)
    tell(
        f"\n{CANCELS} flows of 13 runs cancelled, {time.monotonic() - began:.0f} s, seed {seed}: "
        f"{told}, {len(wrong)} wrong"
    )
    assert wrong == [], f"seed {seed}"
    assert states[State.CANCELLED] > CANCELS // 10


async def cancelled_at_random(folder: Path, dice: random.Random) -> list[str]:
    """Submit flows and cancel each a little later, at some instant of its life; the ids of the roots."""
    flowing = Flowing(folder)
    async with flowing.app as app:

        async def one(number: int) -> str:
            leaf, join = flowing.leaf, flowing.join
            calls = [leaf.call(number, 0.05) for _ in range(9)]
            calls.append(join.call(number, 0.01).after(leaf.call(number, 0.05), leaf.call(number, 0.05)))
            node = await app.submit(join.call(number, 0.05).after(*calls))
            await asyncio.sleep(dice.uniform(0.0, 0.8))  # the instant of its life
            await node.run.cancel("at random")
            return node.run.id

        roots: list[str] = []
        for start in range(0, CANCELS, 20):
            roots += await asyncio.gather(*(one(number) for number in range(start, min(start + 20, CANCELS))))
        return roots


async def check_cancelled(folder: Path, roots: list[str]) -> tuple[Counter[State], list[str]]:
    """How the roots ended, and what is wrong."""
    states = Counter[State]()
    async with Flowing(folder).app as app:
        store = await app._client.store()
        wrong = await app.check()
        for top in await store.get(roots):
            assert top is not None
            states[top.state] += 1
            children = await children_of(app, top.id)
            if top.state is not State.CANCELLED:
                continue
            for child in children:
                if child.started_at is not None and child.started_at > (top.finished_at or 0.0):
                    late = child.started_at - (top.finished_at or 0.0)
                    wrong.append(f"{child.id} ({child.state}) was claimed {late:.3f} s after its parent's end")
                if not child.state.finished:
                    wrong.append(f"{child.id} is {child.state}")
    return states, wrong
