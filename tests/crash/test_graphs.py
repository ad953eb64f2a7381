"""Graphs whose workers are killed: whoever plans next goes on from what is recorded, and starts no node twice."""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from penstock import GraphResult
from tests.crash.conftest import Tell
from tests.crash.fleet import Fleet, wait_until
from tests.crash.graph_worker import CHAIN, WIDE, Graphing, drawn
from tests.crash.oracle import events

pytestmark = pytest.mark.crash

GRAPHS = int(os.environ.get("GRAPHS", "8"))
KILLS = int(os.environ.get("GRAPH_KILLS", "8"))
WORKERS = 2
NODES = CHAIN + WIDE + 1


async def start(folder: Path) -> None:
    async with Graphing(folder).app as app:
        for number in range(GRAPHS):
            await app.start(drawn(), input=0, id=f"graph-{number}", crashes=1000)


def finished(folder: Path) -> bool:
    async def all_over() -> bool:
        async with Graphing(folder).app as app:
            return all([(await app.run(f"graph-{n}").status()).state.finished for n in range(GRAPHS)])

    return asyncio.run(all_over())


async def audit(folder: Path) -> tuple[list[GraphResult], Counter[str], list[str]]:
    """What the graphs came to, the runs by state, and what is wrong with the store."""
    async with Graphing(folder).app as app:
        results = [(await app.start(drawn(), input=0, id=f"graph-{n}")) for n in range(GRAPHS)]  # they are there
        states = Counter[str]()
        for count in await app.counts():
            states[count.state] += count.n
        return [await run.result(timeout=0) for run in results], states, await app.check()


def test_a_graph_goes_on_whoever_dies(tmp_path: Path, seed: int, tell: Tell) -> None:
    """S0-44, S0-43: each node's run is one run, and the join happens once."""
    dice = random.Random(seed)
    asyncio.run(start(tmp_path))
    with Fleet(tmp_path) as fleet:
        workers = [fleet.start("graph_worker", f"worker{place}", f"worker{place}") for place in range(WORKERS)]
        killed = 0
        while not finished(tmp_path):
            ended = fleet.seen["ended"]
            wait_until(lambda: fleet.look() or finished(tmp_path), "a node to end", 120)
            if fleet.seen["ended"] > ended and killed < KILLS:
                place = dice.randrange(WORKERS)
                workers[place].kill()
                killed += 1
                workers[place] = fleet.start("graph_worker", f"worker{place}", f"worker{place}-{killed}")
    told = Counter(event.run for event in events(tmp_path) if event.kind == "ended")
    results, states, problems = asyncio.run(audit(tmp_path))
    tell(f"\n{GRAPHS} graphs of {NODES} nodes, {told.total()} nodes begun to their end, {killed} kills, seed {seed}")
    assert problems == []
    assert killed, f"seed {seed}: nobody was killed"
    assert states == {"succeeded": GRAPHS * (NODES + 1)}, "a node had another run, or one is left"
    assert len(told) == GRAPHS * NODES
    for result in results:
        assert result.output == WIDE * (CHAIN + 1)
        assert {one.status for one in result.nodes.values()} == {"succeeded"}
