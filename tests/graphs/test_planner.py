"""The planner, dry: what begins, what is skipped, what is handed on; how failures spread; when a run is over."""

from typing import Any

import pytest

from penstock.core.error_record import ErrorRecord
from penstock.core.errors import Invalid, InvalidBlueprint
from penstock.models.graph.events import Block, Cancel, Fail, Failed, Finished, Skip, Write
from penstock.models.graph.planner import Planner
from penstock.models.graph.scheme import Scheme
from penstock.models.graph.state import GraphState
from tests.graphs.walk import BROKEN, Walk, begun, blueprint, edge, told


def test_one_node_is_a_graph() -> None:
    """S0-21, S1-18: no output is null output."""
    walk = Walk(blueprint("a"))
    assert begun(walk.decided) == ["a"]
    walk.finish("a")
    assert (walk.result.output, walk.result.outputs, walk.result.nodes["a"].status) == (None, {"a": None}, "succeeded")


def test_a_chain_hands_its_values_on() -> None:
    walk = Walk(blueprint("a b c", "a b", "b c"), given=7)
    assert walk.given("a") == 7
    assert walk.finish("a", {"x": 1}) == ["b"]
    assert walk.given("b") == {"x": 1}
    assert walk.finish("b") == ["c"]
    assert walk.given("c") is None
    walk.finish("c", "end")
    assert walk.status == "succeeded"


def test_a_diamond_joins_once_with_both_outputs() -> None:
    """S0-02"""
    walk = Walk(blueprint("a b c d", "a b", "a c", "b d", "c d"))
    assert walk.finish("a") == ["b", "c"]
    assert walk.finish("c", "C") == []
    assert walk.finish("b", "B") == ["d"]
    assert walk.given("d") == {"b": "B", "c": "C"}
    walk.finish("d")
    assert walk.status == "succeeded"


def test_several_starts_begin_together_and_the_run_ends_with_the_last_branch() -> None:
    """S0-03"""
    walk = Walk(blueprint("a b c", "b c"))
    assert begun(walk.decided) == ["a", "b"]
    walk.finish("b")
    walk.finish("c")
    assert walk.status == "running"
    walk.finish("a", 1)
    assert walk.result.output == {"a": 1, "c": None}


@pytest.mark.parametrize(
    ("action", "expected"),
    [("x", ["x"]), ("y", ["y1", "y2"]), ("z", ["other"]), (None, ["other"])],
)
def test_an_action_takes_its_edges_and_else_those_without_one(action: str | None, expected: list[str]) -> None:
    """S0-13, S0-14: what is not taken is told as skipped."""
    walk = Walk(
        blueprint(
            "a x y1 y2 other",
            edge("a", "x", action="x"),
            edge("a", "y1", action="y"),
            edge("a", "y2", action="y"),
            edge("a", "other"),
        )
    )
    assert walk.finish("a", action=action) == expected
    skipped = {one.node for one in walk.decided if isinstance(one, Skip)}
    assert skipped == {"x", "y1", "y2", "other"} - set(expected)


def test_an_action_without_any_edge_ends_the_branch_quietly() -> None:
    walk = Walk(blueprint("a b", edge("a", "b", action="x")))
    walk.finish("a", action="other")
    assert (walk.status, walk.statuses("b")) == ("succeeded", ["skipped"])


@pytest.mark.parametrize(("score", "expected"), [(0.9, ["reject"]), (0.8, ["publish"])])
def test_a_condition_decides_and_a_condition_is_asked_of_an_action_too(score: float, expected: list[str]) -> None:
    walk = Walk(
        blueprint(
            "score reject publish never",
            edge("score", "reject", when="output.score > 0.8"),
            edge("score", "publish", when="output.score <= 0.8"),
            edge("score", "never", action="done", when="false"),
        )
    )
    assert walk.finish("score", {"score": score}) == expected


def test_conditions_read_outputs_inputs_action_and_context() -> None:
    when = (
        "output == 2 && action == 'go' && input == 1 && outputs.a == 1 && inputs.b == 1 && context.k == 'v' "
        "&& context['x y'] == 3"
    )
    walk = Walk(blueprint("a b c", "a b", edge("b", "c", action="go", when=when)), context={"k": "v"})
    walk.finish("a", 1)
    event = Finished(key="b", output=2, action="go", writes=(Write(op="set", key="x y", value=3),))
    assert begun(walk.feed(event)) == ["c"]


