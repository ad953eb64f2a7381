"""Plots of stored results as PNG: one panel for each row, a bar for each contender, our targets as lines.

Runs in the peers' environment, where matplotlib is: `python -m benches.plots RESULTS.json PLAN OUT.png ...`, in threes.
"""

import sys
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, Final

from benches.plan_redis import REDIS
from benches.plan_sqlite import SQLITE
from benches.rows import OURS, Plan, Row
from benches.stored import Results
from benches.table import Samples, figures, shown

PLANS: Final = {plan.name: plan for plan in (SQLITE, REDIS)}
COLUMNS: Final = 3
WIDE: Final = 20.0  # from the smallest figure to the largest: beyond that on a logarithmic scale
LEGEND: Final = (
    "↑ more is better, ↓ less is better; dashed: our first target (red), our moonshot (purple); "
    "thin lines: from the smallest round to the largest"
)
COLOURS: Final = {"ours": "#1f6f8b", "peer": "#b8b8b8", "bare": "#e3d9c3", "first": "#c0392b", "moonshot": "#8e44ad"}


def draw(plan: Plan, samples: Samples, path: Path) -> None:
    """Write the plot of every row of which there are figures."""
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("agg")
    matplotlib.rcParams["font.size"] = 8
    pyplot: Any = import_module("matplotlib.pyplot")
    rows = [row for row in plan.rows if any(_bars(plan, row, samples))]
    lines = -(-len(rows) // COLUMNS)
    figure, panels = pyplot.subplots(lines, COLUMNS, figsize=(10, 1.9 * lines), squeeze=False)
    for panel, row in zip(panels.flat, rows, strict=False):
        _panel(panel, plan, row, _bars(plan, row, samples))
    for panel in list(panels.flat)[len(rows) :]:
        panel.set_visible(False)
    figure.suptitle(LEGEND, fontsize=8)
    figure.tight_layout(rect=(0, 0, 1, 0.995))
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def _bars(plan: Plan, row: Row, samples: Samples) -> list[tuple[str, list[float]]]:
    found = samples.get(row.measure, {})
    return [(one, reached) for one in plan.contenders if (reached := figures(row, found, one))]


def _panel(panel: Any, plan: Plan, row: Row, bars: list[tuple[str, list[float]]]) -> None:
    names = [f"bare {name}" if name == plan.bare else name for name, _ in bars]
    heights = [median(reached) for _, reached in bars]
    around = [
        [high - min(reached) for high, (_, reached) in zip(heights, bars, strict=True)],
        [max(reached) - high for high, (_, reached) in zip(heights, bars, strict=True)],
    ]
    kinds = ["ours" if name == OURS else "bare" if name == plan.bare else "peer" for name, _ in bars]
    drawn = panel.barh(
        names, heights, xerr=around, color=[COLOURS[kind] for kind in kinds], error_kw={"linewidth": 0.7}
    )
    panel.bar_label(drawn, labels=[shown(height) for height in heights], padding=2, fontsize=7)
    if max(heights) > WIDE * min(heights) > 0:
        panel.set_xscale("log")
        panel.set_xlim(min(heights) / 2, max(heights) * 4)
    else:
        panel.margins(x=0.2)
    panel.invert_yaxis()
    panel.set_title(f"{row.title} ({row.unit}) {'↑' if row.more_is_better else '↓'}", fontsize=8)
    for name in ("first", "moonshot"):
        target = getattr(row, name)
        if target is not None:
            panel.axvline(target, color=COLOURS[name], linewidth=0.8, linestyle="--")
    panel.tick_params(axis="x", labelsize=7)
    panel.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Draw what is named."""
    named = sys.argv[1:]
    for results, plan, out in zip(named[::3], named[1::3], named[2::3], strict=True):
        draw(PLANS[plan], Results.read(Path(results)).samples, Path(out))


if __name__ == "__main__":
    main()
