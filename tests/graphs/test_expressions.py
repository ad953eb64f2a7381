"""Conditions and transforms: what the language has, what it refuses and where, and that its work is bounded."""

import ast
import contextlib
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock.models.graph.cel
from penstock.core.errors import ExpressionFailed, InvalidExpression
from penstock.models.graph.expression import Condition, Transform

OUTPUT = {
    "score": 0.9,
    "n": 7,
    "name": "Ada",
    "tags": ["a", "b"],
    "none": None,
    "ok": True,
    "user": {"age": 41},
    "namespace": 3,
    "a b": 5,
    "big": 10**400,
    "odd": b"",
}


def value(text: str, **more: Any) -> Any:
    known = {"output": OUTPUT, "action": None, "input": 1, "outputs": {}, "inputs": {}, "context": {}} | more
    return Transform(text)(known)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("-7 % 3", -1),
        ("7.0 / 2", 3.5),
        ("2 + 0.5", 2.5),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("-9223372036854775808", -(2**63)),
        ("1 == 1.0", True),
        ("1 == true", False),
        ("1 != true", True),
        ("null == null", True),
        ("'1' == 1", False),
        ("[1, 2] == [1.0, 2]", True),
        ("{'a': 1} == {'a': 1.0}", True),
        ("{'a': true} == {'a': 1}", False),
        ("'a' < 'b'", True),
        ("false < true", True),
        ("2 in [1, 2]", True),
        ("true in [1]", False),
        ("'name' in output", True),
        ("1 in output", False),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
        ("r'\\n'", "\\n"),
        (r"'\n\x41\u00e4\101'", "\nAäA"),
        ('"it\'s"', "it's"),
        ("'''two\nlines'''", "two\nlines"),
        ("output.user.age", 41),
        ("output['a b']", 5),
        ("output.namespace", 3),
        ("output.tags[1]", "b"),
        ("output.tags[0.0]", "a"),
        ("size(output.tags) + output.name.size()", 5),
        ("output.name.startsWith('A') && output.name.endsWith('a') && output.name.contains('d')", True),
        ("has(output.score)", True),
        ("has(output.nothing)", False),
        ("has(output.none)", True),
        ("output.n > 5 ? 'many' : 'few'", "many"),
        ("true ? 1 : true ? 2 : 3", 1),
        ("!output.ok", False),
        ("!!output.ok", True),
        ("- -3", 3),
        ("output.tags.map(t, t + '!')", ["a!", "b!"]),
        ("[1, 2, 3].map(x, x > 1, x * 2)", [4, 6]),
        ("[1, 2, 3].filter(x, x > 1)", [2, 3]),
        ("[1, 2, 3].all(x, x > 0)", True),
        ("[1, 2, 3].exists(x, x == 2)", True),
        ("[1, 2, 2].exists_one(x, x == 2)", False),
        ("{'a': 1}.all(k, k == 'a')", True),
        ("[[1], [2, 3]].map(l, l.map(x, x + size(l)))", [[2], [4, 5]]),
        ("int('-12') + int(3.9)", -9),
        ("double('1.5')", 1.5),
        ("double(2)", 2.0),
        ("string('a')", "a"),
        ("1.5 - 1 + 2.0 * 3", 6.5),
        ("9 - 4 * 2", 1),
        ("1.0 / 0.0 > 5.0 && -1.0 / 0.0 < 5.0 && !(0.0 / 0.0 == 0.0)", True),
        ("null in [null]", True),
        ("{'a': [1]} != {'a': [1, 2]}", True),
        ("string(3) + string(true) + string(2.0) + string(0.5)", "3true20.5"),
        ("{'total': output.n, 'who': output.name}", {"total": 7, "who": "Ada"}),
        ("[1, 2,]", [1, 2]),
        ("{}", {}),
        ("1 // the rest is said to people\n + 1", 2),
        ("output.missing > 1 || true", True),
        ("true || output.missing > 1", True),
        ("output.missing > 1 && false", False),
        ("[0, 1].exists(x, 1 / x == 1)", True),
        ("[0, 1].all(x, 1 / x == 2)", False),
        ("input", 1),
        ("action == null", True),
    ],
)
def test_a_value_is_what_the_language_says(text: str, expected: Any) -> None:
    found = value(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "at", "reason"),
    [
        ("1 +", 3, "a value is expected"),
        ("", 0, "a value is expected"),
        ("1 2", 2, "the end is expected"),
        ("(1", 2, ") is expected"),
        ("a.b", 0, "a is not known here; known are action, context"),
        ("output.f()", 7, "there is no f() here"),
        ("eval('1')", 0, "there is no eval() here"),
        ("__import__('os')", 0, "there is no __import__() here"),
        ("import os", 0, "import is a reserved word"),
        ("output.name.matches('a')", 12, "regular expressions are left out"),
        ("timestamp('2020-01-01T00:00:00Z')", 0, "moments are left out"),
        ("duration('1s')", 0, "durations are left out"),
        ("1u", 1, "no unsigned numbers"),
        ("b'x'", 0, "no byte strings"),
        ("Message{a: 1}", 0, "no messages"),
        ("size()", 0, "another number of arguments"),
        ("has(output)", 0, "has() asks for a field"),
        ("'abc", 0, "has no end"),
        ("'a\nb'", 0, "has no end"),
        (r"'\q'", 1, "is no escape"),
        (r"'\ud800'", 1, "stands for no character"),
        (r"'\xg0'", 1, "takes 2 digits"),
        ("!-1", 1, "a value is expected"),
        ("-!true", 1, "a value is expected"),
        ("1 = 1", 2, "'=' means nothing here"),
        ("output; output", 6, "';' means nothing here"),
        ("`x`", 0, "'`' means nothing here"),
        ("lambda x: x", 0, "lambda is not known"),
        ("[x for x in output]", 1, "x is not known"),
        ("output.tags.all(output, true)", 16, "has a meaning already"),
        ("output.tags.all(t)", 17, ", is expected"),
        ("output.tags.all(if, true)", 16, "reserved word"),
        ("9223372036854775808", 0, "64 bits"),
        ("99999999999999999999999", 0, "64 bits"),
        ("output.?name", 7, "the name of a field"),
        ("output.in", 7, "the name of a field"),
        ("(" * 40 + "1" + ")" * 40, 32, "deeper than 32"),
        ("-" * 40 + "1", 31, "deeper than 32"),
        ("1" + "+1" * 40, 63, "deeper than 32"),
        ("1" * 5000, 4000, "up to 4,000 characters"),
    ],
)
def test_what_is_not_in_the_language_is_refused_with_its_place(text: str, at: int, reason: str) -> None:
    """S0-16, S0-17: nothing is evaluated."""
    with pytest.raises(InvalidExpression) as caught:
        Transform(text)
    assert reason in caught.value.reason
    assert caught.value.at == at
    assert "transform=" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("output.nothing", "no 'nothing' in it"),
        ("output.__class__", "no '__class__' in it"),
        ("output.name.__class__", "a string has no field"),
        ("output.tags.append", "a list has no field"),
        ("output.tags[2]", "no item 2 in a list of 2"),
        ("output.tags[-1]", "no item -1"),
        ("output.tags[true]", "asked by a whole number"),
        ("output.user[0]", "no 0 in it"),
        ("1 / 0", "division by 0"),
        ("1 % 0", "division by 0"),
        ("1.5 % 2", "whole numbers"),
        ("1 + 'a'", "int + string has no meaning"),
        ("true + 1", "bool + int"),
        ("1 < 'a'", "int < string"),
        ("null < 1", "null < int"),
        ("!1", "true or false is needed"),
        ("1 && true", "true or false is needed"),
        ("1 ? 2 : 3", "true or false is needed"),
        ("-'a'", "-string has no meaning"),
        ("9223372036854775807 + 1", "64 bits"),
        ("-(-9223372036854775808)", "64 bits"),
        ("size(1)", "not a int"),
        ("1 in 2", "asks a list or a map"),
        ("int('x')", "no whole number"),
        ("int(null)", "int() of a null"),
        ("int(1.0 / 0.0)", "int(inf)"),
        ("output.big * 1.5", "too large"),
        ("string(output.big)", "64 bits"),
        ("output.odd + 1", "bytes + int"),
        ("double('x')", "no number"),
        ("double([])", "double() of a list"),
        ("string(null)", "string() of a null"),
        ("'a'.contains(1)", "two texts"),
        ("1.all(x, true)", "goes over a list or a map"),
        ("output.n.all(x, true)", "goes over a list or a map"),
        ("{1: 2}", "keys of a map are strings"),
        ("{'a': 1, 'a': 2}", "stands twice"),
        ("has(output.name.x)", "a string has no fields"),
        ("output.missing || false", "no 'missing'"),
        ("[0].exists(x, 1 / x == 1)", "division by 0"),
        ("1.0 / 0.0", "NaN or Infinity"),
        ("[1e308 * 10.0]", "NaN or Infinity"),
    ],
)
def test_an_error_at_run_time_says_what_and_where(text: str, reason: str) -> None:
    """S0-16"""
    with pytest.raises(ExpressionFailed) as caught:
        value(text)
    assert reason in caught.value.reason
    assert repr(text)[:20] in str(caught.value)