def test_an_expression_that_comes_to_an_error_fails_the_run_and_names_the_edge() -> None:
    """S0-16: nothing of it is taken or started."""
    walk = Walk(blueprint("a b c other", edge("a", "b"), edge("a", "c", when="output.missing > 1")))
    assert walk.finish("a", {}) == []
    last = walk.failure
    assert last.node == "a"
    assert "edge 1 (a -> c): when: 'output.missing > 1' failed at character 7" in last.error.message
    assert walk.decided[-2] == Cancel(keys=("other",))
    assert walk.finish("other") == []


def test_a_transform_gives_the_target_another_value_and_leaves_the_output_alone() -> None:
    """S0-18"""
    walk = Walk(blueprint("a b", edge("a", "b", transform="{'n': output.n + 1}")))
    walk.finish("a", {"n": 1})
    assert walk.given("b") == {"n": 2}
    assert walk.state.outputs["a"] == {"n": 1}


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("a", {"x": {"y": [1, {"z": 2}]}}),
        ("a.x.y", [1, {"z": 2}]),
        ("a.x.y.1.z", 2),
        ("a.x.missing.more", None),
        ("a.x.y.7", None),
        ("a.x.y.z", None),
        ("user", "ada"),
        ("dotted.key", "whole"),
        ("nested.key", "inside"),
        ("missing", None),
        ("outputs.a.x.y.0", 1),
        ("inputs.a", "given"),
        ("input", "given"),
        ("context.a", "of the context"),
        ({"first": "a.x.y.0", "who": "user", "none": "nothing.at.all"}, {"first": 1, "who": "ada", "none": None}),
    ],
)
def test_inputs_lead_to_nodes_paths_and_context(inputs: Any, expected: Any) -> None:
    """S0-19: what is missing is null."""
    context = {"user": "ada", "dotted.key": "whole", "nested": {"key": "inside"}, "a": "of the context"}
    walk = Walk(blueprint(["a", {"id": "b", "inputs": inputs}], "a b"), given="given", context=context)
    walk.finish("a", {"x": {"y": [1, {"z": 2}]}})
    assert walk.given("b") == expected


def test_a_join_behind_a_branch_runs_once_with_the_branch_that_was_taken() -> None:
    """S0-26: dead paths count as decided, however long they are."""
    walk = Walk(
        blueprint(
            "a b b2 b3 c j",
            edge("a", "b", when="output"),
            edge("a", "c", when="!output"),
            "b b2",
            "b2 b3",
            "b3 j",
            "c j",
        )
    )
    assert walk.finish("a", False) == ["c"]
    assert walk.statuses("b", "b2", "b3") == ["skipped"] * 3
    assert walk.finish("c", "C") == ["j"]
    assert walk.given("j") == {"c": "C"}


def test_an_any_join_runs_once_on_the_first_and_the_run_waits_for_the_others() -> None:
    """S0-27"""
    walk = Walk(blueprint(["a", "b", "c", {"id": "j", "config": {"join": "any"}}], "a j", "b j", "c j"))
    assert walk.finish("b", "B") == ["j"]
    assert walk.given("j") == {"b": "B"}
    assert walk.finish("a") == walk.finish("c") == []
    assert walk.status == "running"
    walk.finish("j")
    assert walk.status == "succeeded"
    assert begun(walk.decided).count("j") == 1


def test_twenty_at_once_and_repeated_deliveries_join_once() -> None:
    """S0-28, S0-29, S0-46"""
    names = [f"n{i}" for i in range(20)]
    walk = Walk(blueprint([*names, "j"], *(f"{one} j" for one in names)))
    for one in names[:-1]:
        assert walk.finish(one) == []
        assert walk.finish(one) == []
    assert walk.finish(names[-1]) == ["j"]
    assert walk.finish(names[0]) == []


POLICIES = ["fail", "block", "continue", "ignore", "remove"]


@pytest.mark.parametrize(
    ("policy", "status", "all_join", "any_join", "after"),
    [
        ("fail", "failed", "pending", "pending", "pending"),
        ("block", "running", "pending", "running", "pending"),
        ("continue", "running", "barred", "running", "barred"),
        ("ignore", "running", "running", "running", "running"),
        ("remove", "running", "running", "running", "skipped"),
    ],
)
@pytest.mark.parametrize("first", ["bad", "good"])
def test_what_a_failed_node_does_to_those_after_it(
    policy: str, status: str, all_join: str, any_join: str, after: str, first: str
) -> None:
    """S0-32: whichever comes first, the same."""
    walk = Walk(
        blueprint(
            [
                {"id": "bad", "config": {"if_fails": policy}},
                "good",
                "all",
                {"id": "any", "config": {"join": "any"}},
                "after",
            ],
            "bad all",
            "good all",
            "bad any",
            "good any",
            "bad after",
        )
    )
    if first == "bad":
        walk.fail("bad")
        walk.finish("good")
    else:
        walk.finish("good")
        walk.fail("bad")
    found = [walk.state.nodes[one].status if one in walk.state.nodes else "pending" for one in ("all", "any", "after")]
    if policy == "fail":  # what began before is cancelled, nothing begins after
        assert found == ["pending", "cancelled" if first == "good" else "pending", "pending"]
    else:
        assert found == [all_join, any_join, after]
    assert walk.status == status


