"""Random graphs of sequences, branches, loops in loops, batches, fallbacks and waits, ended in random orders.

Whatever happens, the run ends, nothing is left under way, and a state that is stored at every event goes on alike.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.error_record import ErrorRecord
from penstock.models.graph.builder import Graph, Placed
from penstock.models.graph.events import (
    Await,
    Cancel,
    Decided,
    Fail,
    Failed,
    Finished,
    Signalled,
    Sleep,
    Start,
    Succeed,
    TimedOut,
    Told,
    Woke,
)
from penstock.models.graph.history import History
from penstock.models.graph.planner import Planner
from penstock.models.graph.scheme import Scheme
from penstock.models.graph.state import GraphState

PARTS = st.sampled_from(["task", "branch", "loop", "batch", "wait", "sleep", "rescued"])


class Program:
    """Makes a graph part after part, each of which has one node that comes first and one that comes last."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.graph = Graph("g")
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def part(self, depth: int) -> tuple[Placed, Placed]:
        kind = self.draw(PARTS) if depth else "task"
        policy: Any = self.draw(st.sampled_from(["continue", "ignore", "remove", "fail"]))
        match kind:
            case "branch":
                return self.branch(depth)
            case "loop":
                first, last = self.sequence(depth - 1)
                condition = self.draw(st.sampled_from(["turn < 2", "turn < 1", "false", "turn < 3 && output != 2"]))
                loop = self.graph.loop(self.name(), first=first, last=last, condition=condition, limit=2)
                return loop, loop
            case "batch":
                many = self.draw(st.integers(0, 4))
                before = self.graph.node("t", self.name(), if_fails="ignore")
                each = self.graph.batch(
                    "t",
                    self.name(),
                    after=before,
                    transform=f"[0, 1, 2, 3, 4].filter(i, i < {many})",
                    concurrency=self.draw(st.none() | st.integers(1, 3)),
                    chunk=self.draw(st.none() | st.integers(1, 3)),
                    tolerance=self.draw(st.integers(0, 2)),
                    if_fails=policy,
                )
                return before, each
            case "wait":
                one = self.graph.wait(self.name(), timeout=1)
                return one, one
            case "sleep":
                one = self.graph.sleep(1, self.name())
                return one, one
            case "rescued":
                fallback = self.graph.node("t", self.name())
                one = self.graph.node("t", self.name(), fallback=fallback, if_fails=policy)
                return one, one
            case _:
                one = self.graph.node("t", self.name(), if_fails=policy)
                return one, one

    def branch(self, depth: int) -> tuple[Placed, Placed]:
        first = self.graph.node("t", self.name(), if_fails="ignore")
        ends: list[Placed] = []
        for bound in range(self.draw(st.integers(1, 3))):
            begins, ended = self.sequence(depth - 1)
            self.graph.edge(first, begins, when=f"output == null || output >= {bound}")
            ends.append(ended)
        join: Any = self.draw(st.sampled_from(["all", "any"]))
        return first, self.graph.node("t", self.name(), after=ends, join=join, if_fails="continue")

    def sequence(self, depth: int) -> tuple[Placed, Placed]:
        first, last = self.part(depth)
        for _ in range(self.draw(st.integers(0, 2))):
            begins, ended = self.part(depth)
            self.graph.edge(last, begins)
            last = ended
        return first, last


@st.composite
def programs(draw: st.DrawFn) -> Scheme:
    program = Program(draw)
    program.sequence(2)
    plan = program.graph.blueprint()
    return Scheme(plan.id, plan.nodes, plan.edges)


def ended(started: Decided, choice: int) -> Told:
    """How that ends: of ten times once badly."""
    match started:
        case Await():
            return TimedOut(key=started.key) if choice % 10 == 0 else Signalled(key=started.key, data=choice % 3)
        case Sleep():
            return Woke(key=started.key)
        case Start() if choice % 10 == 0:
            return Failed(key=started.key, error=ErrorRecord(type="E", message=""), fatal=choice % 20 == 0)
        case Start():
            return Finished(key=started.key, output=choice % 3)
        case _:
            raise TypeError(started)


@settings(deadline=None)
@given(programs(), st.lists(st.integers(0, 1000), min_size=1, max_size=50), st.integers(0, 100))
def test_every_program_ends_and_leaves_nothing_behind(scheme: Scheme, choices: list[int], again: int) -> None:
    planner, stored = Planner(scheme), Planner(scheme)
    history = History(events=[])
    rest: dict[str, Decided] = {}
    seen: set[str] = set()
    decided = planner.begin()
    assert stored.begin() == decided
    step = 0
    while True:
        for one in decided:
            if isinstance(one, Start | Await | Sleep):
                assert one.key not in seen
                seen.add(one.key)
                rest[one.key] = one
            elif isinstance(one, Cancel):
                for key in one.keys:
                    del rest[key]
        assert set(rest) == set(planner.state.active)
        if not rest:
            break
        choice = choices[step % len(choices)] + step
        step += 1
        event = ended(rest.pop(sorted(rest)[choice % len(rest)]), choice)
        history.events.append(event)
        decided = planner.feed(event)
        stored = Planner(scheme, GraphState.decode(stored.state.encode()))
        assert stored.feed(event) == decided
        assert planner.feed(event) == []  # told again
    assert isinstance(decided[-1], Succeed | Fail)
    assert planner.state == stored.state
    if planner.state.status == "succeeded":
        assert planner.state.under_way == 0
        assert {loop.busy for loop in planner.state.loops.values()} <= {0}
        assert {node.status for node in planner.state.nodes.values()} & {"pending", "running"} == set()
    if seen:  # a loop that takes no turn starts nothing
        key = sorted(seen)[again % len(seen)]
        goes_back(scheme, history, key.rpartition("/")[2].partition("[")[0])


def goes_back(scheme: Scheme, history: History, node: str) -> None:
    """S0-86: running again from a node, and back to one, plan as far as what is left of the history leads."""
    following = scheme.following(node)
    rerun = history.rerun(scheme, node).replay(scheme)
    failure = rerun.planner.state.failure
    assert rerun.planner.state.status == "running" or (failure is not None and failure[0] not in following)
    if history.replay(scheme).planner.state.status == "succeeded":  # nothing else was under way
        assert {one.node for one in rerun.open.values()} <= following
        assert rerun.open
    back = history.rollback(scheme, node).replay(scheme).planner.state
    assert node in back.inputs
