"""Is the suite awake? Each mutant breaks one rule in a copy of the tree; the tests named beside it must fail there.

The mutants are data: `mutants/*.toml`. With words, only those whose title or file has one of them.
"""

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parent.parent
JOBS = int(os.environ.get("JOBS") or 2)
PATIENCE = 240.0  # seconds; a mutant that hangs is caught, too
ALL = 1200.0  # ... for all tests at once, without any mutant
COPIED = ("src", "tests", "pyproject.toml")
# Of the installed plugins only what the conformance suite needs: loading the others takes longer than most tests.
QUIET = ("-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "pytest_asyncio.plugin")
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Fate(StrEnum):
    """What became of a mutant. All but the first are faults: of the tests, or of the list."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    NOT_FOUND = "NOT FOUND"  # its text does not stand in the file, or not once
    BROKEN = "BROKEN"  # nothing could be run: no such tests, or the mutant is no program


@dataclass(frozen=True)
class Mutant:
    """One line of one file, and the tests that must notice."""

    title: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    backend: str


def listed(words: list[str]) -> list[Mutant]:
    mutants: list[Mutant] = []
    for path in sorted((ROOT / "mutants").glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        for one in data["mutant"]:
            files, _, only = one["tests"].partition(" -k ")
            tests = tuple(f"tests/conformance/{name}" for name in files.split()) + (("-k", only) if only else ())
            file = f"{data['root']}/{one['file']}"
            old, new = one["old"].strip("\n"), one["new"].strip("\n")
            mutants.append(Mutant(one["title"], file, old, new, tests, data["backend"]))
    return [one for one in mutants if not words or any(word in f"{one.file} {one.title}" for word in words)]


def run_tests(copy: Path, backend: str, tests: tuple[str, ...], *, patience: float = PATIENCE) -> Fate:
    environment = {**os.environ, **ALONE, "BACKEND": backend, "PYTHONPATH": f"{copy}/src:{copy}"}
    command = [sys.executable, "-m", "pytest", *QUIET, *tests]
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, timeout=patience, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return Fate.CAUGHT
    return {0: Fate.SURVIVED, 1: Fate.CAUGHT}.get(done.returncode, Fate.BROKEN)


def fate_of(mutant: Mutant, copy: Path) -> Fate:
    """Break the copy, run the tests, mend it."""
    file = copy / mutant.file
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if text.count(mutant.old) != 1:
        return Fate.NOT_FOUND
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        return run_tests(copy, mutant.backend, mutant.tests)
    finally:
        file.write_text(text, encoding="utf-8")


def copy_of_the_tree(folder: Path) -> Path:
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def sleeping(mutants: list[Mutant], copy: Path) -> list[str]:
    """Without a mutant all these tests pass; else they would prove nothing. Names what does not."""
    files: dict[str, dict[str, None]] = {}
    for one in mutants:
        files.setdefault(one.backend, {}).update(dict.fromkeys(test for test in one.tests if test.startswith("tests/")))
    return [
        backend
        for backend, named in files.items()
        if run_tests(copy, backend, tuple(named), patience=ALL) is not Fate.SURVIVED
    ]


def board(mutants: list[Mutant], copies: list[Path]) -> list[Fate]:
    """Try all, some at a time, and say what became of each."""
    free: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)

    def tried(mutant: Mutant) -> tuple[Fate, float]:
        copy = free.get()
        begun = time.monotonic()
        try:
            return fate_of(mutant, copy), time.monotonic() - begun
        finally:
            free.put(copy)

    fates: list[Fate] = []
    with ThreadPoolExecutor(len(copies)) as pool:
        for mutant, (fate, seconds) in zip(mutants, pool.map(tried, mutants), strict=True):
            fates.append(fate)
            print(f"{fate:<10}{seconds:5.1f} s  {mutant.backend}: {mutant.title}", flush=True)
    return fates


def main(words: list[str]) -> int:
    mutants = listed(words)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [copy_of_the_tree(Path(folder) / str(n)) for n in range(max(1, JOBS))]
        if asleep := sleeping(mutants, copies[0]):
            print(f"without any mutant the tests fail on {', '.join(asleep)}: mend these first")
            return 2
        fates = board(mutants, copies)
    caught = fates.count(Fate.CAUGHT)
    print(f"{caught} of {len(mutants)} caught")
    return 0 if mutants and caught == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
