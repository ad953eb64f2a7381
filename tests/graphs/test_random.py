"""Random graphs, outcomes and orders against an evaluator that knows no events: it asks of each node what it comes to.

Also that the order of events does not decide what runs, that a stored state goes on alike, and that histories replay.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.error_record import ErrorRecord
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.events import Decided, Fail, Failed, Finished, Start, Succeed
from penstock.models.graph.history import History
from penstock.models.graph.planner import Planner
from penstock.models.graph.scheme import Scheme
from penstock.models.graph.state import GraphState

SETTLED = {"succeeded", "failed", "rescued", "skipped", "barred"}


@dataclass
class Case:
    """A graph whose edges lead from lower to higher nodes, and what each node comes to when it runs."""

    nodes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    edges: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    outputs: list[int] = field(default_factory=list[int])
    actions: list[str | None] = field(default_factory=list[str | None])
    fails: list[bool] = field(default_factory=list[bool])

    def blueprint(self) -> Blueprint:
        return Blueprint.from_dict({"id": "g", "nodes": self.nodes, "edges": self.edges})


ACTIONS = st.sampled_from([None, "x", "y"])


@st.composite
def cases(draw: st.DrawFn, *, policies: tuple[str, ...] = ("continue", "ignore", "remove")) -> Case:
    size = draw(st.integers(1, 9))
    case = Case()
    stand_ins = draw(st.lists(st.integers(0, size - 1), max_size=2, unique=True))
    for i in range(size):
        config = {"join": draw(st.sampled_from(["all", "any"])), "if_fails": draw(st.sampled_from(policies))}
        case.nodes.append({"id": f"n{i}", "uses": "t", "config": config})
        case.outputs.append(draw(st.integers(0, 3)))
        case.actions.append(draw(ACTIONS))
        case.fails.append(draw(st.integers(0, 4)) == 0)
    for i in range(size):
        for j in range(i + 1, size):
            if draw(st.integers(0, 2)) == 0:
                bound = draw(st.none() | st.integers(0, 3))
                edge = {"source": f"n{i}", "target": f"n{j}", "action": draw(ACTIONS)}
                edge["when"] = None if bound is None else f"output == null || output >= {bound}"
                if draw(st.booleans()):
                    edge["transform"] = "[output]"
                case.edges.append(edge)
    for number, i in enumerate(stand_ins):  # a fallback each, which may go on by itself
        case.nodes[i]["config"]["fallback"] = f"f{number}"
        case.nodes.append({"id": f"f{number}", "uses": "t"})
        case.outputs.append(draw(st.integers(0, 3)))
        case.actions.append(draw(ACTIONS))
        case.fails.append(draw(st.booleans()))
        for j in range(i + 1, size):
            if draw(st.integers(0, 3)) == 0:
                case.edges.append({"source": f"f{number}", "target": f"n{j}", "action": draw(ACTIONS)})
    return case


class Naive:
    """What each node comes to, by asking those before it: no events, no order, no counters."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.at = {node["id"]: i for i, node in enumerate(case.nodes)}
        self.primary = {
            node["config"]["fallback"]: node["id"] for node in case.nodes if "fallback" in node.get("config", {})
        }
        self.known: dict[str, str] = {}

    def status(self, node: str) -> str:
        if node not in self.known:
            self.known[node] = self._status(node)
        return self.known[node]

    def runs(self, node: str) -> bool:
        return self.status(node) in {"succeeded", "failed", "rescued"}

    def _status(self, node: str) -> str:
        config = self.case.nodes[self.at[node]].get("config", {})
        if node in self.primary:
            first = self.primary[node]
            if self.status(first) == "barred":
                return "barred"
            if not self.runs(first) or not self.case.fails[self.at[first]]:
                return "skipped"
        else:
            fates = [self.fate(edge) for edge in self.case.edges if edge["target"] == node]
            if fates:
                barred = "failed" in fates and (config["join"] == "all" or "taken" not in fates)
                if barred or "taken" not in fates:
                    return "barred" if barred else "skipped"
        if not self.case.fails[self.at[node]]:
            return "succeeded"
        fallback = config.get("fallback")
        return "rescued" if fallback and not self.case.fails[self.at[fallback]] else "failed"

    def fate(self, edge: dict[str, Any]) -> str:
        source = edge["source"]
        status = self.status(source)
        if status in {"skipped", "barred"}:
            return {"skipped": "dead", "barred": "failed"}[status]
        if status == "failed":
            return self.fate_of_failed(edge)
        i = self.at[source]
        if status == "rescued":
            i = self.at[self.case.nodes[i]["config"]["fallback"]]
        return self.chosen(edge, self.case.outputs[i], self.case.actions[i])

    def fate_of_failed(self, edge: dict[str, Any]) -> str:
        source = edge["source"]
        owner = self.primary.get(source, source)
        policy = self.case.nodes[self.at[owner]]["config"]["if_fails"]
        if policy == "continue":
            return "failed"
        if policy == "ignore" and owner == source:
            return self.chosen(edge, None, None)
        return "dead"

    def chosen(self, edge: dict[str, Any], output: int | None, action: str | None) -> str:
        actions = {one["action"] for one in self.case.edges if one["source"] == edge["source"]}
        wanted = action if action in actions else None
        if edge["action"] != wanted:
            return "dead"
        bound = edge.get("when") and int(edge["when"][-1])
        return "taken" if bound is None or output is None or output >= bound else "dead"

    def given(self, node: str) -> Any:
        """What an `all` join, or a node with one edge, is given."""
        if node in self.primary:
            return self.given(self.primary[node])
        edges = [edge for edge in self.case.edges if edge["target"] == node]
        found: dict[str, Any] = {}
        for edge in edges:
            if self.fate(edge) == "taken":
                i = self.at[edge["source"]]
                status = self.status(edge["source"])
                if status == "rescued":
                    i = self.at[self.case.nodes[i]["config"]["fallback"]]
                output = None if status == "failed" else self.case.outputs[i]
                found[edge["source"]] = [output] if "transform" in edge else output
        if not edges:
            return "given"
        return next(iter(found.values())) if len(edges) == 1 else found


