"""`make bench`: Penstock on SQLite beside two installed peers, in one run, one after the other in each round.

Each measurement is a fresh process in a fresh folder on a real disk. A figure means something only beside those of its
own run. Docs: docs/why/speed.md.
"""

import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benches import peers  # noqa: E402 (run as a program, from anywhere)
from benches.rows import BARE, CONTENDERS, MEASURES, MODULES, OURS, Measure  # noqa: E402
from benches.table import shown, table  # noqa: E402

RESULTS: Final = ROOT / "benches" / "results" / "latest.json"
TIMEOUT: Final = 600.0  # seconds for one measurement


def main() -> int:
    """Measure, print, store. Returns 1 if one of ours failed."""
    asked = _arguments()
    folder = _real_disk(Path(asked.folder))
    pythons = {OURS: sys.executable, BARE: sys.executable}
    if not asked.no_peers:
        interpreter = str(peers.python())
        pythons |= dict.fromkeys(peers.versions(), interpreter)
    measures = [measure for measure in MEASURES if not asked.only or measure.name in asked.only]
    began = time.monotonic()
    samples, failures = _rounds(measures, pythons, folder, asked)
    print(f"\n{_about(asked, time.monotonic() - began)}\n\n{table(samples)}\n")
    for measure in measures:
        print(f"{measure.name}: {measure.what}; {_counts(measure, asked.quick)}")
    _store(asked, samples, failures)
    for failure in failures:
        print(f"\nFAILED {failure}")
    return 1 if any(failure.startswith(OURS) for failure in failures) else 0


def _arguments() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=3, help="rounds; 1 also measures less (--quick)")
    parser.add_argument("--only", action="append", metavar="NAME", choices=[measure.name for measure in MEASURES])
    parser.add_argument("--quick", action="store_true", help="measure less of everything")
    parser.add_argument("--whole", action="store_true", help="measure everything, even in one round")
    parser.add_argument("--no-peers", action="store_true", help="ours alone: nothing to compare it with")
    parser.add_argument("--folder", default=str(ROOT / ".out" / "bench"), help="on the disk to measure")
    asked = parser.parse_args()
    asked.quick = asked.quick or (asked.iterations == 1 and not asked.whole)
    return asked


def _rounds(
    measures: list[Measure], pythons: dict[str, str], folder: Path, asked: Namespace
) -> tuple[dict[str, dict[str, list[dict[str, float]]]], list[str]]:
    samples: dict[str, dict[str, list[dict[str, float]]]] = {measure.name: {} for measure in measures}
    failures: list[str] = []
    for number in range(1, asked.iterations + 1):
        for measure in measures:
            said: list[str] = []
            for contender in CONTENDERS:
                if contender not in measure.counts or contender not in pythons:
                    continue
                count = measure.counts[contender][1 if asked.quick else 0]
                try:
                    found = _measure(pythons[contender], contender, measure.name, count, folder)
                except (subprocess.SubprocessError, ValueError) as error:
                    failures.append(f"{contender} {measure.name} in round {number}: {_told(error)}")
                    said.append(f"{contender} FAILED")
                    continue
                samples[measure.name].setdefault(contender, []).append(found)
                said.append(f"{contender} {' '.join(f'{name} {shown(value)}' for name, value in found.items())}")
            print(f"{number}/{asked.iterations} {measure.name}: {', '.join(said)}", file=sys.stderr, flush=True)
    return samples, failures


def _measure(python: str, contender: str, name: str, count: int, folder: Path) -> dict[str, float]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    process = subprocess.Popen(
        [python, "-m", MODULES[contender], name, str(folder), str(count)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=TIMEOUT)
    except BaseException:
        os.killpg(process.pid, 9)  # its workers, too
        process.wait()
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, out, err)
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found


def _told(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return "\n".join(str(error.stderr).strip().splitlines()[-15:])
    return str(error)


def _real_disk(folder: Path) -> Path:
    """The folder, made. Raises `SystemExit` if what is written there would stay in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    found = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], check=True, capture_output=True, text=True).stdout
    if found.strip() in {"tmpfs", "ramfs"}:
        raise SystemExit(f"{folder} is in memory ({found.strip()}): name a folder on a disk with --folder")
    return folder


def _about(asked: Namespace, seconds: float) -> str:
    names = ", ".join(f"{name} {version}" for name, version in peers.versions().items())
    return (
        f"{asked.iterations} round{'s' * (asked.iterations > 1)}{' (quick)' * asked.quick} in {seconds:.0f} s; "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}; beside {names}"
    )


def _counts(measure: Measure, quick: bool) -> str:  # noqa: FBT001 (which of the two counts)
    return ", ".join(f"{name} {counts[1 if quick else 0]:,}" for name, counts in measure.counts.items())


def _store(asked: Namespace, samples: dict[str, dict[str, list[dict[str, float]]]], failures: list[str]) -> None:
    found: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "iterations": asked.iterations,
        "quick": asked.quick,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "peers": peers.versions(),
        "samples": samples,
        "failures": failures,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
