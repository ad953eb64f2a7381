"""Penstock on SQLite as it is set up by itself: durable commits, leases, fencing, results, upkeep all on.

Everything goes through the public API. Only the idle measure looks below it: a wrapper counts calls of the store.
"""

import asyncio
import inspect
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias, cast

from benches.contenders.chatty import chatty as beside
from benches.contenders.flowing import trees
from benches.contenders.graphing import graphs, growth
from benches.contenders.limited import free_key, slots
from benches.contenders.meter import (
    FILLER,
    LONGEST_SINGLY,
    Figures,
    Meter,
    Workers,
    main,
    pauses,
    rate,
    repeated,
    spread,
    wait_for,
)
from benches.contenders.stepping import replays, workflows
from penstock import App, State
from penstock.ports.store import Store

CALLERS: Final = 100
SLOTS: Final = 100  # runs at once in a worker
ROUNDS: Final = 3  # of enqueueing and draining beside delayed runs
PORTION: Final = 10_000  # calls prepared at once


Measured: TypeAlias = Callable[["Ours", int], Awaitable[Figures]]


class Ours:
    """An app with the tasks that are measured."""

    def __init__(self, folder: Path, slot: int = 0) -> None:
        self.meter = meter = Meter(folder, slot)
        url = os.environ.get("PENSTOCK_BENCH_URL", f"sqlite:///{folder / 'penstock.db'}")
        self.app = App(url)

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

        self.job, self.probe = job, probe

    async def fill(self, count: int, *, delay: float = 0.0) -> float:
        """Enqueue so many in bulk; the seconds that took, the preparing of the calls included."""
        task = self.job.opts(delay=delay) if delay else self.job
        began = time.monotonic()
        for start in range(0, count, PORTION):
            calls = [task.call(number, FILLER) for number in range(start, min(start + PORTION, count))]
            await self.app.enqueue_many(calls)
        return time.monotonic() - began

    async def one_by_one(self, count: int) -> int:
        """Enqueue so many, each awaited, or as many as there is time for: how many."""
        done = 0
        for number in repeated(count):
            await self.job.enqueue(number, FILLER)
            done = number + 1
        return done

    async def drained(self, folder: Path, count: int, workers: int) -> Figures:
        """As `meter.drained`, on this loop."""
        meter = Meter(folder)
        with Workers(folder, workers) as processes:
            await asyncio.to_thread(
                wait_for, lambda: meter.calls() >= count, "all jobs to be called", processes.check, progress=meter.calls
            )
            while (await self.app.runs(state=State.RUNNING, limit=1)).items:  # all have been called: these are the rest
                processes.check()
                await asyncio.sleep(0.002)
            seconds = time.monotonic() - meter.first_at()
        return {"rate": count / seconds, "cpu_us": meter.cpu() / count * 1e6}


def enqueue_one(folder: Path, count: int) -> Figures:
    async def measure() -> Figures:
        ours = Ours(folder)
        async with ours.app:
            await ours.job.enqueue(-1, FILLER)
            began = time.monotonic()
            done = await ours.one_by_one(count)
            return rate(done, time.monotonic() - began)

    return asyncio.run(measure())