def event(case: Case, key: str) -> Finished | Failed:
    i = [node["id"] for node in case.nodes].index(key)
    if case.fails[i]:
        return Failed(key=key, error=ErrorRecord(type="E", message=key))
    return Finished(key=key, output=case.outputs[i], action=case.actions[i])


def walked(case: Case, order: list[int], *, store: bool = False) -> tuple[Planner, list[Decided], History]:
    """To the end, ending whatever the numbers point at; with `store` through a stored state at every event."""
    plan = case.blueprint()
    planner = Planner(Scheme(plan.id, plan.nodes, plan.edges))
    history = History(input="given", events=[])
    decided = planner.begin(input="given")
    step = 0
    while planner.state.active:
        if store:
            planner = Planner(planner.scheme, GraphState.decode(planner.state.encode()))
        keys = sorted(planner.state.active)
        told = event(case, keys[order[step % len(order)] % len(keys)])
        history.events.append(told)
        decided += planner.feed(told)
        step += 1
    return planner, decided, history


ORDERS = st.lists(st.integers(0, 20), min_size=1, max_size=20)


@settings(deadline=None)
@given(cases(), ORDERS)
def test_every_node_comes_to_what_the_naive_evaluator_says(case: Case, order: list[int]) -> None:
    planner, decided, _ = walked(case, order)
    naive = Naive(case)
    expected = {node["id"]: naive.status(node["id"]) for node in case.nodes}
    assert {one: node.status for one, node in planner.state.nodes.items()} == expected
    assert [type(one) for one in decided if isinstance(one, Succeed | Fail)] == [Succeed]
    starts = [one for one in decided if isinstance(one, Start)]
    assert sorted(one.node for one in starts) == sorted(one for one in expected if naive.runs(one))
    for one in starts:
        config = case.nodes[naive.at[naive.primary.get(one.node, one.node)]]["config"]
        if config["join"] == "all":
            assert one.input == naive.given(one.node)


@settings(deadline=None)
@given(cases(), ORDERS, ORDERS)
def test_the_order_of_events_does_not_decide_what_runs(case: Case, order: list[int], other: list[int]) -> None:
    first, second = walked(case, order)[0].state, walked(case, other)[0].state
    assert {one: node.status for one, node in first.nodes.items()} == {
        one: node.status for one, node in second.nodes.items()
    }
    assert first.outputs == second.outputs


@settings(deadline=None)
@given(cases(policies=("fail", "continue", "ignore", "remove", "block")), ORDERS)
def test_states_and_histories_go_on_alike(case: Case, order: list[int]) -> None:
    """S0-82: a stored state at every event, and a history told again, give the same decisions and the same end."""
    planner, decided, history = walked(case, order)
    stored, again, _ = walked(case, order, store=True)
    assert again == decided
    assert stored.state == planner.state
    replayed = History.decode(history.encode()).replay(planner.scheme)
    assert (replayed.decided, replayed.planner.state) == (decided, planner.state)


@settings(deadline=None)
@given(cases(policies=("fail", "continue")), ORDERS)
def test_a_run_is_over_exactly_once_and_then_nothing_moves(case: Case, order: list[int]) -> None:
    planner, decided, history = walked(case, order)
    ends = [one for one in decided if isinstance(one, Succeed | Fail)]
    assert len(ends) == 1
    assert decided[-1] is ends[0]
    before = planner.state.encode()
    for told in history.events:
        assert planner.feed(told) == []
    assert planner.state.encode() == before


@settings(deadline=None)
@given(cases(), ORDERS, st.integers(0, 8))
def test_a_rerun_starts_the_node_again_and_nothing_before_it(case: Case, order: list[int], which: int) -> None:
    """S0-86"""
    planner, decided, history = walked(case, order)
    ran = sorted({one.node for one in decided if isinstance(one, Start)} - set(Naive(case).primary))
    node = ran[which % len(ran)]
    again = history.rerun(planner.scheme, node, input="other").replay(planner.scheme)
    assert node in again.open
    started = again.open[node]
    assert isinstance(started, Start)
    assert started.input == "other"
    following = planner.scheme.following(node)
    assert {one for one in again.open if one not in following} == set()
    done = {told.key for told in history.events} - following
    assert done <= {told.key for told in history.rerun(planner.scheme, node).events}
    back = history.rollback(planner.scheme, node).replay(planner.scheme)
    assert node in back.open
