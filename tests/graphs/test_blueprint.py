"""Blueprints as data: in and out of JSON, the schema, what is refused, what looks wrong, and how they are drawn."""

import itertools
import json
from pathlib import Path
from typing import Any, cast

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.errors import InvalidBlueprint
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.parts import Edge, Node, NodeConfig, Problem
from penstock.models.graph.schema import schema
from tests.graphs.walk import blueprint, edge

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "blueprint.schema.json"

FULL: dict[str, Any] = {
    "id": "moderate",
    "version": "2",
    "nodes": [
        {"id": "fetch", "uses": "shop.fetch@3", "params": {"depth": 2}},
        {
            "id": "score",
            "uses": "classify",
            "inputs": {"text": "fetch.body", "by": "context.author"},
            "config": {
                "retry": {"attempts": 5, "delay": "2s", "backoff": "fixed"},
                "timeout": 30.0,
                "fallback": "guess",
                "queue": "models",
                "limits": {"gpu": ""},
                "if_fails": "continue",
            },
        },
        {"id": "guess", "uses": "guess"},
        {"id": "all", "uses": "batch", "params": {"each": "resize", "concurrency": 5, "tolerance": "10%"}},
        {"id": "polish", "uses": "loop", "params": {"condition": "turn < 3"}},
        {"id": "draft", "uses": "draft"},
        {"id": "below", "uses": "subgraph", "params": {"blueprint": "other@1", "inputs": {"a": "fetch"}}},
        {"id": "ask", "uses": "wait", "params": {"signal": "verdict", "timeout": "7d"}},
        {"id": "nap", "uses": "sleep", "params": {"duration": "2s"}},
        {"id": "hook", "uses": "webhook"},
        {"id": "end", "uses": "store", "config": {"join": "any"}},
    ],
    "edges": [
        {"source": "fetch", "target": "score"},
        {"source": "fetch", "target": "all", "transform": "output.images"},
        {"source": "score", "target": "polish", "when": "output.score > 0.8"},
        {"source": "polish", "target": "draft", "action": "continue"},
        {"source": "draft", "target": "polish"},
        {"source": "polish", "target": "below"},
        {"source": "below", "target": "hook"},
        {"source": "hook", "target": "ask"},
        {"source": "ask", "target": "nap", "action": "approved"},
        {"source": "ask", "target": "end", "action": "timeout"},
        {"source": "nap", "target": "end"},
        {"source": "all", "target": "end"},
    ],
    "metadata": {"team": "trust"},
}


def codes(data: Any, **known: Any) -> list[str]:
    try:
        found = Blueprint.from_dict(data, check=False)
    except InvalidBlueprint as error:
        return [cast("Problem", one).code for one in error.problems]
    return [one.code for one in found.problems(**known)]


