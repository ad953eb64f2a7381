"""An app in rehearsal on a store of any backend, with faults between the two; and how many of these are tried."""

import os
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import pytest

from penstock import App, Keep, options
from penstock.core.errors import Unavailable
from penstock.engine import patience
from penstock.ports.store import Store
from penstock.testing import Rehearsal
from tests.clock import FakeClock
from tests.faults.faulty import ALL, FAULTS, Died, Faulty
from tests.stores import open_empty

SAMPLE = int(os.environ.get("FAULTY_CALLS", "3"))  # of each fault, on each backend
PAIRS = int(os.environ.get("FAULTY_PAIRS", "60"))
SEED = int(os.environ.get("SEED", "1"))
AGAIN = frozenset({"crash before", "crash after", "pause"})  # after these, what was under way is carried out again
MOST = 10  # times that a caller asks for the same

T = TypeVar("T")


class Shared(FakeClock):
    """The clock of a rehearsal."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        super().__init__()
        self._rehearsal = rehearsal

    def __call__(self) -> float:
        return self._rehearsal.now


class Scene:
    """The app, its rehearsal, its faulty store, and what the bodies of its tasks have told."""

    def __init__(self, app: App, play: Rehearsal, store: Faulty) -> None:
        self.app = app
        self.play = play
        self.store = store
        self.ran = Counter[str]()


@asynccontextmanager
async def scene(backend: str, file: Path, faults: Mapping[int, str]) -> AsyncGenerator[Scene]:
    """A scene; in the end its store is sound."""
    app = App("memory://", defaults=options(keep=Keep(succeeded=1e9, failed=1e9)))
    rehearsal = app.testing()
    real = await open_empty(backend, Shared(rehearsal), file)

    def pause(seconds: float) -> None:
        rehearsal._now += seconds

    faulty = Faulty(real, faults, pause, ALL)
    rehearsal._store = cast("Store", faulty)
    async with rehearsal:
        yield Scene(app, rehearsal, faulty)
        assert await real.check() == [], faults


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """As a caller does that has heard nothing, or another in its place: ask for the same until it is answered."""
    for _ in range(MOST):
        try:
            return await call()
        except (Died, Unavailable):
            continue
    raise AssertionError("it was never answered")


class Play(Protocol):
    """Carries something out on a scene to its end, and says what came of it, the same each time."""

    async def __call__(self, scene: Scene) -> Any: ...


async def played(play: Play, backend: str, file: Path, faults: Mapping[int, str]) -> tuple[Any, Scene]:
    """What came of it, and the scene."""
    async with scene(backend, file, faults) as one:
        ended = await play(one)
        one.store.over = True
        assert one.store.twice == [], faults
    return ended, one


class Trial:
    """A play without faults, and then with them: it must come to the same."""

    def __init__(self, play: Play, backend: str, folder: Path) -> None:
        self._play = play
        self._backend = backend
        self._folder = folder
        self._calm: tuple[Any, Scene] | None = None
        self._number = 0

    async def calls(self) -> int:
        """How many calls of the store it makes."""
        self._calm = await played(self._play, self._backend, self._folder / "calm.db", {})
        return self._calm[1].store.calls

    async def befallen(self, faults: Mapping[int, str]) -> list[str]:
        """The operations that were struck. Bodies ran as often as without faults, and once more for what was lost."""
        assert self._calm is not None
        self._number += 1
        ended, one = await played(self._play, self._backend, self._folder / f"{self._number}.db", faults)
        expected, calm = self._calm
        assert ended == expected, faults
        more = sum(fault in AGAIN for fault in faults.values())
        wrong = {name: times for name, times in one.ran.items() if not calm.ran[name] <= times <= calm.ran[name] + more}
        assert not wrong, (faults, wrong)
        assert set(one.ran) == set(calm.ran), faults
        return one.store.struck


def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was not answered asks again at once."""
    monkeypatch.setattr(patience, "SHORTEST", 0.0)
    monkeypatch.setattr(patience, "LONGEST", 0.0)


async def some_calls_go_wrong(trial: Trial, fault: str) -> None:
    """Some calls from its beginning to its end, others for each fault."""
    calls = await trial.calls()
    first = 1 + FAULTS.index(fault)
    for call in range(first, calls + 1, max(1, (calls - first) // SAMPLE)):
        await trial.befallen({call: fault})


async def each_call_goes_wrong(trial: Trial, what: str, fault: str) -> None:
    """Each call; says on a terminal (`-s`) how many there were."""
    began = time.monotonic()
    calls = await trial.calls()
    struck = Counter[str]()
    for call in range(1, calls + 1):
        struck.update(await trial.befallen({call: fault}))
    assert struck.total() >= calls * 0.9  # one that goes well after all may make fewer than the one without
    _tell(f"{what}, {fault}: {struck.total()} of {calls} calls, {dict(struck)}", began)


async def pairs_go_wrong(trial: Trial, what: str) -> None:
    """PAIRS pairs at random, the same for a SEED."""
    began = time.monotonic()
    chance = random.Random(SEED)
    calls = await trial.calls()
    for _ in range(PAIRS):
        first, second = chance.sample(range(1, calls + 10), 2)
        await trial.befallen({first: chance.choice(FAULTS), second: chance.choice(FAULTS)})
    _tell(f"{what}: {PAIRS} pairs of seed {SEED}", began)


def _tell(line: str, began: float) -> None:
    print(f"{line}, {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
