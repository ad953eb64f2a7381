"""Penstock on Redis as it is set up by itself: leases, fencing, results, attempts, upkeep all on.

Everything goes through the public API. PENSTOCK_BENCH_URL may name another server than the private one.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from benches.contenders import harness
from benches.contenders.chatty import chatty
from benches.contenders.flowing import trees
from benches.contenders.graphing import graphs, growth
from benches.contenders.limited import free_key, slots
from benches.contenders.meter import FILLER, Figures, Workers
from benches.contenders.server_side import Asked, url
from benches.contenders.stepping import replays, workflows
from penstock import App, Run

SLOTS: Final = 100  # runs at once in a worker
FAR: Final = 30 * 86_400.0


class Ours(harness.Peer):
    """An app with the tasks that are measured."""

    def __init__(self, folder: Path, slot: int, server: str) -> None:
        super().__init__(folder, slot, server)
        meter = self.meter
        named = os.environ.get("PENSTOCK_BENCH_URL")
        self.app = App(named if named and server == url() else f"{server}?allow_volatile=1")

        @self.app.task
        async def job(number: int, filler: str) -> int:
            del filler
            meter.tick()
            return number

        @self.app.task
        async def probe(number: int, filler: str) -> int:
            del filler
            meter.mark(number)
            return number

        self.job, self.probe_task = job, probe

    async def open(self) -> None:
        await self.app.open()

    async def close(self) -> None:
        await self.app.close()

    async def enqueue(self, number: int) -> object:
        return await self.job.enqueue(number, FILLER)

    async def in_bulk(self, numbers: Sequence[int]) -> None:
        await self.app.enqueue_many([self.job.call(number, FILLER) for number in numbers])

    async def delayed(self, numbers: Sequence[int]) -> None:
        task = self.job.opts(delay=FAR)
        await self.app.enqueue_many([task.call(number, FILLER) for number in numbers])

    async def probe(self, number: int) -> object:
        return await self.probe_task.enqueue(number, FILLER)

    async def result(self, probe: object) -> object:
        return await cast("Run[int]", probe).result()

    async def flows(self, number: int, children: int) -> None:
        await trees(self.app, self.job, number, children)

    def finished(self, asked: Asked) -> int:
        return asked.number("HGET", "{penstock}:counts", "sdefault")  # succeeded, of the queue "default"

    async def work(self, stopping: asyncio.Event) -> None:
        async with self.app.worker(concurrency=SLOTS):
            await stopping.wait()


def beside(folder: Path, lines: int) -> Figures:
    """As `chatty.chatty`."""
    return asyncio.run(chatty(Ours(folder, 0, url()).app, lines))


def limited(folder: Path, count: int) -> Figures:
    """As `limited.slots`."""
    return asyncio.run(slots(Ours(folder, 0, url()).app, count))


def full_key(folder: Path, count: int) -> Figures:
    """As `limited.free_key`."""
    del folder
    return asyncio.run(free_key([App(_named(), namespace=name) for name in ("alone", "beside")], count))


def steps(folder: Path, count: int) -> Figures:
    """As `stepping.workflows`."""
    del folder
    return asyncio.run(workflows(App(_named()), count))


def replay(folder: Path, steps: int) -> Figures:
    """As `stepping.replays`."""
    del folder
    return asyncio.run(replays(App(_named()), steps))


def _named() -> str:
    return os.environ.get("PENSTOCK_BENCH_URL") or f"{url()}?allow_volatile=1"


def graph_growth(folder: Path, count: int) -> Figures:
    """As `graphing.growth`."""

    async def measure() -> Figures:
        with Workers(folder, 2):
            async with Ours(folder, 0, url()) as ours:
                return await growth(ours.app, count)

    return asyncio.run(measure())


def graph(folder: Path, count: int) -> Figures:
    """As `graphing.graphs`."""
    return asyncio.run(graphs(Ours(folder, 0, url()).app, count))


if __name__ == "__main__":
    own = (limited, full_key, steps, replay, graph, graph_growth)
    harness.run(Ours, own={"chatty": beside} | {measure.__name__: measure for measure in own})