def nodes(*ids: str | dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": one, "uses": "t"} if isinstance(one, str) else one for one in ids]


def test_json_comes_back_as_it_went_in(tmp_path: Path) -> None:
    found = Blueprint.from_dict(FULL)
    assert found.to_dict() == FULL
    assert Blueprint.from_json(found.to_json()) == found
    path = tmp_path / "moderate.json"
    path.write_text(found.to_json(indent=2), encoding="utf-8")
    assert Blueprint.from_file(path) == found
    assert json.loads(path.read_text(encoding="utf-8")) == FULL


def test_the_published_schema_is_that_of_the_code() -> None:
    """If not: `make schema` writes it anew."""
    assert json.loads(PAGE.read_text(encoding="utf-8")) == json.loads(json.dumps(schema()))


def test_the_schema_takes_what_is_right_and_refuses_what_has_another_form() -> None:
    validator = cast("Any", jsonschema.Draft202012Validator(schema()))
    validator.check_schema(schema())
    validator.validate(FULL)
    wrong: list[Any] = [
        [],
        {"id": "a"},
        {"id": "a b", "nodes": []},
        {"id": "a", "nodes": [{"id": "x"}]},
        {"id": "a", "nodes": [{"id": "x", "uses": "sleep"}]},
        {"id": "a", "nodes": [{"id": "x", "uses": "sleep", "params": {}}]},
        {"id": "a", "nodes": [{"id": "x", "uses": "batch", "params": {"each": "t", "concurrency": 0}}]},
        {"id": "a", "nodes": [{"id": "x", "uses": "t", "config": {"join": "some"}}]},
        {"id": "a", "nodes": [], "edges": [{"source": "x"}]},
    ]
    assert [one for one in wrong if validator.is_valid(one)] == []


def test_unknown_fields_are_dropped_with_a_warning_that_names_them() -> None:
    data = {"id": "g", "nodes": [{"id": "a", "uses": "t", "input": "x", "config": {"time_out": 3}}], "colour": "red"}
    with pytest.warns(
        UserWarning, match=r"colour, nodes\[0\]\.input \(did you mean inputs\?\), nodes.*time_out"
    ) as got:
        found = Blueprint.from_dict(data)
    assert found.to_dict() == {"id": "g", "nodes": [{"id": "a", "uses": "t"}]}
    assert len(got) == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"nodes": [{"id": "a", "uses": "t", "config": {"maxRetries": 3}}]}, "config.retry.attempts"),
        ({"nodes": [{"id": "a", "uses": "t", "config": {"joinStrategy": "any"}}]}, "called config.join"),
        ({"nodes": nodes("a"), "edges": [{"source": "a", "target": "a", "condition": "x"}]}, "called when"),
        ({"nodes": nodes("a"), "metadata": []}, "metadata: an object is expected"),
        ({"nodes": nodes("a"), "edges": {}}, "edges: a list is expected"),
        ({"nodes": nodes("a"), "version": 2}, "version: a text is expected"),
    ],
)
def test_what_means_something_elsewhere_is_refused_and_not_dropped(data: Any, says: str) -> None:
    with pytest.raises(InvalidBlueprint, match=says):
        Blueprint.from_dict({"id": "g", **data})


@pytest.mark.parametrize(
    "data", [None, [], "x", 3, {}, {"id": 3, "nodes": {}}, {"id": "g", "nodes": [None]}, {"id": "g", "nodes": "abc"}]
)
def test_what_is_no_blueprint_is_refused(data: Any) -> None:
    with pytest.raises(InvalidBlueprint):
        Blueprint.from_dict(data)


def test_what_is_no_json_is_refused() -> None:
    for text in ("{", b"\xff", ""):
        with pytest.raises(InvalidBlueprint, match="it is no JSON"):
            Blueprint.from_json(text)


