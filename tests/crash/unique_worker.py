"""A worker process whose runs stand for keys, in each way: `python -m tests.crash.unique_worker FOLDER NAME`."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import penstock
from penstock import App, Context, Task, Unique
from tests.crash.oracle import Journal
from tests.crash.place import url_in

LEASE: Final = 1.5
WORK: Final = 0.05  # seconds of one run: too long to be claimed ahead
EVERY: Final = 0.7  # seconds from one throttled run to the next
QUIET: Final = 0.1  # seconds in which nobody may have asked for a debounced run
KEYS: Final = 3  # of each form

FORMS: Final = {
    "finished": Unique("key"),
    "started": Unique("key", until="started"),
    "throttled": Unique("key", every=EVERY),
    "debounced": Unique("key", until="started", replace=True),
    "followed": Unique("key", follow=True),
}
LAST: Final = ("debounced", "followed")  # these take the last input


class Standing:
    """An app with a task for each form of `Unique`."""

    def __init__(self, folder: Path, journal: Journal | None = None) -> None:
        self.app = App(url_in(folder), name="unique")
        self.tasks: dict[str, Task[[int, int], None]] = {}

        async def work(key: int, number: int, *, ctx: Context = penstock.inject()) -> None:
            assert journal is not None
            journal.write("began", run=ctx.run_id, fence=ctx.fence, number=number, detail=str(key))
            await asyncio.sleep(WORK)
            journal.write("ended", run=ctx.run_id, fence=ctx.fence, number=number, detail=str(key))

        for form, unique in FORMS.items():
            delay = QUIET if form == "debounced" else 0
            self.tasks[form] = self.app.task(name=form, unique=unique, delay=delay, crashes=1000)(work)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    Standing(place, Journal(place, sys.argv[2])).app.run_worker(concurrency=4, lease=LEASE, grace=5.0)
