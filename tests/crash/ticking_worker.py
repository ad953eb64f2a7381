"""A worker process that fires a schedule with the others: `python -m tests.crash.ticking_worker FOLDER NAME`."""

import sys
from pathlib import Path

import penstock
from penstock import App, Context
from tests.crash.oracle import Journal
from tests.crash.place import url_in

LEASE = 2.0


def ticking(folder: Path, journal: Journal | None = None) -> App:
    """An app with a schedule that ticks every second; what was missed is made good."""
    app = App(url_in(folder), name="ticking")

    @app.every(1.0, missed=1000, overlap="allow")
    @app.task(crashes=1000)
    async def tick(*, ctx: Context = penstock.inject()) -> None:
        assert journal is not None
        journal.write("ticked", run=ctx.run_id, number=round(ctx.nominal or 0))

    return app


if __name__ == "__main__":
    place = Path(sys.argv[1])
    ticking(place, Journal(place, sys.argv[2])).run_worker(concurrency=4, lease=LEASE, grace=5.0)