def test_a_failed_branch_bars_an_any_join_only_if_nothing_else_was_taken() -> None:
    walk = Walk(
        blueprint(
            [
                *({"id": one, "config": {"if_fails": "continue"}} for one in "ab"),
                {"id": "j", "config": {"join": "any"}},
                "k",
            ],
            "a j",
            edge("b", "j", when="false"),
            "j k",
        )
    )
    walk.fail("a")
    assert walk.finish("b") == []
    assert walk.statuses("j", "k") == ["barred", "barred"]
    assert [one for one in walk.decided if isinstance(one, Skip)] == [
        Skip(node="j", barred=True),
        Skip(node="k", barred=True),
    ]
    assert walk.status == "succeeded"


def test_the_first_failure_decides_and_what_is_told_after_changes_nothing() -> None:
    """S0-41, S0-42: the error is the original one, and nothing is started any more."""
    walk = Walk(blueprint("a b c d", "a c", "b d"))
    assert told(walk.fail("a")) == ["Cancel", "Fail"]
    assert walk.decided[-2:] == [Cancel(keys=("b",)), Fail(node="a", error=BROKEN)]
    assert walk.finish("b") == []
    assert walk.fail("b") == []
    assert (walk.status, walk.state.failure) == ("failed", ("a", BROKEN))
    assert walk.statuses("a", "b") == ["failed", "cancelled"]


def test_a_fallback_stands_in_and_its_output_flows_on() -> None:
    """S0-38: once, with the node's own input; what follows sees both names."""
    walk = Walk(
        blueprint(
            [{"id": "a", "config": {"fallback": "f"}}, "f", "b"], edge("a", "b", when="output == 'F'", action="x")
        ),
        given=5,
    )
    assert begun(walk.decided) == ["a"]
    assert begun(walk.fail("a")) == ["f"]
    begins = walk.started("f")
    assert (begins.input, begins.stands_in_for, begins.error) == (5, "a", BROKEN)
    assert walk.finish("f", "F", action="x") == ["b"]
    assert walk.given("b") == "F"
    assert walk.statuses("a", "f") == ["rescued", "succeeded"]
    walk.finish("b")
    assert walk.result.outputs == {"a": "F", "f": "F", "b": None}


def test_a_fallback_that_is_not_needed_never_runs() -> None:
    """S0-38"""
    walk = Walk(blueprint([{"id": "a", "config": {"fallback": "f"}}, "f", "j"], "a j", "f j"))
    assert walk.finish("a", "A") == ["j"]
    assert walk.given("j") == {"a": "A"}
    assert walk.statuses("f") == ["skipped"]


def test_the_fallback_of_a_node_that_is_skipped_is_skipped() -> None:
    walk = Walk(
        blueprint(["s", {"id": "a", "config": {"fallback": "f"}}, "f", "j"], edge("s", "a", when="false"), "f j")
    )
    walk.finish("s")
    assert walk.statuses("a", "f", "j") == ["skipped"] * 3
    assert walk.status == "succeeded"


def test_what_may_not_be_tried_again_has_no_fallback() -> None:
    """S0-37"""
    walk = Walk(blueprint([{"id": "a", "config": {"fallback": "f"}}, "f", "b"], "a b"))
    assert told(walk.fail("a", fatal=True)) == ["Skip", "Fail"]
    assert "f" not in walk.state.inputs


@pytest.mark.parametrize("policy", POLICIES)
def test_if_the_fallback_fails_too_the_policy_of_the_first_decides_with_the_first_error(policy: str) -> None:
    walk = Walk(blueprint([{"id": "a", "config": {"fallback": "f", "if_fails": policy}}, "f", "b", "c"], "a b", "f c"))
    walk.fail("a")
    walk.fail("f", error=ErrorRecord(type="KeyError", message="f"))
    match policy:
        case "fail":
            last = walk.failure
            assert (last.node, last.error.type, last.error.message) == ("a", "OSError", "no route")
            assert last.error.causes[-1].message == "its fallback f failed, too: f"
        case "block":
            assert isinstance(walk.decided[-1], Block)
            assert walk.finish("f", "late") == ["c", "b"]
        case _:
            expected = {"continue": ["barred", "barred"], "ignore": ["running", "skipped"], "remove": ["skipped"] * 2}
            assert walk.statuses("b", "c") == expected[policy]


