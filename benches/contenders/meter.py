"""What the contenders share: a meter that their workers tick, payloads, percentiles, the line that they print.

Standard library only: it runs in the environment of the peers, too. The meter is a mapped file: counting costs a run
well under a microsecond and asks nothing of the store that is measured.
"""

import json
import math
import mmap
import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeAlias

Figures: TypeAlias = dict[str, float]

FILLER: Final = "x" * 80  # with its number and its name a job has about 100 bytes
SLOTS: Final = 16  # worker processes
MARKS: Final = 1 << 16  # jobs whose start is noted one by one
LONGEST: Final = 6.0  # seconds for what is repeated: a slow machine does it less often
LONGEST_SINGLY: Final = 20.0  # the same, for single jobs after pauses
PATIENCE: Final = 120.0  # seconds without progress after which a measurement is given up

_SLOT: Final = struct.Struct("qddd")  # calls, first call at, last call at, processor seconds between these
_MARK: Final = struct.Struct("d")
_SIZE: Final = SLOTS * _SLOT.size + MARKS * _MARK.size


class Meter:
    """Who was called how often and when; shared by all processes that open it in one folder."""

    def __init__(self, folder: Path, slot: int = 0) -> None:
        path = folder / "meter"
        with path.open("ab") as file:
            if file.tell() < _SIZE:
                file.truncate(_SIZE)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)
        self._at = slot * _SLOT.size
        self._calls = 0
        self._first = 0.0
        self._first_cpu = 0.0

    def tick(self) -> None:
        """A no-op job was called in this worker."""
        now = time.monotonic()
        if not self._calls:
            self._first, self._first_cpu = now, time.process_time()
        self._calls += 1
        _SLOT.pack_into(self._map, self._at, self._calls, self._first, now, time.process_time() - self._first_cpu)

    def mark(self, number: int) -> None:
        """This one job was called now."""
        _MARK.pack_into(self._map, SLOTS * _SLOT.size + number * _MARK.size, time.monotonic())

    def marked(self, number: int) -> float:
        """When that job was called; 0: not yet."""
        return float(_MARK.unpack_from(self._map, SLOTS * _SLOT.size + number * _MARK.size)[0])

    def calls(self) -> int:
        """Jobs called so far, in all workers."""
        return sum(int(_SLOT.unpack_from(self._map, slot * _SLOT.size)[0]) for slot in range(SLOTS))

    def first_at(self) -> float:
        """When the first job of all was called."""
        rows = [_SLOT.unpack_from(self._map, slot * _SLOT.size) for slot in range(SLOTS)]
        return min(float(row[1]) for row in rows if row[0])

    def cpu(self) -> float:
        """Processor seconds of all workers, each from its first call to its last."""
        return sum(float(_SLOT.unpack_from(self._map, slot * _SLOT.size)[3]) for slot in range(SLOTS))


class Workers:
    """Worker processes of the calling program, ended by SIGTERM at the end of the block."""

    def __init__(self, folder: Path, count: int = 1, *, mode: str = "serve") -> None:
        program = sys.modules["__main__"].__spec__
        assert program is not None, "contenders are run as modules: python -m benches.contenders.NAME"
        command = [sys.executable, "-m", program.name, mode, str(folder)]
        self._processes = [
            subprocess.Popen([*command, str(slot)], stdin=subprocess.DEVNULL, stdout=sys.stderr)
            for slot in range(count)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def check(self) -> None:
        """Raises if one has ended."""
        for process in self._processes:
            if process.poll() is not None:
                raise RuntimeError(f"worker {process.pid} ended with {process.returncode}")


def drained(folder: Path, jobs: int, workers: int, finished: Callable[[], bool]) -> Figures:
    """Jobs a second from the first call to the last stored result, and the workers' processor time for each."""
    meter = Meter(folder)
    with Workers(folder, workers) as processes:
        wait_for(lambda: meter.calls() >= jobs, "all jobs to be called", processes.check, progress=meter.calls)
        wait_for(finished, "the last result to be stored", processes.check)
        seconds = time.monotonic() - meter.first_at()
    return {"rate": jobs / seconds, "cpu_us": meter.cpu() / jobs * 1e6}


def wait_for(
    done: Callable[[], object],
    what: str,
    check: Callable[[], None] = lambda: None,
    *,
    progress: Callable[[], int] = lambda: 0,
) -> None:
    """Look every 2 ms; raises when for long nothing went forward."""
    seen, since = progress(), time.monotonic()
    while not done():
        check()
        time.sleep(0.002)
        if progress() != seen:
            seen, since = progress(), time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            raise TimeoutError(f"waited {PATIENCE:g} s for {what}")


def picked_up(meter: Meter, enqueue: Callable[[int], object], count: int) -> Figures:
    """How long after the begin of its enqueue a single job is called, the worker being idle."""
    enqueue(0)
    wait_for(partial(meter.marked, 0), "the first job to be called")
    took: list[float] = []
    for number in singly(count):
        began = time.monotonic()
        enqueue(number)
        wait_for(partial(meter.marked, number), "the job to be called")
        took.append(meter.marked(number) - began)
    return spread(took)


def round_trips(call: Callable[[int], object], count: int) -> Figures:
    """How long a single job takes from the begin of its enqueue to its result in the caller, the worker being idle."""
    call(0)
    took: list[float] = []
    for number in singly(count):
        began = time.monotonic()
        call(number)
        took.append(time.monotonic() - began)
    return spread(took)


def repeated(count: int) -> Iterator[int]:
    """The numbers below `count`, or as many as there is time for."""
    end = time.monotonic() + LONGEST
    for number in range(count):
        if time.monotonic() > end:
            return
        yield number


def singly(count: int) -> Iterator[int]:
    """The numbers from 1 to `count`, each after a pause, or as many as there is time for."""
    end = time.monotonic() + LONGEST_SINGLY
    for number, pause in enumerate(pauses(count), start=1):
        if time.monotonic() > end:
            return
        time.sleep(pause)
        yield number


def pauses(count: int) -> list[float]:
    """Seconds between single jobs, irregular so that they meet every phase of a polling worker."""
    chance = random.Random(count)
    return [0.05 + 0.1 * chance.random() for _ in range(count)]


def spread(seconds: Sequence[float]) -> Figures:
    """Median and 99th percentile, in milliseconds."""
    ordered = sorted(seconds)
    return {
        "p50_ms": ordered[len(ordered) // 2] * 1e3,
        "p99_ms": ordered[min(len(ordered) - 1, math.ceil(len(ordered) * 0.99) - 1)] * 1e3,
    }


@contextmanager
def environment(**variables: str) -> Generator[None, None, None]:
    """Processes started meanwhile find these."""
    before = {name: os.environ[name] for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.update(before)


def rate(count: int, seconds: float) -> Figures:
    """So many in a second."""
    return {"rate": count / seconds}


def main(measures: dict[str, Callable[[Path, int], Figures]], serve: dict[str, Callable[[Path, int], None]]) -> None:
    """`python -m benches.contenders.NAME MEASURE FOLDER NUMBER`: print a line of JSON, or be a worker."""
    name, folder, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if name in serve:
        serve[name](folder, number)
    else:
        print(json.dumps(measures[name](folder, number)))
