"""`make bench-plots`: the tables and plots of docs/why/speed.md, written anew from the stored results.

Whole results of benches/results take the place of those that the page was made from; quick ones only with --quick.
"""

import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benches import peers, stored  # noqa: E402 (run as a program, from anywhere)
from benches.plan_redis import REDIS  # noqa: E402
from benches.plan_sqlite import SQLITE  # noqa: E402
from benches.rows import Plan  # noqa: E402
from benches.stored import Results  # noqa: E402
from benches.table import table  # noqa: E402

PAGE: Final = ROOT / "docs" / "why" / "speed.md"
FOLDER: Final = ROOT / "docs" / "why" / "speed"
PLANS: Final = (SQLITE, REDIS)


def main() -> int:
    """Take over new results, write tables, draw plots. Returns 1 if there was nothing to write."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="take over results of quick runs, too")
    quick = parser.parse_args().quick
    FOLDER.mkdir(exist_ok=True)
    for plan in PLANS:
        _take_over(plan, quick=quick)
    there = [plan for plan in PLANS if _results(plan).exists()]
    page = PAGE.read_text(encoding="utf-8")
    for plan in there:
        page = _with_table(page, plan)
    PAGE.write_text(page, encoding="utf-8")
    _draw(there)
    return 0 if there else 1


def _results(plan: Plan) -> Path:
    return FOLDER / f"{plan.name}.json"


def _take_over(plan: Plan, *, quick: bool) -> None:
    path = stored.FOLDER / f"{plan.name}.json"
    if not path.exists():
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    missing = {measure.name for measure in plan.measures} - found["measures"].keys()
    if missing or (found["quick"] and not quick):
        why = f"without {', '.join(sorted(missing))}" if missing else "of a quick run"
        print(f"{path.relative_to(ROOT)} is {why}: the page keeps what it has", file=sys.stderr)
        return
    for measured in found["measures"].values():  # who failed at what, without the places of this machine
        measured["failures"] = [failure.partition(":")[0] for failure in measured["failures"]]
    _results(plan).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _with_table(page: str, plan: Plan) -> str:
    """The page with what is between the plan's two marks made anew. Raises `ValueError` if they are not there."""
    begin, end = f"<!-- results: {plan.name} -->\n", f"<!-- end of results: {plan.name} -->"
    results = Results.read(_results(plan))
    before, rest = page.split(begin, 1) if begin in page else _unmarked(begin)
    _, after = rest.split(end, 1) if end in rest else _unmarked(end)
    plot = f"![Plots of the figures on {plan.title}](speed/{plan.name}.png)"
    return f"{before}{begin}\n{results.title(plan)}.\n\n{table(plan, results.samples)}\n\n{plot}\n\n{end}{after}"


def _unmarked(mark: str) -> tuple[str, str]:
    raise ValueError(f"{PAGE.relative_to(ROOT)} has no line {mark.strip()!r}: put it where the results belong")


def _draw(plans: list[Plan]) -> None:
    named = [word for plan in plans for word in (str(_results(plan)), plan.name, str(FOLDER / f"{plan.name}.png"))]
    subprocess.run([*peers.python("sqlite").command, "benches.plots", *named], check=True, cwd=ROOT, timeout=300)


if __name__ == "__main__":
    sys.exit(main())
