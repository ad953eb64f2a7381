"""Watches outcomes as they appear: `python -m tests.crash.observer FOLDER`. It only reads the store.

The first sight of each end is written down; ends already seen are looked at again and again. Ends with its input.
"""

import asyncio
import random
import sys
import threading
from hashlib import sha256
from pathlib import Path

from penstock.backends import open_store
from penstock.core.run import Run
from penstock.ports.store import Views
from tests.crash.oracle import Journal, Tail
from tests.crash.place import url_in

PAGE = 500
AGAIN = 300  # ends looked at again in each round
PAUSE = 0.1  # seconds between rounds


def told_of(run: Run) -> str:
    """What must never change about a run that has ended."""
    outcome = sha256((run.result or b"") + b"|" + (run.error or b"")).hexdigest()[:16]
    return f"{run.state} life {run.life} {run.cause} {run.finished_at} {outcome}"


class Observer:
    def __init__(self, folder: Path, views: Views) -> None:
        self._journal = Journal(folder, "observer")
        self._tail = Tail(folder)
        self._views = views
        self._chance = random.Random(0)
        self._open: set[str] = set()
        self._ended: dict[str, str] = {}

    async def round(self) -> None:
        """Look once at all that is open, and at some that is not."""
        for event in self._tail.new():
            if event.kind == "told" and event.run not in self._ended:
                self._open.add(event.run)
        wanted = [*self._open, *self._chance.sample(list(self._ended), min(AGAIN, len(self._ended)))]
        for start in range(0, len(wanted), PAGE):
            part = wanted[start : start + PAGE]
            for run_id, run in zip(part, await self._views.get(part), strict=True):
                self._see(run_id, run)

    def _see(self, run_id: str, run: Run | None) -> None:
        told = "gone" if run is None else told_of(run) if run.state.finished else ""
        known = self._ended.get(run_id)
        if known is not None and told != known:
            self._journal.write("changed", run=run_id, answer=told, detail=known)
        elif known is None and told:
            self._open.discard(run_id)
            self._ended[run_id] = told
            self._journal.write("seen", run=run_id, answer=told)


async def main() -> None:
    folder = Path(sys.argv[1])
    store = open_store(url_in(folder))
    await store.open()
    observer = Observer(folder, store)
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    while not over.is_set():
        await observer.round()
        await asyncio.sleep(PAUSE)
    await observer.round()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