def test_a_fallback_may_have_one_of_its_own() -> None:
    walk = Walk(
        blueprint([{"id": "a", "config": {"fallback": "f"}}, {"id": "f", "config": {"fallback": "g"}}, "g", "b"], "a b")
    )
    assert begun(walk.fail("a")) == ["f"]
    assert begun(walk.fail("f")) == ["g"]
    assert walk.finish("g", 3) == ["b"]
    assert walk.statuses("a", "f", "g") == ["rescued", "rescued", "succeeded"]


def test_a_blocked_node_waits_until_it_has_been_redriven() -> None:
    walk = Walk(blueprint([{"id": "a", "config": {"if_fails": "block"}}, "b", "c"], "a b"))
    assert walk.fail("a") == [Block(key="a", node="a", error=BROKEN)]
    walk.finish("c")
    assert (walk.status, walk.state.blocked) == ("running", {"a": "a"})
    assert told(walk.fail("a")) == ["Block"]
    assert walk.finish("a", 1) == ["b"]
    walk.finish("b")
    assert walk.status == "succeeded"
    assert walk.finish("a", 2) == []


def test_a_key_that_was_never_given_out_is_refused() -> None:
    walk = Walk(blueprint("a b", "a b"))
    for key in ("b", "x", "a[0]/b", ""):
        with pytest.raises(Invalid, match="key of something that this graph run has started"):
            walk.planner.feed(Finished(key=key))
    assert walk.active == ["a"]


def test_a_blueprint_that_could_not_run_is_not_planned() -> None:
    """S0-10: refused before any node runs."""
    odd = blueprint("a b", "a b", "b a", check=False)
    with pytest.raises(InvalidBlueprint, match="a cycle outside loops: a -> b -> a"):
        Scheme(odd.id, odd.nodes, odd.edges)


def test_a_slow_node_delays_only_what_depends_on_it() -> None:
    """S0-76"""
    walk = Walk(blueprint("slow a b c d", "slow d", "a b", "b c"))
    assert walk.finish("a") == ["b"]
    assert walk.finish("b") == ["c"]
    walk.finish("c")
    assert walk.active == ["slow"]


def test_a_stored_state_goes_on_as_if_it_had_not_been_stored() -> None:
    plan = blueprint("a b c d", "a b", "a c", "b d", "c d")
    walk = Walk(plan)
    walk.finish("a", {"x": 1})
    stored = GraphState.decode(walk.state.encode())
    assert stored == walk.state
    other = Planner(Scheme(plan.id, plan.nodes, plan.edges), stored)
    for event in (Finished(key="b", output=1), Failed(key="c", error=BROKEN)):
        assert other.feed(event) == walk.feed(event)
    assert other.state == walk.state


def test_the_context_is_written_with_the_outcome_and_in_order() -> None:
    """S1-07, S1-08, S1-10, S1-11"""

    def write(op: Any, key: str, value: Any = None) -> Write:
        return Write(op=op, key=key, value=value)

    names = [f"n{i}" for i in range(50)]
    walk = Walk(blueprint(names), context={"x": 1, "y": 2, "z": 3})
    walk.feed(Finished(key="n0", writes=(write("set", "x", None),)))
    walk.feed(
        Finished(key="n1", writes=(write("delete", "y"), write("set", "y", 2), write("set", "z"), write("delete", "z")))
    )
    for one in names[2:]:
        walk.feed(Finished(key=one, writes=(write("set", one, one),)))
        walk.feed(Finished(key=one, writes=(write("set", one, "again"),)))
    assert walk.result.context == {"x": None, "y": 2} | {one: one for one in names[2:]}


def test_of_two_writes_the_later_one_stands_whoever_ends_last() -> None:
    """S1-12"""
    walk = Walk(blueprint("a b c"))
    walk.feed(Finished(key="b", writes=(Write(op="set", key="k", value="B", at=20.0),)))
    walk.feed(Finished(key="a", writes=(Write(op="set", key="k", value="A", at=10.0),)))
    assert walk.state.context == {"k": "B"}
    walk.feed(Finished(key="c", writes=(Write(op="delete", key="k", at=15.0), Write(op="delete", key="k", at=30.0))))
    assert walk.result.context == {}


def test_what_a_failed_node_wrote_is_not_in_the_context() -> None:
    """S0-25: a failure carries no writes."""
    assert "writes" not in Failed.__struct_fields__
