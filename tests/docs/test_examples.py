"""Every example prints what its docstring says."""

import ast
import os
import subprocess
import sys
from inspect import cleandoc
from pathlib import Path

import pytest

from tests.docs.pages import EXAMPLES, ROOT

SMALL = sorted(path for path in EXAMPLES.glob("*.py") if path.name != "index_folder.py")


def expected(example: Path) -> str:
    """What stands after "Prints:" in the docstring."""
    docstring = ast.get_docstring(ast.parse(example.read_text(encoding="utf-8"))) or ""
    return cleandoc(docstring.partition("rints:\n\n")[2])


def test_there_is_an_example_for_each_idea() -> None:
    assert len(SMALL) >= 10


@pytest.mark.parametrize("example", SMALL, ids=lambda path: path.stem)
def test_an_example_prints_what_it_says(example: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT / "src")},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == expected(example)
    assert done.stderr == ""
