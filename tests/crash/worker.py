"""A worker process of the crash tests: `python -m tests.crash.worker FOLDER NAME SEED GRACE`.

Commands come on its standard input: `arm POINT NTH SIGNAL`.
"""

import random
import signal
import sys
import threading
from pathlib import Path

from penstock import App
from tests.crash.chaos import Chaos, infest
from tests.crash.oracle import Journal
from tests.crash.place import FILE, url_in
from tests.crash.work import Work

LEASE = 1.0
CONCURRENCY = 8


def listen(chaos: Chaos) -> None:
    """Carry out what the standard input says, in a thread."""

    def read() -> None:
        for line in sys.stdin:
            _, point, nth, name = line.split()
            chaos.arm(point, int(nth), signal.Signals[name])

    threading.Thread(target=read, daemon=True).start()


def main() -> None:
    folder, name, seed, grace = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    random.seed(seed)
    journal = Journal(folder, name)
    chaos = Chaos(journal, folder / FILE, seed)
    app = App(url_in(folder), name="crash")
    infest(app, chaos)
    Work(app, chaos)
    listen(chaos)
    app.on("worker.started", lambda _: journal.write("working"))  # from now on SIGTERM is a gentle stop
    app.run_worker(concurrency=CONCURRENCY, lease=LEASE, grace=grace)
    journal.write("down")


if __name__ == "__main__":
    main()
