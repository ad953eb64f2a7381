"""A worker process whose runs may kill it: `python -m tests.crash.poison_worker FOLDER NAME`."""

import os
import signal
import sys
from pathlib import Path

import penstock
from penstock import App, Context
from tests.crash.oracle import Journal
from tests.crash.place import url_in

LEASE = 2.0


class Poisoned:
    """An app with a task that kills its worker, and one that does not."""

    def __init__(self, folder: Path, journal: Journal | None = None) -> None:
        self.app = App(url_in(folder), name="poison")

        @self.app.task
        async def poison(*, ctx: Context = penstock.inject()) -> None:
            assert journal is not None
            journal.write("poisoned", run=ctx.run_id)
            os.kill(os.getpid(), signal.SIGKILL)

        @self.app.task
        async def harmless(number: int) -> int:
            return number

        self.poison, self.harmless = poison, harmless


if __name__ == "__main__":
    place = Path(sys.argv[1])
    own = Journal(place, sys.argv[2])
    poisoned = Poisoned(place, own)
    poisoned.app.on("worker.started", lambda _: own.write("working"))  # from now on SIGTERM is a gentle stop
    poisoned.app.run_worker(concurrency=4, lease=LEASE, grace=5.0)
