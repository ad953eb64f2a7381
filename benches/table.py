"""From samples to the printed table: medians with their spread, the ratio to the best peer, and the targets."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TypeAlias

from benches.rows import OURS, Plan, Row

Samples: TypeAlias = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]  # measure, contender, one for each round


def table(plan: Plan, samples: Samples) -> str:
    """The table as Markdown that also reads well on a terminal."""
    head = ("", "unit", OURS, "min..max", *plan.peers, "ratio", f"bare {plan.bare}", "first", "moonshot")
    lines = [head, *(_line(plan, row, samples[row.measure]) for row in plan.rows if row.measure in samples)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    padded = ["| " + " | ".join(_pad(line, widths)) + " |" for line in lines]
    rule = "|" + "|".join("-" * (width + 2) if at < 2 else "-" * (width + 1) + ":" for at, width in enumerate(widths))
    return "\n".join([padded[0], rule + "|", *padded[1:]])


def figures(row: Row, found: Mapping[str, Sequence[Mapping[str, float]]], contender: str) -> list[float]:
    """What a contender reached in each round; nothing if it can't do that."""
    return [sample[row.figure] for sample in found.get(contender, ()) if row.figure in sample]


def ratio(plan: Plan, row: Row, found: Mapping[str, Sequence[Mapping[str, float]]]) -> float | None:
    """How many times better we are than the best peer; None: no peer does it."""
    ours = figures(row, found, OURS)
    theirs = [median(reached) for peer in plan.peers if (reached := figures(row, found, peer))]
    if not ours or not theirs:
        return None
    return median(ours) / max(theirs) if row.more_is_better else min(theirs) / median(ours)


def _line(plan: Plan, row: Row, found: Mapping[str, Sequence[Mapping[str, float]]]) -> tuple[str, ...]:
    ours = figures(row, found, OURS)
    better = ratio(plan, row, found)
    return (
        row.title,
        row.unit,
        shown(median(ours)) if ours else "-",
        f"{shown(min(ours))}..{shown(max(ours))}" if ours else "-",
        *(shown(median(reached)) if (reached := figures(row, found, peer)) else "-" for peer in plan.peers),
        "-" if better is None else f"{better:.1f} x",
        shown(median(bare)) if (bare := figures(row, found, plan.bare)) else "-",
        _target(row, row.first, ours),
        _target(row, row.moonshot, ours),
    )


def _target(row: Row, target: float | None, ours: Sequence[float]) -> str:
    if target is None:
        return "-"
    met = bool(ours) and (median(ours) >= target if row.more_is_better else median(ours) <= target)
    return f"{shown(target)} {'yes' if met else 'no'}"


def shown(value: float) -> str:
    """Three digits that matter."""
    if value >= 1000:
        return f"{round(value, -1) if value >= 10_000 else round(value):,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _pad(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.ljust(width) if at < 2 else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
