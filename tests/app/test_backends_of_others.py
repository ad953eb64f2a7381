"""A backend that another package brings: found by its scheme, held by the same suite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio
from penstock import App

app = App("acme://anywhere")

@app.task
async def double(number: int) -> int:
    return 2 * number

async def main() -> None:
    async with app, app.worker():
        print(await (await double.enqueue(21)).result(timeout="30s"))

asyncio.run(main())
"""

MODULE = """
from penstock.backends.memory import MemoryStore

def from_url(url, *, namespace, clock):
    return MemoryStore(clock=clock)
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with a package as installers leave it."""
    (tmp_path / "acme_store.py").write_text(MODULE)
    facts = tmp_path / "acme_store-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-store\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[penstock.backends]\nacme = acme_store\nmemory = nowhere\n")
    return tmp_path


def python(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PENSTOCK_"))}
    where = os.pathsep.join([str(folder), str(Path.cwd())])
    return subprocess.run(
        [sys.executable, *arguments],
        env={**kept, "PYTHONPATH": where, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_scheme_that_a_package_adds_leads_to_its_store(installed: Path) -> None:
    ran = python(installed, "-c", PROGRAM)
    assert (ran.returncode, ran.stdout) == (0, "42\n"), ran.stderr


def test_what_is_ours_can_not_be_replaced(installed: Path) -> None:
    ran = python(installed, "-c", PROGRAM.replace("acme://anywhere", "memory://"))
    assert (ran.returncode, ran.stdout) == (0, "42\n"), ran.stderr


def test_the_refusal_of_a_scheme_names_those_that_packages_add(installed: Path) -> None:
    ran = python(installed, "-c", PROGRAM.replace("acme://", "acne://"))
    assert "acme://" in ran.stderr
    assert "Invalid: url" in ran.stderr


def test_the_conformance_suite_takes_it_by_its_scheme(installed: Path) -> None:
    suite = ("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/conformance/test_guards.py")
    ran = python(installed, *suite, BACKEND="acme", URL="acme://{file}")
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.startswith("..."), ran.stdout  # passed, none skipped