def enqueue_100(folder: Path, count: int) -> Figures:
    async def measure() -> Figures:
        ours = Ours(folder)
        async with ours.app:
            await ours.job.enqueue(-1, FILLER)
            began = time.monotonic()
            done = await asyncio.gather(*(ours.one_by_one(count // CALLERS) for _ in range(CALLERS)))
            return rate(sum(done), time.monotonic() - began)

    return asyncio.run(measure())


def enqueue_many(folder: Path, count: int) -> Figures:
    async def measure() -> Figures:
        ours = Ours(folder)
        async with ours.app:
            await ours.job.enqueue(-1, FILLER)
            return rate(count, await ours.fill(count))

    return asyncio.run(measure())


def _drain(folder: Path, count: int, workers: int) -> Figures:
    async def measure() -> Figures:
        ours = Ours(folder)
        async with ours.app:
            await ours.fill(count)
            return await ours.drained(folder, count, workers)

    return asyncio.run(measure())


def drain_1(folder: Path, count: int) -> Figures:
    return _drain(folder, count, 1)


def drain_2(folder: Path, count: int) -> Figures:
    return _drain(folder, count, 2)


async def singly(count: int) -> AsyncIterator[int]:
    """As `meter.singly`, on this loop."""
    end = time.monotonic() + LONGEST_SINGLY
    for number, pause in enumerate(pauses(count), start=1):
        if time.monotonic() > end:
            return
        await asyncio.sleep(pause)
        yield number


async def _pickup(ours: Ours, count: int) -> Figures:
    await (await ours.probe.enqueue(0, FILLER)).result()
    took: list[float] = []
    async for number in singly(count):
        began = time.monotonic()
        await ours.probe.enqueue(number, FILLER)
        while not ours.meter.marked(number):  # noqa: ASYNC110 (perhaps in another process)
            await asyncio.sleep(0.002)
        took.append(ours.meter.marked(number) - began)
    return spread(took)


async def _round_trip(ours: Ours, count: int) -> Figures:
    await (await ours.probe.enqueue(0, FILLER)).result()
    took: list[float] = []
    async for number in singly(count):
        began = time.monotonic()
        await (await ours.probe.enqueue(number, FILLER)).result()
        took.append(time.monotonic() - began)
    return spread(took)


async def _alone(folder: Path, count: int, measure: Measured) -> Figures:
    ours = Ours(folder)
    async with ours.app, ours.app.worker():
        return await measure(ours, count)


async def _beside_a_worker(folder: Path, count: int, measure: Measured) -> Figures:
    ours = Ours(folder)
    with Workers(folder):
        async with ours.app:
            return await measure(ours, count)


def pickup_same(folder: Path, count: int) -> Figures:
    return asyncio.run(_alone(folder, count, _pickup))


def pickup_other(folder: Path, count: int) -> Figures:
    return asyncio.run(_beside_a_worker(folder, count, _pickup))


def round_trip_same(folder: Path, count: int) -> Figures:
    return asyncio.run(_alone(folder, count, _round_trip))


def round_trip_other(folder: Path, count: int) -> Figures:
    return asyncio.run(_beside_a_worker(folder, count, _round_trip))


class Counting:
    """A store that counts the calls of its operations and reads, by name."""

    def __init__(self, store: Any, calls: Counter[str]) -> None:
        self._store = store
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def counted(*args: object, **named: object) -> object:
            self._calls[name] += 1
            return await found(*args, **named)

        return counted


def idle(folder: Path, seconds: int) -> Figures:
    async def measure() -> Figures:
        ours = Ours(folder)
        calls = Counter[str]()
        stores = ours.app._client.stores  # noqa: SLF001 (there is no public way to see calls of the store)
        new_store = stores._new_store  # noqa: SLF001
        stores._new_store = lambda: cast("Store", Counting(new_store(), calls))  # noqa: SLF001
        async with ours.app, ours.app.worker():
            await (await ours.probe.enqueue(0, FILLER)).result()
            await asyncio.sleep(12.0 if seconds > 5 else 3.0)  # until the last run is forgotten
            calls.clear()
            await asyncio.sleep(seconds)
            return {"calls_per_s": calls.total() / seconds}

    return asyncio.run(measure())


def depth(folder: Path, delayed: int) -> Figures:
    """Both stores are used in turns, so that a slow phase of the machine meets both."""
    jobs = 2_000 if delayed < 1_000_000 else 10_000

    async def measure() -> Figures:
        empty, deep = folder / "empty", folder / "deep"
        both: dict[Path, Ours] = {}
        for place in (empty, deep):
            place.mkdir()
            both[place] = Ours(place)
            await both[place].app.open()
        await both[deep].fill(delayed, delay=30 * 86_400.0)
        enqueueing: dict[Path, list[float]] = {empty: [], deep: []}
        draining: dict[Path, list[float]] = {empty: [], deep: []}
        waiting = dict.fromkeys(both, 0)
        for place in (empty, deep) * ROUNDS:
            began = time.monotonic()
            done = await both[place].one_by_one(jobs)
            enqueueing[place].append(done / (time.monotonic() - began))
            waiting[place] += done
        for place in (empty, deep) * ROUNDS:
            await both[place].fill(jobs)
            (place / "meter").unlink(missing_ok=True)
            drained = await both[place].drained(place, waiting.pop(place, 0) + jobs, 1)
            draining[place].append(drained["rate"])
        for one in both.values():
            await one.app.close()
        return {
            "enqueue_ratio": _share(enqueueing[deep], enqueueing[empty]),
            "drain_ratio": _share(draining[deep], draining[empty]),
        }

    return asyncio.run(measure())


def flow(folder: Path, count: int) -> Figures:
    """One parent of so many children, then a fifth as many parents of ten; the worker is another process."""

    async def measure() -> Figures:
        ours = Ours(folder)
        async with ours.app:
            await ours.job.enqueue(-1, FILLER)  # the file is there
            with Workers(folder):
                await trees(ours.app, ours.job, 2, 3)
                began = time.monotonic()
                await trees(ours.app, ours.job, 1, count)
                wide = time.monotonic() - began
                began = time.monotonic()
                await trees(ours.app, ours.job, count // 5, 10)
                return {"wide_s": wide, "many_s": time.monotonic() - began}

    return asyncio.run(measure())


def chatty(folder: Path, lines: int) -> Figures:
    """As `chatty.chatty`."""
    return asyncio.run(beside(Ours(folder).app, lines))


def limited(folder: Path, count: int) -> Figures:
    """As `limited.slots`."""
    return asyncio.run(slots(Ours(folder).app, count))


def full_key(folder: Path, count: int) -> Figures:
    """As `limited.free_key`."""
    url = os.environ.get("PENSTOCK_BENCH_URL", f"sqlite:///{folder / 'penstock.db'}")
    return asyncio.run(free_key([App(url, namespace=name) for name in ("alone", "beside")], count))


def steps(folder: Path, count: int) -> Figures:
    """As `stepping.workflows`."""
    url = os.environ.get("PENSTOCK_BENCH_URL", f"sqlite:///{folder / 'penstock.db'}")
    return asyncio.run(workflows(App(url), count))


def replay(folder: Path, count: int) -> Figures:
    """As `stepping.replays`."""
    url = os.environ.get("PENSTOCK_BENCH_URL", f"sqlite:///{folder / 'penstock.db'}")
    return asyncio.run(replays(App(url), count))


def graph(folder: Path, count: int) -> Figures:
    """As `graphing.graphs`."""
    return asyncio.run(graphs(Ours(folder).app, count))


def graph_growth(folder: Path, count: int) -> Figures:
    """As `graphing.growth`."""

    async def measure() -> Figures:
        ours = Ours(folder)
        async with ours.app:
            await ours.job.enqueue(-1, FILLER)  # the file is there
            with Workers(folder, 2):
                return await growth(ours.app, count)

    return asyncio.run(measure())


def _share(part: Sequence[float], whole: Sequence[float]) -> float:
    return median(part) / median(whole)


def serve(folder: Path, slot: int) -> None:
    """Be a worker process."""
    Ours(folder, slot).app.run_worker(concurrency=SLOTS)


if __name__ == "__main__":
    main(
        {
            measure.__name__: measure
            for measure in (
                enqueue_one,
                enqueue_100,
                enqueue_many,
                drain_1,
                drain_2,
                pickup_same,
                pickup_other,
                round_trip_same,
                round_trip_other,
                idle,
                depth,
                flow,
                chatty,
                limited,
                full_key,
                steps,
                replay,
                graph,
                graph_growth,
            )
        },
        {"serve": serve},
    )
