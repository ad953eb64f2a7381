"""Our graphs of no-op nodes, each alone in one process; from before they are stored to their result."""

import itertools
import math
import time
from collections.abc import Iterable
from typing import Any, Final

from benches.contenders.meter import Figures
from penstock import App, Blueprint

SLOTS: Final = 100  # runs at once in the worker
TENTH: Final = 10  # a chain has so many times fewer nodes: it shows the time for each


async def graphs(app: App, count: int) -> Figures:
    """Nodes a second: of a chain of a tenth as many nodes, of 1 -> `count` -> 1, and of a square grid of `count`."""

    @app.task
    async def node(given: Any = None) -> int:
        return 1 if given is None else 2

    side = math.isqrt(count)
    shapes = {"chain": chain(count // TENTH), "fan": fan(count), "grid": grid(side, side)}
    async with app, app.worker(concurrency=SLOTS):
        await (await app.start(chain(3))).result()
        return {name: await _rate(app, shape) for name, shape in shapes.items()}


async def _rate(app: App, shape: Blueprint) -> float:
    began = time.monotonic()
    result = await (await app.start(shape)).result()
    seconds = time.monotonic() - began
    if {one.status for one in result.nodes.values()} != {"succeeded"}:
        raise RuntimeError(f"not all nodes of {shape.id} have run")
    return len(result.nodes) / seconds


def chain(length: int) -> Blueprint:
    """Nodes, one after another."""
    names = [f"n{number}" for number in range(length)]
    return _drawn("chain", names, itertools.pairwise(names))


def fan(width: int) -> Blueprint:
    """One node, so many after it, one after all of these."""
    names = [f"n{number}" for number in range(width)]
    edges = [("first", one) for one in names] + [(one, "last") for one in names]
    return _drawn("fan", ["first", *names, "last"], edges)


def grid(rows: int, columns: int) -> Blueprint:
    """Rows and columns of nodes: each after the one above it and the one on its left."""
    places = list(itertools.product(range(rows), range(columns)))
    across = [(_place(r, c), _place(r, c + 1)) for r, c in places if c + 1 < columns]
    down = [(_place(r, c), _place(r + 1, c)) for r, c in places if r + 1 < rows]
    return _drawn("grid", [_place(r, c) for r, c in places], across + down)


def _place(row: int, column: int) -> str:
    return f"r{row}c{column}"


def _drawn(name: str, nodes: list[str], edges: Iterable[tuple[str, str]]) -> Blueprint:
    return Blueprint.from_dict(
        {
            "id": name,
            "nodes": [{"id": one, "uses": "node"} for one in nodes],
            "edges": [{"source": source, "target": target} for source, target in edges],
        }
    )
