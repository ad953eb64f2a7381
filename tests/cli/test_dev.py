"""`penstock dev` with real processes: one generation at a time, told by witnesses outside of the store."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from penstock import App
from penstock.cli.watching import changed, look
from tests.cli.test_processes import PATIENCE, environment, said, started

SHOP = """
import asyncio, os, time
from pathlib import Path
from penstock import App

def note(what: str) -> None:
    with Path("witness.txt").open("a") as file:
        file.write(f"{what} {os.getpid()}\\n")

def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

earlier = Path("witness.txt")
others = {int(line.split()[1]) for line in earlier.read_text().splitlines()} if earlier.exists() else set()
for other in others - {os.getpid()}:
    if alive(other):
        note("OVERLAP")
note("born")

app = App(name="shop")

@app.task
async def version() -> str:
    note("version")
    return "VERSION"

@app.task
async def hang() -> str:
    if not Path("hung.txt").exists():
        Path("hung.txt").touch()
        time.sleep(3600)
    note("unhung")
    return "VERSION"

@app.task
async def long() -> str:
    note("long")
    Path("long.txt").touch()
    await asyncio.sleep(0.2 if "VERSION" == "two" else 3600)
    return "VERSION"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write(tmp_path, "one")
    return tmp_path


def write(folder: Path, version: str) -> None:
    """The code of this version, put in place at once."""
    (folder / "shop.new").write_text(SHOP.replace("VERSION", version), encoding="utf-8")
    (folder / "shop.new").replace(folder / "shop.py")


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/penstock.db"


async def appears(app: App, folder: Path, name: str) -> None:
    """Return when a task has made this file."""
    while not (folder / name).exists():
        await app.info()


def witnesses(folder: Path) -> list[tuple[str, int]]:
    lines = (folder / "witness.txt").read_text(encoding="utf-8").splitlines()
    return [(what, int(pid)) for what, pid in (line.split() for line in lines)]


@pytest.mark.slow
async def test_new_code_is_carried_out_by_one_generation(shop: Path) -> None:
    """S2-09."""
    with started(shop, "dev", "shop:app") as process:
        async with App(url(shop)) as app:
            said(process.stderr, " started: ")
            for turn, version in enumerate(("one", "two", "three")):
                if turn:
                    write(shop, version)
                    said(process.stderr, "reloading")
                    said(process.stderr, " started: ")
                assert await (await app.enqueue("version")).result(timeout=PATIENCE) == version
            process.terminate()
            said(process.stderr, " stopped: ")
            assert process.wait(PATIENCE) == 0
            assert [worker.worker for worker in await app.workers()] == []
    seen = witnesses(shop)
    assert "OVERLAP" not in {what for what, _ in seen}
    born = [pid for what, pid in seen if what == "born"]
    assert seen == [(what, pid) for pid in born for what in ("born", "version")]
    assert len(set(born)) == 3


@pytest.mark.slow
async def test_runs_of_the_old_generation_are_handed_back_for_free(shop: Path) -> None:
    """S2-08."""
    with started(shop, "dev", "shop:app", "--grace", "0s") as process:
        async with App(url(shop)) as app:
            said(process.stderr, " started: ")
            run = await app.enqueue("long")
            await appears(app, shop, "long.txt")
            write(shop, "two")
            assert await run.result(timeout=PATIENCE) == "two"
            status = await run.status()
            assert (status.attempts, status.crashes, status.releases) == (1, 0, 1)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert "OVERLAP" not in {what for what, _ in witnesses(shop)}


@pytest.mark.slow
async def test_a_generation_that_hangs_is_killed_and_its_run_begins_again(shop: Path) -> None:
    """S2-26: the killed one's lease runs out, and its successor takes the run up."""
    with started(shop, "dev", "shop:app", "--grace", "0s", "--lease", "1s") as process:
        async with App(url(shop)) as app:
            said(process.stderr, " started: ")
            run = await app.enqueue("hang")
            await appears(app, shop, "hung.txt")
            write(shop, "two")
            said(process.stderr, "it was killed")
            assert await run.result(timeout=PATIENCE) == "two"
            assert (await run.status()).crashes == 1
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert [what for what, _ in witnesses(shop)] == ["born", "born", "unhung"]


@pytest.mark.slow
async def test_broken_code_is_waited_out(shop: Path) -> None:
    with started(shop, "dev", "shop:app") as process:
        said(process.stderr, " started: ")
        (shop / "shop.py").write_text("def (", encoding="utf-8")
        said(process.stderr, "begins anew when a file changes")
        write(shop, "two")
        said(process.stderr, " started: ")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


@contextmanager
def orphaned(folder: Path) -> Generator[subprocess.Popen[str]]:
    """A generation whose parent is killed."""
    with started(folder, "dev", "shop:app", "--grace", "0s") as process:
        said(process.stderr, " started: ")
        process.kill()
        yield process


async def test_a_generation_ends_with_its_parent(shop: Path) -> None:
    """Killed, not stopped: else there would be two of them once it is started again."""
    with orphaned(shop) as process:
        said(process.stderr, " stopped: ")
    assert [what for what, _ in witnesses(shop)] == ["born"]


def test_what_makes_no_sense_is_refused(shop: Path) -> None:
    for words in ((), ("shop:app", "--watch", "nowhere"), ("shop:app", "--grace", "soon")):
        command = [sys.executable, "-m", "penstock.cli", "dev", *words]
        ended = subprocess.run(
            command, cwd=shop, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert ended.returncode == 2, words


def test_what_is_written_made_or_removed_has_changed(tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "c.txt", ".hidden/d.py", "__pycache__/e.py", "deep/er/f.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    before = look([tmp_path])
    assert {Path(path).name for path in before} == {"a.py", "b.py", "f.py"}
    assert changed(before, look([tmp_path])) == []
    (tmp_path / "a.py").write_text("22")
    (tmp_path / "b.py").unlink()
    (tmp_path / "deep" / "g.py").touch()
    found = changed(before, look([tmp_path]))
    assert [os.path.relpath(path, tmp_path) for path in found] == ["a.py", "b.py", "deep/g.py"]
    assert look([tmp_path / "nowhere"]) == {}
