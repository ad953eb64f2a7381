"""A worker process whose runs have a limit: `python -m tests.crash.limited_worker FOLDER NAME`."""

import asyncio
import sys
from pathlib import Path

import penstock
from penstock import App, Context, Limit, Task
from tests.crash.oracle import Journal
from tests.crash.place import url_in

LEASE = 1.5
SLOTS = 2  # of each tenant
WORK = 0.4  # seconds of one run
TENANTS = 3


class Limited:
    """An app with a task of which so many runs of a tenant may be under way."""

    def __init__(self, folder: Path, journal: Journal | None = None) -> None:
        self.app = App(url_in(folder), name="limited")

        @self.app.task(crashes=1000, limits=Limit(SLOTS, per="tenant", name="tenants"))
        async def work(tenant: int, *, ctx: Context = penstock.inject()) -> None:
            assert journal is not None
            journal.write("began", run=ctx.run_id, fence=ctx.fence, number=tenant)
            await asyncio.sleep(WORK)
            journal.write("ended", run=ctx.run_id, fence=ctx.fence, number=tenant)

        self.work: Task[[int], None] = work  # pyright: ignore[reportAttributeAccessIssue]


if __name__ == "__main__":
    place = Path(sys.argv[1])
    Limited(place, Journal(place, sys.argv[2])).app.run_worker(concurrency=8, lease=LEASE, grace=5.0)