def test_a_condition_is_true_or_false_and_nothing_else() -> None:
    """S0-16: no value counts as true that is not."""
    with pytest.raises(ExpressionFailed, match="true or false is needed, it is a int"):
        Condition("output.n")({"output": OUTPUT})


@pytest.mark.parametrize(
    "text",
    [
        "L.all(a, L.all(b, L.all(c, L.all(d, a == a))))",
        "L.map(a, L.map(b, L.map(c, L)))",
        "L.map(a, 'xxxxxxxxxxxxxxxx').filter(x, L.all(b, L.all(c, x + x + x + x + x == 'y' || true)))",
        "S + S + S + S == S || L.all(a, L.all(b, (S + S).contains(S + 'y') || true))",
        "L.all(a, M == M && L.all(b, M == M))",
        "L.all(a, false || L.exists(b, L.exists(c, L.exists(d, 1 / 0 == 1))) || true)",
    ],
)
def test_work_is_bounded_whatever_the_expression(text: str) -> None:
    known = {"L": list(range(100)), "S": "x" * 10_000, "M": {str(i): list(range(20)) for i in range(50)}}
    with pytest.raises(ExpressionFailed, match="more than 100,000 steps"):
        Transform(text, tuple(known))(known)


def test_deep_values_and_shared_ones_are_no_trap() -> None:
    assert value("output.all(x, x == 0 || true)", output=[0] * 1000) is True
    with pytest.raises(ExpressionFailed, match="more than 1,000,000 values"):
        value("[b, b].map(x, [x, x])".replace("b", "output"), output=[0] * 300_000)


