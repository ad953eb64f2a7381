"""The stepper walks blueprints dry, wave by wave, and back; histories are told again; drafts of the context."""

from collections.abc import Callable
from typing import Any

import pytest

from penstock.core.errors import Invalid
from penstock.models.graph.builder import Graph
from penstock.models.graph.context import GraphContext
from penstock.models.graph.events import NodeOutcome, StartGraph
from penstock.models.graph.stepper import Stepper
from tests.graphs.walk import blueprint, edge

DIAMOND = blueprint("a b c d", "a b", "a c", "b d", "c d")


def test_each_step_is_one_wave_and_can_be_taken_back() -> None:
    """S0-83"""
    step = Stepper(DIAMOND, {"a": 1, "b": 2, "c": 3, "d": lambda given, _: sum(given.values())})
    assert step.started == ["a"]
    assert step.next() == ["a"]
    after_a = (step.statuses, step.started)
    assert step.next() == ["b", "c"]
    assert step.prev() is True
    assert (step.statuses, step.started) == after_a
    assert [step.next(), step.next(), step.next(), step.next()] == [["b", "c"], ["d"], None, None]
    assert (step.done, step.result.output) == (True, 5)
    step.reset()
    assert (step.started, step.done, step.prev()) == (["a"], False, False)
    assert step.run().output == 5


def test_outcomes_are_values_actions_errors_or_functions() -> None:
    def scored(given: Any, context: GraphContext) -> Any:
        context.set("seen", given)
        return NodeOutcome({"score": 1}, action="bad")

    plan = blueprint(
        ["a", "b", {"id": "c", "config": {"fallback": "f"}}, "f", "other"],
        "a b",
        edge("b", "c", action="bad"),
        edge("b", "other"),
    )
    step = Stepper(plan, {"a": "post", "b": scored, "c": ValueError("no"), "f": NodeOutcome("kept")})
    assert step.run().outputs == {"a": "post", "b": {"score": 1}, "c": "kept", "f": "kept"}
    assert step.context == {"seen": "post"}
    assert step.statuses == {"a": "succeeded", "b": "succeeded", "c": "rescued", "f": "succeeded", "other": "skipped"}
    assert step.failure is None


def test_an_error_that_nothing_catches_fails_the_run_and_is_told() -> None:
    def broken(_given: Any, context: GraphContext) -> Any:
        context.set("half", True)
        raise KeyError("x")

    step = Stepper(blueprint("a b c", "b c"), {"b": broken})
    assert step.next() == ["a", "b"]
    assert step.failure is not None
    assert (step.failure.node, step.failure.error.type, step.context) == ("b", "KeyError", {})
    assert step.next() is None
    many = Stepper(
        blueprint(
            [{"id": "m", "uses": "batch", "params": {"each": "t"}, "config": {"if_fails": "ignore"}}, "z"], "m z"
        ),
        {"m": KeyError},
        input=[1, 2, 3],
    )
    assert [many.next(), many.next(), many.next()] == [["m[0]"], ["z"], None]
    other = Stepper(blueprint("a b", "a b"), {"a": TimeoutError})
    other.run()
    assert other.statuses == {"a": "failed", "b": "pending"}


def test_a_wait_stands_until_it_is_signalled() -> None:
    """S0-70, S0-71"""
    graph = Graph("g")
    ask = graph.wait("ask", timeout="1d")
    graph.node("yes", after=ask, action="approve")
    graph.node("late", after=ask, action="timeout")
    graph.node("beside")
    step = Stepper(graph.blueprint())
    assert step.next() == ["beside"]
    assert step.next() == []
    assert step.waiting == ["ask"]
    with pytest.raises(Invalid, match="a node that waits: ask"):
        step.signal("beside")
    step.signal("ask", {"by": "eve"}, action="approve")
    assert step.started == ["yes"]
    assert step.prev() is True
    assert step.waiting == ["ask"]
    over = Stepper(graph.blueprint(), {"ask": TimeoutError})
    over.run()
    assert over.statuses["late"] == "succeeded"
    named = Stepper(graph.blueprint(), {"ask": NodeOutcome(1, action="approve")})
    assert named.run().outputs["ask"] == 1