@pytest.mark.parametrize(
    ("given", "edges", "expected"),
    [
        ([], [], ["empty"]),
        (nodes("a", "a"), [], ["duplicate-id"]),
        (nodes("a.b"), [], ["bad-id"]),
        (nodes("context"), [], ["reserved-id"]),
        (nodes({"id": "a", "uses": "no such!"}), [], ["bad-uses"]),
        (nodes("a"), [edge("a", "b")], ["dangling-edge"]),
        (nodes("a"), [edge("x", "y")], ["dangling-edge", "dangling-edge"]),
        (nodes("a", "b"), [edge("a", "b", when="1 +")], ["bad-expression"]),
        (nodes("a", "b"), [edge("a", "b", transform="open('x')")], ["bad-expression"]),
        (nodes("a", "b"), [edge("a", "b", action="")], ["bad-action"]),
        (nodes("a", "b"), [edge("a", "b"), edge("b", "a")], ["cycle", "no-start", "unreachable", "unreachable"]),
        (nodes("a", "b", "c"), [edge("b", "c"), edge("c", "b")], ["cycle", "unreachable", "unreachable"]),
        (nodes("a", "b"), [edge("a", "b"), edge("b", "b")], ["cycle"]),
        (nodes({"id": "a", "uses": "t", "config": {"fallback": "z"}}), [], ["bad-fallback"]),
        (nodes({"id": "a", "uses": "t", "config": {"fallback": "a"}}), [], ["bad-fallback", "no-start", "unreachable"]),
        (nodes({"id": "a", "uses": "t", "config": {"fallback": "b"}}, "b"), [edge("a", "b")], ["bad-fallback"]),
        (
            nodes(*({"id": one, "uses": "t", "config": {"fallback": "f"}} for one in "ab"), "f"),
            [],
            ["bad-fallback", "bad-fallback"],
        ),
        (nodes({"id": "a", "uses": "t", "config": {"timeout": "10x"}}), [], ["bad-config"]),
        (nodes({"id": "a", "uses": "t", "config": {"retry": {"attempts": 0}}}), [], ["bad-config"]),
        (nodes({"id": "a", "uses": "t", "config": {"queue": "a b"}}), [], ["bad-config"]),
        (nodes({"id": "a", "uses": "t", "config": {"limits": {"a b": ""}}}), [], ["bad-config"]),
        (
            nodes({"id": "a", "uses": "batch", "params": {"each": "t"}, "config": {"if_fails": "block"}}),
            [],
            ["bad-config"],
        ),
        (nodes({"id": "a", "uses": "t", "config": {"if_fails": "explode"}}), [], ["unreadable"]),
        (nodes({"id": "a", "uses": "batch"}), [], ["bad-params"]),
        (nodes({"id": "a", "uses": "batch", "params": {"each": "loop"}}), [], ["bad-params"]),
        (nodes({"id": "a", "uses": "batch", "params": {"each": "t", "tolerance": "200%"}}), [], ["bad-params"]),
        (nodes({"id": "a", "uses": "batch", "params": {"each": "t", "tolerance": -1}}), [], ["bad-params"]),
        (nodes({"id": "a", "uses": "wait", "params": {"signal": "a b"}}), [], ["bad-params"]),
        (nodes({"id": "a", "uses": "wait", "params": {"signals": "x"}}), [], ["bad-params"]),
        (nodes({"id": "a", "uses": "webhook", "params": {"ttl": "0s"}}), [], ["bad-params"]),
        *(
            (nodes({"id": "a", "uses": "sleep", "params": {"duration": one}}), [], ["bad-params"])
            for one in ("abc", "10x", -5, None, True)  # S0-75
        ),
        (nodes({"id": "a", "uses": "sleep", "params": {"duration": 0}}), [], []),  # S0-75
        (nodes({"id": "l", "uses": "loop", "params": {"condition": "true"}}), [], ["bad-loop"]),
        (
            nodes({"id": "l", "uses": "loop", "params": {"condition": "true"}, "config": {"fallback": "f"}}, "b", "f"),
            [edge("l", "b", action="continue"), edge("b", "l")],
            ["bad-fallback"],
        ),
        (
            nodes(
                {"id": "a", "uses": "t", "config": {"fallback": "f", "if_fails": "block"}},
                {"id": "f", "uses": "batch", "params": {"each": "t"}},
            ),
            [],
            ["bad-fallback"],
        ),
        (
            nodes({"id": "l", "uses": "loop", "params": {"condition": "x"}}, "b"),
            [edge("l", "b", action="continue"), edge("b", "l")],
            ["bad-expression"],
        ),
        (
            nodes({"id": "l", "uses": "loop", "params": {"condition": "true"}}, "b"),
            [edge("l", "b", action="continue")],
            ["bad-loop"],
        ),
        (
            nodes("a", {"id": "l", "uses": "loop", "params": {"condition": "true"}}, "b"),
            [edge("a", "l"), edge("a", "b"), edge("l", "b", action="continue"), edge("b", "l")],
            ["bad-loop"],
        ),
        (
            nodes({"id": "l", "uses": "loop", "params": {"condition": "true"}}, "b", "c"),
            [edge("l", "b", action="continue"), edge("b", "l"), edge("b", "c"), edge("l", "c")],
            ["bad-loop"],
        ),
        (
            nodes({"id": "l", "uses": "loop", "params": {"condition": "true"}}, "b", "c"),
            [edge("l", "b", action="continue"), edge("b", "c"), edge("c", "b"), edge("c", "l")],
            ["cycle"],
        ),
    ],
)
def test_what_is_wrong_is_named(given: list[Any], edges: list[Any], expected: list[str]) -> None:
    """S0-04, S0-05, S0-07, S0-09, S0-10, S0-16, S0-17, S0-75."""
    assert codes({"id": "g", "nodes": given, "edges": edges}) == expected