def test_what_is_evaluated_is_not_changed() -> None:
    """S0-18"""
    output = {"list": [1, 2]}
    assert value("output.list + [3]", output=output) == [1, 2, 3]
    assert output == {"list": [1, 2]}


def test_nothing_of_the_language_reaches_pythons_own() -> None:
    """S0-17: the source has no getattr, eval, exec, compile, import by name."""
    names = {
        node.id
        for path in Path(str(penstock.models.graph.cel.__file__)).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name)
    }
    assert names & {"getattr", "eval", "exec", "compile", "__import__", "import_module", "vars", "globals"} == set()


WORDS = st.sampled_from(
    [
        *"()[]{}.,?:!-+*/%<>'\"",
        "&&",
        "||",
        "==",
        "in",
        "output",
        "has",
        "all",
        "map",
        "x",
        "1",
        "2.5",
        "'a'",
        "null",
        " ",
    ]
)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=30).map("".join))
def test_any_text_is_evaluated_or_refused_in_a_way_that_is_known(text: str) -> None:
    with contextlib.suppress(InvalidExpression, ExpressionFailed):
        value(text)


def test_the_deepest_expression_fits_into_the_stack() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(900)
    try:
        assert value("[" * 31 + "]" * 31) is not None
        assert value("(" * 31 + "1" + ")" * 31) == 1
    finally:
        sys.setrecursionlimit(limit)
