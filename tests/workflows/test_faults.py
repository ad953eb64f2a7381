"""The canonical workflow where any call of the store goes wrong, in every way: it ends as it does without."""

import random
import time
from pathlib import Path
from typing import cast

import pytest

from penstock import App, Keep, options
from penstock.core.requests import Send
from penstock.ports.store import Store
from tests.faults.faulty import FAULTS, Faulty
from tests.faults.scenes import PAIRS, SAMPLE, SEED, Shared
from tests.stores import open_empty
from tests.workflows.support import Stage
from tests.workflows.test_canonical import EFFECTS, WHOLE, approval, canonical


async def carried_out(backend: str, file: Path, faults: dict[int, str]) -> Faulty:
    """The workflow, from its enqueueing to its end; what was done and what came of it is as ever."""
    app = App("memory://", defaults=options(keep=Keep(succeeded=1e9, failed=1e9)))
    rehearsal = app.testing()
    store = await open_empty(backend, Shared(rehearsal), file)

    def pause(seconds: float) -> None:
        rehearsal._now += seconds

    faulty = Faulty(store, faults, pause)
    rehearsal._store = cast("Store", faulty)
    async with rehearsal:
        stage = Stage(app, rehearsal)
        fulfil = canonical(stage)
        run = await fulfil.enqueue(10)
        await store.signal(Send(name="approval", run_id=run.id, payload=approval.shape.encode("ann")))
        await rehearsal.advance("30d")
        faulty.over = True
        assert await run.result() == WHOLE, faults
        assert sorted(set(stage.ran)) == sorted(set(EFFECTS)), faults
        assert faulty.twice == [], faults
        assert await store.check() == []
    return faulty


class Progress:
    """Says on a terminal (`-s`) how far one case has come: a line for each tenth of it."""

    def __init__(self, case: str, whole: int) -> None:
        self._case, self._whole, self._done = case, whole, 0
        self._began = time.monotonic()

    def one(self) -> None:
        """One more has been seen through."""
        self._done += 1
        if self._done == self._whole or self._done * 10 // self._whole > (self._done - 1) * 10 // self._whole:
            spent = time.monotonic() - self._began
            print(f"{self._case}: {self._done} of {self._whole}, {spent:.0f} s", flush=True)  # noqa: T201


async def count_of(backend: str, folder: Path) -> int:
    return (await carried_out(backend, folder / "whole.db", {})).calls


@pytest.mark.parametrize("fault", FAULTS)
async def test_some_calls_go_wrong(backend: str, fault: str, tmp_path: Path) -> None:
    """S4-20, S4-56, X-04: some from its beginning to its end, others for each fault; the slow one tries them all."""
    calls = await count_of(backend, tmp_path)
    first = 1 + FAULTS.index(fault)
    for call in range(first, calls + 1, max(1, (calls - first) // SAMPLE)):
        await carried_out(backend, tmp_path / f"{call}.db", {call: fault})


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
async def test_any_call_goes_wrong(backend: str, fault: str, tmp_path: Path) -> None:
    """Each fault at each call of the store that the workflow makes."""
    calls = await count_of(backend, tmp_path)
    progress = Progress(f"{backend}, {fault}", calls)
    for call in range(1, calls + 1):
        await carried_out(backend, tmp_path / f"{call}.db", {call: fault})
        progress.one()


@pytest.mark.slow
async def test_two_calls_go_wrong(backend: str, tmp_path: Path) -> None:
    """Pairs at random, the same for a SEED; FAULTY_PAIRS says how many."""
    chance = random.Random(SEED)
    calls = await count_of(backend, tmp_path)
    progress = Progress(f"{backend}, pairs of seed {SEED}", PAIRS)
    for number in range(PAIRS):
        first, second = chance.sample(range(1, calls + 10), 2)
        faults = {first: chance.choice(FAULTS), second: chance.choice(FAULTS)}
        await carried_out(backend, tmp_path / f"{number}.db", faults)
        progress.one()
