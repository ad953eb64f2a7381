"""A producer process of the crash tests: `python -m tests.crash.producer FOLDER NAME SEED`.

Commands come on its standard input: `work FIRST COUNT SHARED_FIRST SHARED_COUNT` and `arm POINT NTH SIGNAL`. It
enqueues each number, singly, at once or in bulk, writes down what it tries and what it was told, and says `done FIRST`.
A successor of one that was killed gets the same command: what was tried and not acknowledged is tried again, same id.
Shared numbers are enqueued by every producer, under one key each.
"""

import asyncio
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from penstock import App, Run, Task
from penstock.core.ids import new_run_id
from tests.crash.chaos import Chaos, infest
from tests.crash.oracle import Journal, events
from tests.crash.place import FILE, url_in
from tests.crash.work import Work

CANCELLED = 50  # one in so many is cancelled by its producer
AGAIN = 20  # one in so many is enqueued twice, under one id


def is_cancelled(number: int) -> bool:
    """Whether its producer asks for this number's end."""
    return number % CANCELLED == 17


class Producer:
    def __init__(self, folder: Path, name: str, seed: int) -> None:
        self.journal = Journal(folder, name)
        self.chaos = Chaos(self.journal, folder / FILE, seed)
        self._folder = folder
        self._name = name
        self._chance = random.Random(seed)
        self.app = App(url_in(folder), name="crash", mode="enqueue")
        infest(self.app, self.chaos)
        self._work = Work(self.app, self.chaos)

    async def produce(self, own: range, shared: range) -> None:
        """Return when every number has been acknowledged."""
        tried, told = self._before()
        keyed = set(shared)
        left = [number for number in (*own, *shared) if number not in told]
        self._chance.shuffle(left)
        for portion in self._portions(left):
            ids = {number: tried.get(number) or new_run_id() for number in portion}
            await self._enqueue(ids, keyed)
            for number in portion:
                if self._chance.randrange(AGAIN) == 0:
                    await self._enqueue({number: ids[number]}, keyed)
                if is_cancelled(number) and number not in keyed:
                    await self._cancel(number, ids[number])

    def _before(self) -> tuple[dict[int, str], set[int]]:
        """What earlier processes of this name have tried, and been told."""
        tried: dict[int, str] = {}
        told: set[int] = set()
        for event in events(self._folder, f"{self._name}-"):
            if event.kind == "trying":
                tried[event.number] = event.run
            elif event.kind == "told":
                told.add(event.number)
        return tried, told

    def _portions(self, numbers: list[int]) -> Iterator[list[int]]:
        while numbers:
            size = self._chance.choice((1, 1, 3, 10, 30))
            yield numbers[:size]
            numbers = numbers[size:]

    async def _enqueue(self, ids: dict[int, str], keyed: set[int]) -> None:
        for number, run_id in ids.items():
            self.journal.write("trying", run=run_id, number=number)
        if len(ids) > 1 and self._chance.random() < 0.5:
            calls = [self._task(number, run_id, keyed).call(number) for number, run_id in ids.items()]
            runs = await self.app.enqueue_many(calls)
        else:
            singly = [self._task(number, run_id, keyed).enqueue(number) for number, run_id in ids.items()]
            runs = await asyncio.gather(*singly)
        for number, run in zip(ids, runs, strict=True):
            self._told(number, run)

    def _task(self, number: int, run_id: str, keyed: set[int]) -> Task[[int], int]:
        task = self._work.task(number).opts(id=run_id)
        return task.opts(key=f"shared-{number}") if number in keyed else task

    def _told(self, number: int, run: Run[int]) -> None:
        self.journal.write("told", run=run.id, number=number, answer="created" if run.created else "known")

    async def _cancel(self, number: int, run_id: str) -> None:
        self.journal.write("cancelling", run=run_id, number=number)
        done = await self.app.cancel(run_id, "asked by its producer")
        self.journal.write("cancelled", run=run_id, number=number, answer="yes" if done else "no")


async def main() -> None:
    folder, name, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    producer = Producer(folder, name, seed)
    loop = asyncio.get_running_loop()
    producer.journal.write("up")
    async with producer.app:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            match line.split():
                case ["arm", point, nth, name]:
                    producer.chaos.arm(point, int(nth), signal.Signals[name])
                case ["work", first, count, shared_first, shared_count]:
                    own = range(int(first), int(first) + int(count))
                    shared = range(int(shared_first), int(shared_first) + int(shared_count))
                    await producer.produce(own, shared)
                    producer.journal.write("done", number=own.start)
                case _:
                    raise ValueError(line)
    producer.journal.write("down")


if __name__ == "__main__":
    asyncio.run(main())
