"""A worker process whose runs are nodes of flows: `python -m tests.crash.flow_worker FOLDER NAME`."""

import asyncio
import sys
from pathlib import Path

import penstock
from penstock import App, Context, Task
from tests.crash.oracle import Journal
from tests.crash.place import url_in

LEASE = 1.5
CRASHES = 1000  # so many lost workers fail no run here


class Flowing:
    """An app with a task for leaves, and one for what waits for them."""

    def __init__(self, folder: Path, journal: Journal | None = None) -> None:
        self.app = App(url_in(folder), name="flowing")

        def note(kind: str, ctx: Context, number: int) -> None:
            assert journal is not None
            journal.write(kind, run=ctx.run_id, fence=ctx.fence, number=number)

        @self.app.task(queue="leaves", crashes=CRASHES)
        async def leaf(flow: int, seconds: float = 0.0, *, ctx: Context = penstock.inject()) -> int:
            note("began", ctx, flow)
            await asyncio.sleep(seconds)
            note("ended", ctx, flow)
            return 1

        @self.app.task(queue="joins", crashes=CRASHES)
        async def join(flow: int, seconds: float = 0.0, *, ctx: Context = penstock.inject()) -> int:
            note("joined", ctx, flow)
            await asyncio.sleep(seconds)
            page = await ctx.children.results()
            return sum(child.result for child in page.items)

        self.leaf: Task[..., int] = leaf
        self.join: Task[..., int] = join


if __name__ == "__main__":
    place = Path(sys.argv[1])
    flowing = Flowing(place, Journal(place, sys.argv[2]))
    flowing.app.run_worker(concurrency=16, lease=LEASE, grace=5.0)
