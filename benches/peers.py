"""The environment of the peers: beside the project's own, made from the hashed list, kept until that list changes."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / ".bench-venv"
PINS: Final = ROOT / "requirements" / "bench.txt"
_DONE: Final = FOLDER / "installed-from"


def python() -> Path:
    """The interpreter of the peers' environment, which is made if it is not there. Raises `CalledProcessError`."""
    pins = hashlib.sha256(PINS.read_bytes()).hexdigest()
    found = FOLDER / "bin" / "python"
    if not _DONE.exists() or _DONE.read_text(encoding="utf-8") != pins:
        print("installing the peers into .bench-venv", file=sys.stderr)
        shutil.rmtree(FOLDER, ignore_errors=True)
        _install(found)
        _DONE.write_text(pins, encoding="utf-8")
    return found


def versions() -> dict[str, str]:
    """Peers by name, as pinned."""
    lines = PINS.read_text(encoding="utf-8").splitlines()
    pins = dict(line.split(" ", 1)[0].split("==", 1) for line in lines if "==" in line and not line.startswith(" "))
    return {name: pins[name] for name in ("huey", "dbos")}


def _install(found: Path) -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is not None:
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(FOLDER))
        _run(uv, "pip", "install", "--quiet", "--python", str(found), "--require-hashes", "-r", str(PINS))
    else:
        _run(sys.executable, "-m", "venv", str(FOLDER))
        _run(str(found), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(PINS))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT, timeout=600)