def test_all_that_is_wrong_is_told_at_once() -> None:
    """S0-04, S0-05: the edge and the node are named."""
    with pytest.raises(InvalidBlueprint) as caught:
        blueprint(["a", "a", {"id": "b", "uses": "sleep", "params": {"duration": "10x"}}], "a z", "b q")
    found = [cast("Problem", one) for one in caught.value.problems]
    assert [(one.code, one.node, one.edge) for one in found] == [
        ("duplicate-id", "a", None),
        ("bad-params", "b", None),
        ("dangling-edge", None, 0),
        ("dangling-edge", None, 1),
    ]
    assert "4 problems:\n- 2 nodes have the id 'a'\n" in str(caught.value)
    assert "- edge 0 (a -> z): there is no node 'z'" in str(caught.value)


def test_names_of_tasks_and_blueprints_are_checked_where_they_are_known() -> None:
    """S0-06"""
    data = {
        "id": "g",
        "nodes": nodes(
            {"id": "a", "uses": "send@2"},
            {"id": "b", "uses": "sned"},
            {"id": "c", "uses": "batch", "params": {"each": "gone"}},
            {"id": "d", "uses": "subgraph", "params": {"blueprint": "other"}},
            {"id": "e", "uses": "sleep", "params": {"duration": 1}},
        ),
    }
    assert codes(data) == []
    expected = ["unknown-task", "unknown-task", "unknown-blueprint", "ambiguous-uses"]
    assert codes(data, tasks={"send", "sleep"}, blueprints={"x"}) == expected
    found = Blueprint.from_dict(data).problems(tasks={"send"})
    assert found[0].node == "b"
    assert "there is no task 'sned'; known are send" in found[0].message


def test_what_is_made_in_code_is_checked_when_asked() -> None:
    made = Blueprint(id="g", nodes=(Node(id="a", uses="t"),), edges=(Edge(source="a", target="b"),))
    with pytest.raises(InvalidBlueprint, match="no node 'b'"):
        made.check()
    assert Blueprint(id="g", nodes=(Node(id="a", uses="t"),)).check().id == "g"


def test_the_shape_of_any_blueprint_can_be_asked() -> None:
    """S0-03, S0-09, S0-10: fallbacks are no starts."""
    found = blueprint([{"id": "a", "config": {"fallback": "f"}}, "b", "c", "f", "alone"], "a c", "b c").analyze()
    assert (found.starts, found.terminals, found.is_dag) == (("a", "b", "alone"), ("c", "alone"), True)
    odd = blueprint("a b c d", "a b", "b c", "c a", "c d", check=False).analyze()
    assert (odd.cycles, odd.is_dag, odd.starts) == ((("a", "b", "c", "a"),), False, ())
    full = Blueprint.from_dict(FULL).analyze()
    assert (full.starts, full.terminals) == (("fetch",), ("end",))
    assert (full.loops, full.cycles) == ({"polish": ("draft",)}, (("polish", "draft", "polish"),))
    assert blueprint("", check=False).analyze().nodes == 0


