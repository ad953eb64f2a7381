"""A worker process of graphs: `python -m tests.crash.graph_worker FOLDER NAME`."""

import asyncio
import sys
from pathlib import Path
from typing import Any, Final

import penstock
from penstock import App, Blueprint, Context, Graph
from tests.crash.oracle import Journal
from tests.crash.place import url_in

LEASE = 1.5
WORK = 0.02  # seconds of one node
CHAIN: Final = 10
WIDE: Final = 20


class Graphing:
    """An app with a graph, a chain that opens into many nodes which join again; each node says when it has ended."""

    def __init__(self, folder: Path, journal: Journal | None = None) -> None:
        self.app = App(url_in(folder), name="graphing")

        @self.app.task(crashes=1000)
        async def work(given: int | dict[str, int], *, ctx: Context = penstock.inject()) -> int:
            assert journal is not None
            await asyncio.sleep(WORK)
            journal.write("ended", run=ctx.run_id)
            return sum(given.values()) if isinstance(given, dict) else given + 1

        self.work: Any = work


def drawn() -> Blueprint:
    """The graph. From 0 it comes to WIDE * (CHAIN + 1)."""
    graph = Graph("crash")
    last = graph.node("work", id="c0")
    for number in range(1, CHAIN):
        last = graph.node("work", id=f"c{number}", after=last)
    wide = [graph.node("work", id=f"w{number}", after=last) for number in range(WIDE)]
    graph.node("work", id="join", after=wide)
    return graph.blueprint()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    Graphing(place, Journal(place, sys.argv[2])).app.run_worker(concurrency=8, lease=LEASE, grace=5.0)
