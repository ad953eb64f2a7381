"""`make bench`: Penstock on SQLite or Redis beside installed peers, in one run, one after the other in each round.

Each measurement is a fresh process in a fresh folder on a real disk, on Redis with a fresh server. A figure means
something only beside those of its own run. Docs: docs/why/speed.md.
"""

import os
import platform
import signal
import sqlite3
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benches import peers, server  # noqa: E402 (run as a program, from anywhere)
from benches.measuring import Measuring  # noqa: E402
from benches.plan_redis import REDIS  # noqa: E402
from benches.plan_sqlite import SQLITE  # noqa: E402
from benches.rows import OURS, Measure, Plan  # noqa: E402
from benches.stored import Results  # noqa: E402
from benches.table import shown, table  # noqa: E402

PLANS: Final = {"sqlite": SQLITE, "redis": REDIS}
AOF: Final = ("no", "everysec", "always")


def main() -> int:
    """Measure, print, store. Returns 1 if one of ours failed."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # either way what was started is ended
    folder = _real_disk(Path(asked.folder))
    plans = list(PLANS.values()) if asked.backend == "all" else [PLANS[asked.backend]]
    known = {measure.name for plan in plans for measure in plan.measures}
    if unknown := sorted(set(asked.only) - known):
        raise SystemExit(f"there is no measure {unknown[0]}: {', '.join(sorted(known))}")
    failed = [failure for plan in plans for failure in _measure(plan, asked, folder)]
    return 1 if any(failure.startswith(OURS) for failure in failed) else 0


def _arguments() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=[*PLANS, "all"], default="sqlite")
    parser.add_argument("--iterations", type=int, default=3, help="rounds; 1 also measures less (--quick)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="one measure; the others stay stored"
    )
    parser.add_argument("--quick", action="store_true", help="measure less of everything")
    parser.add_argument("--whole", action="store_true", help="measure everything, even in one round")
    parser.add_argument("--no-peers", action="store_true", help="ours alone: nothing to compare it with")
    parser.add_argument("--aof", choices=AOF, default="no", help="the append-only file of the Redis that is measured")
    parser.add_argument("--folder", default=str(ROOT / ".out" / "bench"), help="on the disk to measure")
    asked = parser.parse_args()
    asked.quick = asked.quick or (asked.iterations == 1 and not asked.whole)
    return asked


def _measure(plan: Plan, asked: Namespace, folder: Path) -> list[str]:
    name = plan.name if asked.aof == "no" or plan is not REDIS else f"{plan.name}-aof-{asked.aof}"
    about = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "store": _store(plan, asked),
        "iterations": asked.iterations,
        "quick": asked.quick,
        "peers": peers.versions(plan.name),
    }
    results = Results.begun(name, about, keep=bool(asked.only))
    measuring = Measuring(folder, _environments(plan, asked), asked.aof if plan is REDIS else None)
    measures = [measure for measure in plan.measures if not asked.only or measure.name in asked.only]
    began = time.monotonic()
    for measure in measures:
        results.forget(measure.name)
    for number in range(1, asked.iterations + 1):
        for measure in measures:
            said = _round(plan, measure, measuring, results, quick=asked.quick)
            print(f"{number}/{asked.iterations} {measure.name}: {', '.join(said)}", file=sys.stderr, flush=True)
            results.store()
    print(f"\n{results.title(plan)}; {time.monotonic() - began:.0f} s\n\n{table(plan, results.samples)}\n")
    for measure in measures:
        counts = ", ".join(f"{one} {count[asked.quick]:,}" for one, count in measure.counts.items())
        print(f"{measure.name}: {measure.what}; {counts}")
    failures = [failure for measure in measures for failure in results.failures(measure.name)]
    for failure in failures:
        print(f"\nFAILED {failure}")
    return failures


def _round(plan: Plan, measure: Measure, measuring: Measuring, results: Results, *, quick: bool) -> list[str]:
    said: list[str] = []
    for contender in plan.contenders:
        if contender not in measure.counts or contender not in measuring.environments:
            continue
        try:
            found = measuring.measured(
                contender, plan.programs[contender], measure.name, measure.counts[contender][quick]
            )
        except (subprocess.SubprocessError, ValueError, RuntimeError) as error:
            results.add_failure(measure.name, f"{contender} {measure.name}: {_told(error)}")
            said.append(f"{contender} FAILED")
            continue
        results.add(measure.name, contender, found)
        said.append(f"{contender} {' '.join(f'{name} {shown(value)}' for name, value in found.items())}")
    return said


def _environments(plan: Plan, asked: Namespace) -> dict[str, peers.Environment]:
    own = peers.Environment((sys.executable, "-m"))
    found = {OURS: own, plan.bare: own}
    if asked.no_peers:
        return found
    others = peers.python(plan.name)
    on_node = [peer for peer in plan.peers if plan.programs[peer].endswith(".cjs")]
    found |= {peer: others for peer in plan.peers if peer not in on_node}
    if on_node and (node := peers.node()) is not None:
        found |= dict.fromkeys(on_node, node)
    return found


def _store(plan: Plan, asked: Namespace) -> str:
    if plan is SQLITE:
        return f"SQLite {sqlite3.sqlite_version}"
    return f"Redis {server.version()}, append-only file: {asked.aof}"


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


if __name__ == "__main__":
    sys.exit(main())
