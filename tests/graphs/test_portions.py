"""A plan is woken when enough runs have ended for something to follow: never later, and for a join not sooner."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.models.graph.builder import Graph
from penstock.models.graph.events import Await, Cancel, Decided, Finished, Sleep, Start, Succeed
from penstock.models.graph.planner import Planner
from penstock.models.graph.portions import Portions
from penstock.models.graph.scheme import Scheme
from tests.graphs.test_random_programs import ended, programs


class Play:
    """A plan, and what is under way in it."""

    def __init__(self, scheme: Scheme) -> None:
        self.planner = Planner(scheme)
        self.portions = Portions(scheme)
        self.open: dict[str, Decided] = {}
        self.take(self.planner.begin(input=[1, 2, 3]))

    @property
    def runs(self) -> list[str]:
        return [key for key, one in self.open.items() if isinstance(one, Start)]

    @property
    def least(self) -> int:
        return self.portions.least(self.planner.state, len(self.runs))

    def end(self, key: str, choice: int = 1) -> list[Decided]:
        started = self.open.pop(key)
        if isinstance(started, Start):
            self.portions.closed(key)
        decided = self.planner.feed(ended(started, choice))
        self.take(decided)
        return decided

    def take(self, decided: list[Decided]) -> None:
        for one in decided:
            if isinstance(one, Start | Await | Sleep):
                self.open[one.key] = one
                if isinstance(one, Start):
                    self.portions.opened(one.key)
            elif isinstance(one, Cancel):
                for key in one.keys:
                    if isinstance(self.open.pop(key, None), Start):
                        self.portions.closed(key)


def play(graph: Graph) -> Play:
    plan = graph.blueprint()
    return Play(Scheme(plan.id, plan.nodes, plan.edges))


def leads_on(decided: list[Decided]) -> bool:
    return any(isinstance(one, Start | Await | Sleep | Succeed) for one in decided)


@settings(deadline=None)
@given(programs(), st.lists(st.integers(0, 1000), min_size=1, max_size=50))
def test_nothing_follows_from_fewer_ends_than_are_waited_for(scheme: Scheme, choices: list[int]) -> None:
    """Whatever the graph, and whichever runs end first; bad ends and other events wake the plan by themselves."""
    now = Play(scheme)
    quiet, step = 0, 0
    while now.open:
        choice = choices[step % len(choices)] + step
        step += 1
        keys = sorted(now.open)
        key = keys[choice % len(keys)]
        good = isinstance(now.open[key], Start) and choice % 10 != 0
        followed = leads_on(now.end(key, choice))
        assert not (good and quiet and followed)
        quiet = quiet - 1 if good and quiet else now.least - 1
        assert 0 <= quiet < max(1, len(now.runs))


def test_of_what_one_join_waits_for_only_the_last_end_matters() -> None:
    graph = Graph("g")
    first = [graph.node("t", f"a{n}") for n in range(20)]
    join = graph.node("t", "join", after=first)
    graph.node("t", "end", after=join)
    now = play(graph)
    assert now.least == 20
    for n, key in enumerate(list(now.runs)):
        assert now.least == 20 - n
        now.end(key)
    assert now.runs == ["join"]
    assert now.least == 1


def test_what_may_start_something_at_once_is_waited_for_alone() -> None:
    graph = Graph("g")
    many = [graph.node("t", f"a{n}") for n in range(20)]
    graph.node("t", "join", after=many)
    assert play(graph).least == 20
    graph.node("t", "next", after="a7")
    assert play(graph).least == 1
    other = Graph("g")
    graph.node("t", "alone")
    any_of = [other.node("t", f"a{n}") for n in range(20)]
    other.node("t", "join", after=any_of, join="any")
    assert play(other).least == 1


def test_a_batch_that_has_started_all_of_its_items_waits_for_the_last() -> None:
    for concurrency, least in ((None, 3), (2, 1)):
        graph = Graph("g")
        graph.batch("t", "batch", concurrency=concurrency)
        assert play(graph).least == least


def test_of_a_grid_each_end_may_start_something() -> None:
    graph = Graph("g")
    for row, column in itertools.product(range(5), range(5)):
        above = [f"r{row - 1}c{column}"] if row else []
        left = [f"r{row}c{column - 1}"] if column else []
        graph.node("t", f"r{row}c{column}", after=[*above, *left])
    now = play(graph)
    while now.runs:
        assert now.least <= 2
        now.end(now.runs[0])
    assert now.planner.state.status == "succeeded"


def test_an_end_that_was_told_again_is_one_end() -> None:
    graph = Graph("g")
    graph.node("t", "join", after=[graph.node("t", f"a{n}") for n in range(3)])
    now = play(graph)
    now.end("a0")
    assert now.planner.feed(Finished(key="a0", output=1)) == []
    assert now.least == 2
