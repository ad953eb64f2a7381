"""Planning costs what the edges of the event's own node cost: counted in lines of our code, no clock decides."""

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import penstock.models.graph
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.events import Finished
from penstock.models.graph.parts import Edge, Node
from penstock.models.graph.planner import Planner
from penstock.models.graph.scheme import Scheme
from tests.graphs.walk import begun

HOME = str(Path(str(penstock.models.graph.__file__)).parent)


def lines(work: Callable[[], None]) -> int:
    """How many lines of the package the work takes, those of each turn of a comprehension among them."""
    count = 0

    def local(_frame: FrameType, kind: str, _value: Any) -> Any:
        nonlocal count
        count += kind == "line"
        return local

    def called(frame: FrameType, _kind: str, _value: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(HOME) else None

    before = sys.gettrace()
    sys.settrace(called)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def chain(n: int) -> Blueprint:
    ids = [f"n{i}" for i in range(n)]
    edges = (Edge(source=a, target=b, when="output >= 0") for a, b in itertools.pairwise(ids))
    return Blueprint(id="g", nodes=tuple(Node(id=one, uses="t") for one in ids), edges=tuple(edges))


def fan(n: int) -> Blueprint:
    """1 -> n -> 1"""
    ids = [f"n{i}" for i in range(n)]
    nodes = tuple(Node(id=one, uses="t") for one in ("first", *ids, "last"))
    edges = [Edge(source="first", target=one) for one in ids] + [Edge(source=one, target="last") for one in ids]
    return Blueprint(id="g", nodes=nodes, edges=tuple(edges))


def skipped(n: int) -> Blueprint:
    """A first node after which all others are dead, one after another."""
    found = chain(n)
    first = Edge(source="n0", target="n1", when="false")
    return Blueprint(id="g", nodes=found.nodes, edges=(first, *found.edges[1:]))


def batch(n: int) -> Blueprint:
    node = Node(id="first", uses="t", inputs={"n": "nothing"})
    each = Node(id="all", uses="batch", params={"each": "t", "concurrency": 10})
    return Blueprint(id="g", nodes=(node, each), edges=(Edge(source="first", target="all", transform="context.items"),))


def planned(scheme: Scheme, context: dict[str, Any]) -> None:
    planner = Planner(scheme)
    rest = begun(planner.begin(context=context))
    while rest:
        key = rest.pop()
        rest += begun(planner.feed(Finished(key=key, output=1)))
    assert planner.state.status == "succeeded"


@pytest.mark.parametrize("shape", [chain, fan, skipped, batch])
def test_ten_times_the_nodes_are_ten_times_the_work(shape: Callable[[int], Blueprint]) -> None:
    def cost(n: int) -> int:
        plan = shape(n)
        scheme = Scheme(plan.id, plan.nodes, plan.edges)
        return lines(lambda: planned(scheme, {"items": list(range(n))}))

    small, large = cost(100), cost(1000)
    assert small > 100
    assert large <= small * 11


def test_an_event_in_a_large_graph_costs_what_it_costs_in_a_small_one() -> None:
    def cost(n: int) -> int:
        plan = fan(n)
        planner = Planner(Scheme(plan.id, plan.nodes, plan.edges))
        planner.begin()
        planner.feed(Finished(key="first", output=1))
        return lines([planner.feed(Finished(key=f"n{i}", output=1)) for i in range(5)].clear)

    assert cost(1000) == cost(10)


def test_ten_thousand_nodes_cost_as_much_each_as_a_thousand_do() -> None:
    """The issue's bound, 12x for 10x, in lines instead of seconds."""

    def cost(n: int) -> int:
        plan = fan(n)
        scheme = Scheme(plan.id, plan.nodes, plan.edges)
        return lines(lambda: planned(scheme, {}))

    assert cost(10_000) <= cost(1_000) * 10.5


def test_checking_and_compiling_are_linear_too() -> None:
    def cost(plan: Blueprint) -> int:
        return lines([Scheme(plan.id, plan.nodes, plan.edges), plan.analyze(), plan.lint()].clear)

    assert cost(chain(500)) <= cost(chain(50)) * 11
    assert cost(fan(500)) <= cost(fan(50)) * 11
