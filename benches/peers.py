"""The environments of the peers: beside the project's own, made from pinned lists, kept until these change."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / ".bench"
PINS: Final = {
    "sqlite": ROOT / "requirements" / "bench.txt",
    "redis": ROOT / "requirements" / "bench-redis.txt",
    "node": ROOT / "benches" / "node" / "package.json",
}
NODE: Final = 18  # the oldest that BullMQ's connections are made for
_NAMED: Final = {
    "sqlite": {"huey": "huey", "dbos": "dbos"},
    "redis": {"bullmq": "bullmq py", "dramatiq": "dramatiq", "saq": "saq", "taskiq": "taskiq", "huey": "huey"},
}
_SETTING: Final = {"redis": ("taskiq-redis", "redis", "hiredis", "uvloop")}


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a peer lives: how its program is started, and what it must find in its environment."""

    command: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()


def python(backend: str) -> Environment:
    """The peers of a backend, which are installed if they are not there. Raises `CalledProcessError`."""
    place = FOLDER / backend
    found = place / "bin" / "python"
    if not _installed(backend):
        shutil.rmtree(place, ignore_errors=True)
        uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
        pins = ("--require-hashes", "-r", str(PINS[backend]))
        if uv is not None:
            _run(uv, "venv", "--quiet", "--python", sys.executable, str(place))
            _run(uv, "pip", "install", "--quiet", "--python", str(found), *pins)
        else:
            _run(sys.executable, "-m", "venv", str(place))
            _run(str(found), "-m", "pip", "install", "--quiet", *pins)
        _note(backend)
    return Environment((str(found), "-m"))


def node() -> Environment | None:
    """The peers on Node, which are installed if they are not there. None, and a word why: there is no Node or npm."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        missing = "node" if program is None else "npm"
        print(f"{missing} is not installed: BullMQ on Node is left out (its column says -)", file=sys.stderr)
        return None
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, timeout=30).stdout
    if int(said.strip().lstrip("v").split(".")[0]) < NODE:
        print(f"node is {said.strip()}, and at least {NODE} is needed: BullMQ on Node is left out", file=sys.stderr)
        return None
    place = FOLDER / "node"
    if not _installed("node"):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        shutil.copy(PINS["node"], place)
        _run(npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place))
        _note("node")
    return Environment((program,), (("PENSTOCK_BENCH_NODE", str(place)),))


def versions(backend: str) -> dict[str, str]:
    """What was measured beside ours, and what it stands on, as pinned."""
    lines = PINS[backend].read_text(encoding="utf-8").splitlines()
    pins = dict(line.split(" ", 1)[0].split("==", 1) for line in lines if "==" in line and not line.startswith(" "))
    found = {shown: pins[name] for name, shown in _NAMED[backend].items()}
    found |= {name: pins[name] for name in _SETTING.get(backend, ())}
    if backend == "redis":
        packages = json.loads(PINS["node"].read_text(encoding="utf-8"))["dependencies"]
        found |= {"bullmq node": packages["bullmq"], "ioredis": packages["ioredis"]}
    return found


def _installed(name: str) -> bool:
    done = FOLDER / name / "installed-from"
    if done.exists() and done.read_text(encoding="utf-8") == _state(name):
        return True
    print(f"installing the peers of {PINS[name].relative_to(ROOT)} into .bench/{name}", file=sys.stderr)
    return False


def _note(name: str) -> None:
    (FOLDER / name / "installed-from").write_text(_state(name), encoding="utf-8")


def _state(name: str) -> str:
    return hashlib.sha256(PINS[name].read_bytes()).hexdigest()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT, timeout=600)
