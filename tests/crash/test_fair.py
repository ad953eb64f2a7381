"""Turns among processes that die: whoever has a few runs is served beside whoever has hundreds."""

import asyncio
import os
import random
import signal
import time
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

from penstock import State
from penstock.core.run import Run
from penstock.core.views import Filter
from tests.crash.conftest import Tell
from tests.crash.fair_worker import BIG, WEIGHT, Tenants
from tests.crash.fleet import Fleet, wait_until

pytestmark = pytest.mark.crash

WORKERS = 3
SMALL = 4  # tenants besides
FEW = 5  # runs of one of them at a time
BACKLOG = 120  # runs of the big one that wait at least
BETWEEN = 0.7  # seconds between two kills
KILLS = int(os.environ.get("FAIR") or 15)
MOST = 3 * FEW * WEIGHT  # turns of the big one while so few wait; what died before stands before them


async def enqueue(folder: Path, tenant: str, number: int) -> None:
    tenants = Tenants(folder)
    async with tenants.app as app:
        for task in (tenants.free, tenants.limited):
            await app.enqueue_many([task.call(tenant) for _ in range(number)])


async def left(folder: Path) -> int:
    async with Tenants(folder).app as app:
        return sum(count.n for count in await app.counts() if not count.state.finished)


async def read(folder: Path) -> tuple[list[tuple[Run, float]], list[str]]:
    """All runs, each with the moment of its first claim, and what is wrong with the store."""
    found: list[tuple[Run, float]] = []
    async with Tenants(folder).app as app:
        store = await app._client.store()
        for task in ("free", "limited"):
            page = await store.find(Filter(task=task), limit=500)
            runs = list(page.items)
            while page.after is not None:
                page = await store.find(Filter(task=task), after=page.after, limit=500)
                runs += page.items
            for run in runs:
                [claimed] = [entry.at for entry in await store.log(run.id, limit=3) if entry.kind == "claimed"]
                found.append((run, claimed))
        return found, await app.check()


def test_every_tenant_is_served_whoever_dies(tmp_path: Path, seed: int, tell: Tell) -> None:
    """Whatever waits of the big one, few of its runs are claimed between a small one's enqueue and its claim.

    That holds where there is no limit: the slots of one that died are a small one's until the lease is over, and the
    big one goes on with its own meanwhile.
    """
    dice = random.Random(seed)
    asyncio.run(enqueue(tmp_path, BIG, BACKLOG))
    with Fleet(tmp_path) as fleet:
        workers = [fleet.start("fair_worker", f"worker{place}", f"worker{place}") for place in range(WORKERS)]
        wait_until(lambda: fleet.look() and fleet.seen["began"] >= 20, "the first runs", 60)
        for death in range(KILLS):
            struck = time.monotonic()
            if asyncio.run(left(tmp_path)) < 2 * BACKLOG:
                asyncio.run(enqueue(tmp_path, BIG, BACKLOG))
            asyncio.run(enqueue(tmp_path, f"small{dice.randrange(SMALL)}", FEW))
            place = dice.randrange(WORKERS)
            workers[place].send(signal.SIGKILL)
            workers[place].wait(30)
            workers[place] = fleet.start("fair_worker", f"worker{place}", f"worker{place}-{death}")
            wait_until(lambda: time.monotonic() > struck + BETWEEN, "the next kill", BETWEEN + 30)  # noqa: B023
        wait_until(lambda: asyncio.run(left(tmp_path)) == 0, "the last runs", 240)
    found, problems = asyncio.run(read(tmp_path))
    assert problems == []
    assert {run.state for run, _ in found} == {State.SUCCEEDED}
    moments = defaultdict[str, list[float]](list)  # of the big one's first claims, by task
    small: list[tuple[Run, float]] = []
    for run, claimed in found:
        if msgspec.json.decode(run.input)["tenant"] == BIG:
            moments[run.task].append(claimed)
        else:
            small.append((run, claimed))
    most = {"free": 0, "limited": 0}
    for run, claimed in small:
        most[run.task] = max(most[run.task], sum(run.enqueued_at < moment < claimed for moment in moments[run.task]))
    tell(f"\n{len(found)} runs, {KILLS} kills, of the big one between at most: {most}, seed {seed}")
    assert len(small) == 2 * KILLS * FEW
    assert most["free"] <= MOST, f"{most['free']} runs of the big tenant went before one of a small one"
