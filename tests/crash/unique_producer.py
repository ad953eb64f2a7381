"""Asks for runs of a few keys until its input ends: `python -m tests.crash.unique_producer FOLDER NAME FIRST`.

Each time with a number of its own, from FIRST on. What it tries and what it was told is in its journal.
"""

import asyncio
import random
import sys
import threading
from pathlib import Path

from tests.crash.oracle import Journal
from tests.crash.unique_worker import FORMS, KEYS, Standing

PAUSE = 0.03  # seconds between two questions, at the longest


async def main() -> None:
    folder, name, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    journal, chance, over = Journal(folder, name), random.Random(number), threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    standing = Standing(folder)
    async with standing.app:
        while not over.is_set():
            number += 1
            form, key = chance.choice(list(FORMS)), chance.randrange(KEYS)
            journal.write("trying", number=number, detail=form)
            run = await standing.tasks[form].enqueue(key, number)
            told = "created" if run.created else "known"
            journal.write("told", run=run.id, number=number, detail=form, answer=told)
            await asyncio.sleep(chance.uniform(0, PAUSE))
    journal.write("down")


if __name__ == "__main__":
    asyncio.run(main())
