"""Several processes on one file, processes that are killed, and files that lost their end."""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pytest

from penstock.backends.sqlite import writer
from penstock.backends.sqlite.session import Session
from penstock.core.errors import Unavailable
from penstock.core.state import State
from tests.sqlite import worker
from tests.sqlite.acts import claim, opened, put, runs

ROOT = Path(__file__).parents[2]


@contextmanager
def started(*arguments: str) -> Generator[subprocess.Popen[str]]:
    """The program in a process of its own; gone when the test is over."""
    process = subprocess.Popen(
        [sys.executable, worker.__file__, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def test_three_processes_complete_each_run_once(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    store = await opened(file)
    new = runs(600)
    await put(store, *new)
    with (
        started("drain", str(file), "a") as a,
        started("drain", str(file), "b") as b,
        started("drain", str(file), "c") as c,
    ):
        done = [(await asyncio.to_thread(process.communicate, timeout=60))[0].split() for process in (a, b, c)]
    assert sorted(chain.from_iterable(done)) == sorted(run.id for run in new)
    assert all(done), "each had its turn"
    assert await store.check() == []
    await store.close()


def acknowledged(process: subprocess.Popen[str], commits: int) -> set[str]:
    """The ids of what was said to be stored, when so many commits have been."""
    assert process.stdout is not None
    stored: set[str] = set()
    while commits:
        line = process.stdout.readline().split()
        assert line, "the program has ended"
        stored |= set(line[1:])
        commits -= 1
    return stored


@pytest.mark.parametrize("seed", range(3))
async def test_what_a_killed_process_acknowledged_is_there(tmp_path: Path, seed: int) -> None:
    """Each time it is killed in the middle of its work; the file is sound, and others go on at once."""
    file = tmp_path / "store.db"
    stored: set[str] = set()
    for life in range(2):
        with started("load", str(file), str(seed * 10 + life)) as process:
            stored |= await asyncio.to_thread(acknowledged, process, 12 + seed)
            process.send_signal(signal.SIGKILL)
            process.wait()
        store = await opened(file)
        assert None not in await store.get(sorted(stored))
        assert await store.check() == []
        await put(store, *runs(1))
        await store.close()


@pytest.mark.parametrize("seed", range(6))
async def test_a_log_that_lost_its_end_is_a_shorter_story(tmp_path: Path, seed: int) -> None:
    """Cut anywhere, or damaged there: the commits before are whole, the one that was hit is not there at all."""
    chance = random.Random(seed)
    file, cut = tmp_path / "store.db", tmp_path / "cut.db"
    store = await opened(file)
    await store._writer.do(_no_checkpoints)
    groups = [runs(chance.randrange(1, 40), size=chance.randrange(500)) for _ in range(12)]
    for group in groups:
        await put(store, *group)
        await claim(store, 3)
    shutil.copy(file, cut)
    log = file.with_name("store.db-wal").read_bytes()
    at = chance.randrange(32, len(log))
    cut.with_name("cut.db-wal").write_bytes(log[:at] if seed % 2 else log[:at] + b"\xff" * 64 + log[at + 64 :])
    await store.close()

    found = await opened(cut)
    assert await found.check() == []
    there = [[run is not None for run in await found.get([one.id for one in group])] for group in groups]
    assert all(all(group) or not any(group) for group in there), "no group in part"
    whole = [all(group) for group in there]
    assert whole == sorted(whole, reverse=True), "none after one that is missing"
    await found.close()


def _no_checkpoints(session: Session) -> None:
    session.connection.execute("pragma wal_autocheckpoint = 0")


async def test_a_process_that_holds_the_file_up_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And if that takes too long, whoever asked hears that nothing was changed."""
    mine, other = await opened(tmp_path / "store.db"), await opened(tmp_path / "store.db")
    assert other._writer._turn.take(0)
    monkeypatch.setattr(writer, "PATIENCE", 0.05)
    with pytest.raises(Unavailable, match="busy") as trouble:
        await put(mine, *runs(1))
    assert trouble.value.applied == "no"
    monkeypatch.setattr(writer, "PATIENCE", 10.0)
    waiting = asyncio.create_task(put(mine, *runs(1)))
    await asyncio.sleep(0)
    other._writer._turn.give()
    await waiting
    assert [(one.state, one.n) for one in await mine.counts()] == [(State.QUEUED, 1)]
    await mine.close()
    await other.close()