def test_many_edges_back_are_few_cycles_and_little_work() -> None:
    ids = [f"n{i}" for i in range(3000)]
    pairs = [*itertools.pairwise(ids), *((one, "n1500") for one in ids[1600:]), ("n1400", "n1300")]
    odd = blueprint(ids, *(edge(a, b) for a, b in pairs), check=False).analyze()
    assert [(one[0], len(one)) for one in odd.cycles] == [("n1500", 1501), ("n1300", 102)]


def test_two_circles_are_two_cycles() -> None:
    odd = blueprint("a b c d", "a b", "b a", "b c", "c d", "d c", check=False).analyze()
    assert odd.cycles == (("a", "b", "a"), ("c", "d", "c"))


def test_a_blueprint_has_a_size_that_can_be_looked_at() -> None:
    many = [{"id": f"n{i}", "uses": "t"} for i in range(100_001)]
    assert codes({"id": "g", "nodes": many}) == ["too-large"]


@pytest.mark.parametrize(
    ("given", "edges", "expected"),
    [
        ("a", [], []),
        ("a b", ["a b"], []),
        ("a b c", ["a b"], ["alone"]),
        ("a b", [edge("a", "b", action="x")], ["no-default"]),
        ("a b", [edge("a", "b"), edge("a", "b")], ["twice"]),
        (["a", {"id": "b", "inputs": "c.x"}, "c"], ["a b", "a c"], ["racing-input"]),
        (["a", "c", {"id": "b", "inputs": {"x": "a.x", "y": "key"}}], ["a c", "c b"], []),
        (["a", {"id": "w", "uses": "wait", "params": {"timeout": 1}}], ["a w"], ["no-timeout-edge"]),
    ],
)
def test_what_looks_wrong_is_a_warning(given: Any, edges: list[Any], expected: list[str]) -> None:
    """S0-09"""
    assert [one.code for one in blueprint(given, *edges).lint()] == expected


def test_a_blueprint_is_drawn_without_its_texts_breaking_the_drawing() -> None:
    """S0-12: `make mermaid` gives such drawings to Mermaid itself."""
    drawn = blueprint(
        [{"id": "end", "config": {"fallback": "subgraph-1"}}, "b", "subgraph-1"],
        edge("end", "b", when="output[\"a|b\"] != '];-->'", action='"x"|y', transform="{'k': [1]}"),
    ).to_mermaid()
    assert drawn.splitlines()[:2] == ["flowchart TD", '    n0["end: task"]']
    label = drawn.partition('|"')[2].partition('"|')[0]
    assert set(label) & set("\"'|[]{}<>;`") == {";"}
    assert '    n0 -. "if it fails" .-> n2' in drawn


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["id", "nodes", "edges", "uses", "config", "source", "target", "when", "params"]),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
@pytest.mark.filterwarnings("ignore:blueprint")
def test_anything_at_all_is_read_or_refused(data: Any) -> None:
    try:
        Blueprint.from_dict(data)
    except InvalidBlueprint as error:
        assert error.problems  # noqa: PT017 (either is right)


def test_a_long_chain_and_a_wide_fan_are_no_trap_for_the_stack() -> None:
    chain = [f"n{i}" for i in range(5000)]
    long = blueprint(chain, *(edge(a, b) for a, b in itertools.pairwise(chain)))
    assert long.analyze().terminals == ("n4999",)
    round_ = blueprint(chain, *(edge(a, b) for a, b in zip(chain, [*chain[1:], chain[0]], strict=True)), check=False)
    assert len(round_.analyze().cycles[0]) == 5001


def test_settings_that_say_nothing_are_left_out() -> None:
    made = Blueprint(id="g", nodes=(Node(id="a", uses="t", config=NodeConfig(queue="q")), Node(id="b", uses="t")))
    assert made.to_dict()["nodes"] == [{"id": "a", "uses": "t", "config": {"queue": "q"}}, {"id": "b", "uses": "t"}]
