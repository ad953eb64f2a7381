"""What a plan of measurements is made of: contenders, measures, rows of the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

OURS: Final = "penstock"


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing done by every contender that can do it; the counts are how much of it, whole and in a quick run."""

    name: str
    counts: dict[str, tuple[int, int]]
    what: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a figure of a measure, and what we want of it; None: nothing is said for this backend."""

    title: str
    measure: str
    figure: str
    unit: str
    first: float | None = None
    moonshot: float | None = None
    more_is_better: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured of whom on one backend."""

    name: str
    title: str
    peers: tuple[str, ...]
    bare: str  # the contender that is no queue: what the store itself gives
    programs: Mapping[str, str]  # a module of Python, or a file for Node, of each contender
    measures: tuple[Measure, ...]
    rows: tuple[Row, ...]

    @property
    def contenders(self) -> tuple[str, ...]:
        """In the order in which each measure is taken of them."""
        return (OURS, *self.peers, self.bare)
