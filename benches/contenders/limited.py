"""What limits cost: how much of their slots is used, and what a full key does to the others.

In pairs, one after the other, so that a slow phase of the machine meets both.
"""

import asyncio
import time
from collections.abc import Sequence
from statistics import median
from typing import Final

from benches.contenders.meter import Figures, spread
from penstock import App, Limit

PAIRS: Final = 3
KEYS: Final = 5
SLOTS: Final = 4  # of each key
LASTS: Final = 0.05  # seconds of a run
PARKED: Final = 1_000  # behind the full key
PAUSE: Final = 0.01  # seconds between two single runs
ROUND: Final = 50  # single runs in one turn


async def slots(app: App, count: int) -> Figures:
    """The share of what the slots of a limit could carry, and that of as many places without one."""

    @app.task(queue="limited", limits=Limit(SLOTS, per="key", name="slots"))
    async def limited(key: int) -> None:
        del key
        await asyncio.sleep(LASTS)

    @app.task(queue="free")
    async def free(key: int) -> None:
        del key
        await asyncio.sleep(LASTS)

    shares: dict[str, list[float]] = {"limited": [], "free": []}
    async with app:
        for _ in range(PAIRS):
            for task in (limited, free):
                runs = await app.enqueue_many([task.call(number % KEYS) for number in range(count)])
                began = time.monotonic()
                async with app.worker(queues=[task.queue], concurrency=KEYS * SLOTS):
                    for run in runs:
                        await run.result()
                shares[task.name].append(count * LASTS / (KEYS * SLOTS) / (time.monotonic() - began))
    return {"ideal": median(shares["limited"]), "free": median(shares["free"])}


class Side:
    """An app with a task of which so many runs of a key start at once; how long each took to start."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.took: list[float] = []
        self._began = asyncio.Event()
        self._over = asyncio.Event()

        @app.task(limits=Limit(SLOTS, per="key", name="slots"))
        async def work(key: str) -> None:
            if key == "full":
                await self._over.wait()
            else:
                self.took[-1] = time.monotonic() - self.took[-1]
                self._began.set()

        self._work = work

    async def fill(self) -> None:
        """All slots of a key are held, and so many wait behind."""
        await self.app.enqueue_many([self._work.call("full") for _ in range(SLOTS + PARKED)])

    async def take(self, count: int) -> None:
        """Runs of a key with room, one after the other."""
        for _ in range(count):
            self._began.clear()
            self.took.append(time.monotonic())
            run = await self._work.enqueue("free")
            await self._began.wait()
            await run.result()
            await asyncio.sleep(PAUSE)

    async def empty(self) -> None:
        """Let all go."""
        self._over.set()
        await self.app.limits.set("slots", n=PARKED)


async def free_key(apps: Sequence[App], count: int) -> Figures:
    """From enqueue to start for a key with room: beside one behind which a thousand wait, by that without."""
    alone, beside = (Side(app) for app in apps)
    async with alone.app, beside.app, alone.app.worker(concurrency=20), beside.app.worker(concurrency=20):
        await beside.fill()
        for side in (alone, beside) * (count // ROUND + 1):
            await side.take(ROUND)
        await beside.empty()
    without, with_it = spread(alone.took[5:]), spread(beside.took[5:])  # the first of all are slower
    return {"p99_ratio": with_it["p99_ms"] / without["p99_ms"], "p50_ratio": with_it["p50_ms"] / without["p50_ms"]}
