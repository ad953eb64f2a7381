"""Build the wheel, install it into an empty environment, and see it as its users do: files, import, types, command."""

import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"

PROGRAM = """\
from typing import assert_type
import penstock
assert_type(penstock.__all__, list[str])
"""


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    subprocess.run([str(part) for part in command], check=True, cwd=cwd, stdin=subprocess.DEVNULL, timeout=300)


def build(into: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", into)
    (wheel,) = into.glob("*.whl")
    return wheel


def check_files(wheel: Path) -> None:
    """The wheel holds every file of the source that is not a trace of running it."""
    wanted = {
        path.relative_to(SOURCE).as_posix()
        for path in (SOURCE / "penstock").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    if missing := wanted - set(zipfile.ZipFile(wheel).namelist()):
        sys.exit(f"the wheel lacks {sorted(missing)}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder / "dist")
        check_files(wheel)
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / "bin" / "python"
        base = ROOT / "requirements" / "base.txt"
        run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", base)
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel)
        program = folder / "program.py"
        program.write_text(PROGRAM, encoding="utf-8")
        run(sys.executable, "-m", "mypy", "--strict", "--python-executable", python, program, cwd=folder)
        run(python, "-c", "import penstock; print(penstock.__file__)", cwd=folder)
        run(folder / "venv" / "bin" / "penstock", "--help", cwd=folder)


if __name__ == "__main__":
    main()
