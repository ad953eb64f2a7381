"""A worker process of workflows: `python -m tests.crash.stepping_worker FOLDER NAME`."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import penstock
from penstock import App, Context
from tests.crash.oracle import Journal
from tests.crash.place import url_in

LEASE = 1.5
STEPS = 12
WORK = 0.02  # seconds of one step


class Stepping:
    """An app with a workflow of steps, a child and a sleep; each step says when it begins."""

    def __init__(self, folder: Path, journal: Journal | None = None) -> None:
        self.app = App(url_in(folder), name="stepping")

        @self.app.step
        async def step(number: int) -> int:
            assert journal is not None
            journal.write("began", run=penstock.context().run_id, number=number)
            await asyncio.sleep(WORK)
            return number

        @self.app.task(crashes=1000)
        async def child(number: int, *, ctx: Context = penstock.inject()) -> int:
            assert journal is not None
            journal.write("child", run=ctx.run_id, number=number)
            return number

        @self.app.workflow(crashes=1000)
        async def flow(start: int) -> int:
            total = start
            for number in range(STEPS):
                total += await step(number)
                if number % 4 == 3:
                    await penstock.sleep(0.05)
                    total += await child(number)
            return total

        self.flow: Any = flow


if __name__ == "__main__":
    place = Path(sys.argv[1])
    Stepping(place, Journal(place, sys.argv[2])).app.run_worker(concurrency=8, lease=LEASE, grace=5.0)