def tenfold(given: Any, _context: GraphContext) -> Any:
    return given * 10


def test_all_kinds_can_be_walked() -> None:
    graph = Graph("g")
    nap = graph.sleep("2s")
    below = graph.subgraph("other", outputs={"n": "count"}, after=nap, transform="{'asked': 1}")
    hook = graph.webhook("hook", after=below)
    each = graph.batch("resize", after=hook, transform="[1, 2, 3]", concurrency=2)
    graph.node("draft", inputs={"turn": "again", "all": each.id})
    graph.node("check", after="draft")
    graph.loop("again", first="draft", last="check", condition="turn < 2", after=each)
    outcomes: dict[str, Any] = {"other": {"count": 5, "hidden": 6}, "resize": tenfold}
    step = Stepper(graph.blueprint(), outcomes, input="in")
    result = step.run()
    assert result.outputs["sleep"] == "in"
    assert result.outputs["other"] == {"n": 5}
    assert result.outputs["hook"] == {"url": "https://example.org/hook", "signal": "hook"}
    assert [one["output"] for one in result.outputs["resize"]] == [10, 20, 30]
    assert result.nodes["again"].turns == 2
    assert [one.input for one in step.decided if isinstance(one, StartGraph)] == [{"asked": 1}]


def test_a_run_that_has_failed_is_walked_again_from_a_node_with_another_input() -> None:
    """S0-86"""
    step = Stepper(blueprint("a b c", "a b", "b c"), {"a": 1, "b": lambda given, _: 10 // given, "c": "end"}, input=0)
    step.outcomes["a"] = 0
    step.run()
    assert step.failure is not None
    step.history = step.history.rerun(step.scheme, "b", input=5)
    again = step.history.replay(step.scheme)
    assert list(again.open) == ["b"]
    assert again.planner.state.outputs == {"a": 0}
    assert again.planner.state.inputs["b"] == 5


def test_a_rerun_forgets_what_came_after_was_written() -> None:
    def signing(name: str) -> Callable[[Any, GraphContext], None]:
        return lambda _, context: context.set("by", name)

    step = Stepper(blueprint("a b c", "a b", "b c"), {one: signing(one) for one in "abc"})
    step.run()
    assert step.context == {"by": "c"}
    assert step.history.rerun(step.scheme, "b").replay(step.scheme).planner.state.context == {"by": "a"}
    assert step.history.rollback(step.scheme, "c").replay(step.scheme).planner.state.context == {"by": "b"}
    assert step.history.replay(step.scheme, until=1).planner.state.context == {"by": "a"}


def test_a_draft_of_the_context_is_seen_by_who_writes_it() -> None:
    """S1-07, S1-08, S1-13"""
    context = {"x": 1, "k": 1}
    draft = GraphContext(context)
    assert (draft.has("y"), draft.get("y"), draft.get("y", 3), draft.delete("y")) == (False, None, 3, False)
    draft.set("x", None)
    assert (draft.has("x"), draft.get("x", 5)) == (True, None)
    draft.patch([("delete", "k"), ("set", "k", 2), ("set", "z", 1), ("delete", "z")])
    assert draft.to_dict() == {"x": None, "k": 2}
    assert context == {"x": 1, "k": 1}


@pytest.mark.parametrize(
    "key", ["", "a,b", '{"a"}', "a.b", "a b", "'; drop table x; --", "x" * 10_240, "\n", "ä\U0001f600"]
)
def test_any_key_is_kept_exactly(key: str) -> None:
    """S1-09"""
    step = Stepper(blueprint("a"), {"a": lambda _, context: context.set(key, key)})
    assert step.run().context == {key: key}
    assert step.history.decode(step.history.encode()) == step.history


@pytest.mark.parametrize(
    "change", [("set", 1, 2), ("put", "k", 1), ("set", "k"), ("delete",), ("set", "x" * 70_000, 1), ()]
)
def test_a_patch_that_is_none_is_refused_as_a_whole(change: tuple[Any, ...]) -> None:
    """S1-09"""
    draft = GraphContext({})
    with pytest.raises(Invalid):
        draft.patch([("set", "k", 1), change])
    assert (draft.to_dict(), draft.writes) == ({}, [])
