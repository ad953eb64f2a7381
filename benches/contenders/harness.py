"""The measures on Redis, the same for every contender in Python: only how a peer does each thing differs.

Workers are other processes always: queues on a server are used so.
"""

import asyncio
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, Self, TypeAlias

from benches.contenders import meter as meters
from benches.contenders.meter import (
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
from benches.contenders.server_side import EMPTY, URL, Asked, calls_of_clients, url

CALLERS: Final = 100
PORTION: Final = 1_000  # jobs in one call in bulk
ROUNDS: Final = 3  # of enqueueing and draining beside delayed runs
QUIET: Final = 3.0  # seconds until a worker has forgotten its last job

New: TypeAlias = Callable[[Path, int, str], "Peer"]


class Peer(ABC):
    """One of them, set up as its documentation recommends for throughput, with results kept."""

    def __init__(self, folder: Path, slot: int, server: str) -> None:
        self.meter = Meter(folder, slot)
        self.server = server

    @abstractmethod
    async def open(self) -> None:
        """Be ready to enqueue."""

    @abstractmethod
    async def close(self) -> None:
        """Leave no connection behind."""

    @abstractmethod
    async def enqueue(self, number: int) -> object:
        """A no-op job."""

    @abstractmethod
    async def probe(self, number: int) -> object:
        """A job that notes when it is called; returns what `result` needs."""

    @abstractmethod
    async def result(self, probe: object) -> object:
        """Of such a job, awaited."""

    @abstractmethod
    def finished(self, asked: Asked) -> int:
        """How many jobs have their result stored."""

    @abstractmethod
    async def work(self, stopping: asyncio.Event) -> None:
        """Be a worker until then."""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def flows(self, number: int, children: int) -> None:
        """So many trees of a parent and its children, stored together; until all parents' results are here."""
        raise NotImplementedError

    async def one_by_one(self, count: int) -> int:
        """Enqueue so many, each awaited, or as many as there is time for: how many."""
        done = 0
        for number in repeated(count):
            await self.enqueue(number)
            done = number + 1
        return done

    async def at_once(self, count: int) -> int:
        """The same from 100 callers."""
        return sum(await asyncio.gather(*(self.one_by_one(count // CALLERS) for _ in range(CALLERS))))

    async def in_bulk(self, numbers: Sequence[int]) -> None:
        """All of them in one call. Without such a call: by 100 callers, and no figure."""
        await asyncio.gather(*(self._some(numbers[start::CALLERS]) for start in range(min(CALLERS, len(numbers)))))

    async def delayed(self, numbers: Sequence[int]) -> None:
        """As `in_bulk`, due in 30 days."""
        raise NotImplementedError

    async def fill(self, count: int, bulk: Callable[[Sequence[int]], Awaitable[None]] | None = None) -> float:
        """Have so many jobs waiting; the seconds that took."""
        began = time.monotonic()
        for start in range(0, count, PORTION):
            await (bulk or self.in_bulk)(range(start, min(start + PORTION, count)))
        return time.monotonic() - began

    async def _some(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            await self.enqueue(number)


async def enqueue_one(new: New, folder: Path, count: int) -> Figures:
    async with new(folder, 0, url()) as peer:
        await peer.enqueue(0)
        began = time.monotonic()
        return rate(await peer.one_by_one(count), time.monotonic() - began)


async def enqueue_100(new: New, folder: Path, count: int) -> Figures:
    async with new(folder, 0, url()) as peer:
        await peer.at_once(CALLERS)
        began = time.monotonic()
        return rate(await peer.at_once(count), time.monotonic() - began)


async def enqueue_many(new: New, folder: Path, count: int) -> Figures:
    async with new(folder, 0, url()) as peer:
        await peer.fill(PORTION)
        return rate(count, await peer.fill(count))


async def waiting(new: New, folder: Path, count: int) -> Figures:
    with Asked() as asked:
        async with new(folder, 0, url()) as peer:
            await peer.in_bulk(range(1))
            await peer.enqueue(0)
        before = asked.memory()
        async with new(folder, 0, url()) as peer:
            await peer.fill(count)
        return {"bytes": (asked.memory() - before) / count}


async def _drained(peer: Peer, folder: Path, count: int, workers: int) -> Figures:
    meter = Meter(folder)
    with Asked(peer.server) as asked:
        before = peer.finished(asked)
        used = asked.processor()
        with Workers(folder, workers) as processes:
            called = partial(wait_for, lambda: meter.calls() >= count, "all jobs to be called", processes.check)
            await asyncio.to_thread(called, progress=meter.calls)
            stored = partial(wait_for, lambda: peer.finished(asked) - before >= count, "the last result")
            await asyncio.to_thread(stored, check=processes.check)
            seconds = time.monotonic() - meter.first_at()
            used = asked.processor() - used
    return {"rate": count / seconds, "cpu_us": meter.cpu() / count * 1e6, "server_us": used / count * 1e6}


async def _drain(new: New, folder: Path, count: int, workers: int) -> Figures:
    async with new(folder, 0, url()) as peer:
        await peer.fill(count)
        return await _drained(peer, folder, count, workers)


async def drain_1(new: New, folder: Path, count: int) -> Figures:
    return await _drain(new, folder, count, 1)


async def drain_2(new: New, folder: Path, count: int) -> Figures:
    return await _drain(new, folder, count, 2)


async def singly(count: int) -> AsyncIterator[int]:
    """As `meter.singly`, on this loop."""
    end = time.monotonic() + LONGEST_SINGLY
    for number, pause in enumerate(pauses(count), start=1):
        if time.monotonic() > end:
            return
        await asyncio.sleep(pause)
        yield number


async def pickup(new: New, folder: Path, count: int) -> Figures:
    took: list[float] = []
    with Workers(folder):
        async with new(folder, 0, url()) as peer:
            await peer.result(await peer.probe(0))
            async for number in singly(count):
                began = time.monotonic()
                await peer.probe(number)
                while not peer.meter.marked(number):  # noqa: ASYNC110 (it happens in another process)
                    await asyncio.sleep(0.002)
                took.append(peer.meter.marked(number) - began)
    return spread(took)


async def round_trip(new: New, folder: Path, count: int) -> Figures:
    took: list[float] = []
    with Workers(folder):
        async with new(folder, 0, url()) as peer:
            await peer.result(await peer.probe(0))
            async for number in singly(count):
                began = time.monotonic()
                await peer.result(await peer.probe(number))
                took.append(time.monotonic() - began)
    return spread(took)


async def flow(new: New, folder: Path, count: int) -> Figures:
    """One parent of so many children, then a fifth as many parents of ten."""
    with Workers(folder):
        async with new(folder, 0, url()) as peer:
            await peer.flows(2, 3)
            began = time.monotonic()
            await peer.flows(1, count)
            wide = time.monotonic() - began
            began = time.monotonic()
            await peer.flows(count // 5, 10)
            return {"wide_s": wide, "many_s": time.monotonic() - began}


async def idle(new: New, folder: Path, seconds: int) -> Figures:
    with Workers(folder):
        async with new(folder, 0, url()) as peer:
            await peer.result(await peer.probe(0))
        await asyncio.sleep(QUIET if seconds <= 5 else 4 * QUIET)
        return await asyncio.to_thread(calls_of_clients, float(seconds))


async def depth(new: New, folder: Path, delayed: int) -> Figures:
    """Two servers are used in turns, so that a slow phase of the machine meets both."""
    jobs = 2_000 if delayed < 1_000_000 else 10_000
    both = {name: folder / name for name in (EMPTY, URL)}
    enqueueing: dict[str, list[float]] = {name: [] for name in both}
    draining: dict[str, list[float]] = {name: [] for name in both}
    peers: dict[str, Peer] = {}
    for name, place in both.items():
        place.mkdir()
        peers[name] = new(place, 0, url(name))
        await peers[name].open()
    await peers[URL].fill(delayed, peers[URL].delayed)
    there = dict.fromkeys(both, 0)
    for name in [*both] * ROUNDS:
        began = time.monotonic()
        done = await peers[name].one_by_one(jobs)
        enqueueing[name].append(done / (time.monotonic() - began))
        there[name] += done
    for name in [*both] * ROUNDS:
        await peers[name].fill(jobs)
        (both[name] / "meter").unlink(missing_ok=True)
        with meters.environment(**{URL: url(name)}):  # the workers' server
            drained = await _drained(peers[name], both[name], there[name] + jobs, 1)
        there[name] = 0
        draining[name].append(drained["rate"])
    for peer in peers.values():
        await peer.close()
    return {
        "enqueue_ratio": median(enqueueing[URL]) / median(enqueueing[EMPTY]),
        "drain_ratio": median(draining[URL]) / median(draining[EMPTY]),
    }


async def _serve(new: New, folder: Path, slot: int) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with new(folder, slot, url()) as peer:
        await peer.work(stopping)


MEASURES: Final = (
    enqueue_one,
    enqueue_100,
    enqueue_many,
    waiting,
    drain_1,
    drain_2,
    pickup,
    round_trip,
    flow,
    idle,
    depth,
)


def run(
    new: New,
    *,
    serving: Callable[[Awaitable[None]], None] | None = None,
    own: Mapping[str, Callable[[Path, int], Figures]] | None = None,
) -> None:
    """Be the program of a contender. `serving`: what runs the worker's loop, if not asyncio alone; `own`: measures
    that no other contender has.
    """

    def measured(name: str) -> Callable[[Path, int], Figures]:
        measure = next(one for one in MEASURES if one.__name__ == name)
        return lambda folder, count: asyncio.run(measure(new, folder, count))

    def serve(folder: Path, slot: int) -> None:
        worker = _serve(new, folder, slot)
        if serving is None:
            asyncio.run(worker)
        else:
            serving(worker)

    shared = {measure.__name__: measured(measure.__name__) for measure in MEASURES}
    main({**shared, **(own or {})}, {"serve": serve})
