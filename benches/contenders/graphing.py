"""Our graphs of no-op nodes, each alone; from before they are stored to their result."""

import itertools
import math
import time
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any, Final

from benches.contenders.meter import FILLER, Figures
from penstock import App, Blueprint

SLOTS: Final = 100  # runs at once in the worker
TENTH: Final = 10  # a chain has so many times fewer nodes: it shows the time for each
ROUNDS: Final = 3  # of small and large graphs, in turns
NODE: Final[Mapping[str, Any]] = {"uses": "node"}
JOB: Final[Mapping[str, Any]] = {"uses": "job", "params": {"number": 0, "filler": FILLER}}


async def graphs(app: App, count: int) -> Figures:
    """Nodes a second: of a chain of a tenth as many nodes, of 1 -> `count` -> 1, and of a square grid of `count`."""

    @app.task
    async def node(given: Any = None) -> int:
        return 1 if given is None else 2

    side = math.isqrt(count)
    shapes = {"chain": chain(count // TENTH), "fan": fan(count), "grid": grid(side, side)}
    async with app, app.worker(concurrency=SLOTS):
        await (await app.start(chain(3))).result()
        return {name: len(shape.nodes) / await _seconds(app, shape) for name, shape in shapes.items()}


async def growth(app: App, count: int) -> Figures:
    """How many times as long graphs of so many nodes take as those of a tenth; the workers are elsewhere."""
    await (await app.start(chain(3, JOB))).result()
    sizes = (count // TENTH, count)
    drawn = {name: [draw(size) for size in sizes] for name, draw in {"fan": _fan_of, "grid": _grid_of}.items()}
    figures: Figures = {}
    for name, shapes in drawn.items():
        took = [[await _seconds(app, shape) for shape in shapes] for _ in range(ROUNDS)]
        small, large = (median(times) for times in zip(*took, strict=True))
        figures[f"{name}_times"] = large / small
    return figures


def _fan_of(nodes: int) -> Blueprint:
    return fan(nodes, JOB)


def _grid_of(nodes: int) -> Blueprint:
    return grid(math.isqrt(nodes), math.isqrt(nodes), JOB)


async def _seconds(app: App, shape: Blueprint) -> float:
    began = time.monotonic()
    result = await (await app.start(shape)).result()
    seconds = time.monotonic() - began
    if {one.status for one in result.nodes.values()} != {"succeeded"}:
        raise RuntimeError(f"not all nodes of {shape.id} have run")
    return seconds


def chain(length: int, node: Mapping[str, Any] = NODE) -> Blueprint:
    """Nodes, one after another."""
    names = [f"n{number}" for number in range(length)]
    return _drawn("chain", names, itertools.pairwise(names), node)


def fan(width: int, node: Mapping[str, Any] = NODE) -> Blueprint:
    """One node, so many after it, one after all of these."""
    names = [f"n{number}" for number in range(width)]
    edges = [("first", one) for one in names] + [(one, "last") for one in names]
    return _drawn("fan", ["first", *names, "last"], edges, node)


def grid(rows: int, columns: int, node: Mapping[str, Any] = NODE) -> Blueprint:
    """Rows and columns of nodes: each after the one above it and the one on its left."""
    places = list(itertools.product(range(rows), range(columns)))
    across = [(_place(r, c), _place(r, c + 1)) for r, c in places if c + 1 < columns]
    down = [(_place(r, c), _place(r + 1, c)) for r, c in places if r + 1 < rows]
    return _drawn("grid", [_place(r, c) for r, c in places], across + down, node)


def _place(row: int, column: int) -> str:
    return f"r{row}c{column}"


def _drawn(name: str, nodes: list[str], edges: Iterable[tuple[str, str]], node: Mapping[str, Any]) -> Blueprint:
    return Blueprint.from_dict(
        {
            "id": name,
            "nodes": [{"id": one, **node} for one in nodes],
            "edges": [{"source": source, "target": target} for source, target in edges],
        }
    )
