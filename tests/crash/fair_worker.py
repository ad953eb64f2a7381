"""A worker process whose runs go round robin by tenant: `python -m tests.crash.fair_worker FOLDER NAME`."""

import asyncio
import sys
from pathlib import Path
from typing import Final

from penstock import App, Fair, Limit, Task
from tests.crash.oracle import Journal
from tests.crash.place import url_in

LEASE: Final = 1.5
WORK: Final = 0.02  # seconds of one run
BIG: Final = "big"
WEIGHT: Final = 3  # runs of `big` each time round


class Tenants:
    """An app with a task whose runs take turns by tenant, and one of which so many of a tenant run at once as well."""

    def __init__(self, folder: Path, journal: Journal | None = None) -> None:
        self.app = App(url_in(folder), name="tenants")
        turns = Fair("tenant", weights={BIG: WEIGHT})

        async def work(tenant: str) -> None:
            assert journal is not None
            journal.write("began", detail=tenant)
            await asyncio.sleep(WORK)

        self.free: Task[[str], None] = self.app.task(name="free", fair=turns, crashes=1000)(work)
        limits = Limit(2, per="tenant", name="pairs")
        self.limited: Task[[str], None] = self.app.task(
            name="limited", queue="limited", fair=turns, limits=limits, crashes=1000
        )(work)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    Tenants(place, Journal(place, sys.argv[2])).app.run_worker(concurrency=4, lease=LEASE, grace=5.0)
