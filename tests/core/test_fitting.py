"""What a declared schema says of plain data, and which value is named when it does not fit."""

from typing import Any

import msgspec
import pytest

from penstock.core import fitting
from penstock.core.fitting import Fitting, Misfit

ITEM: Any = {"type": "object", "properties": {"sku": {"type": "string"}, "n": {"type": "integer"}}, "required": ["sku"]}
TREE: Any = {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}
MISFITS: list[tuple[Any, Any, str, str]] = [
    ("a", {"type": "integer"}, "x", "integer here"),
    (True, {"type": "integer"}, "x", "integer here"),
    (1, {"type": "boolean"}, "x", "boolean here"),
    ("a", {"type": ["integer", "null"]}, "x", "integer or null here"),
    ("a", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "x", "integer or null here"),
    ("c", {"enum": ["a", "b"]}, "x", "one of 'a', 'b' here"),
    ("c", {"const": "a"}, "x", "'a' here"),
    (0, {"type": "integer", "exclusiveMinimum": 0}, "x", "a number above 0 here"),
    (0, {"type": "integer", "minimum": 1}, "x", "a number from 1 here"),
    (2.5, {"type": "number", "maximum": 2}, "x", "a number up to 2 here"),
    (2, {"type": "number", "exclusiveMaximum": 2}, "x", "a number below 2 here"),
    ("", {"type": "string", "minLength": 1}, "x", "at least 1 characters here"),
    ("abc", {"type": "string", "maxLength": 2}, "x", "at most 2 characters here"),
    ([1], {"type": "array", "minItems": 2}, "x", "at least 2 items here"),
    ({"a": 1}, {"type": "object", "maxProperties": 0}, "x", "at most 0 fields here"),
    ([1, "a"], {"type": "array", "items": {"type": "integer"}}, "x[1]", "integer here"),
    ([1, 2], {"type": "array", "prefixItems": [{}, {"type": "string"}], "items": False}, "x[1]", "string here"),
    ([1, 2, 3], {"type": "array", "prefixItems": [{}, {}], "items": False}, "x[2]", "nothing here"),
    ({"n": 1}, ITEM, "x.sku", ""),
    ({"sku": "a", "n": "b"}, ITEM, "x.n", "integer here"),
    ({"a": 1}, {"type": "object", "additionalProperties": False}, "x.a", "nothing here"),
    ({"a": 1}, {"type": "object", "additionalProperties": {"type": "string"}}, "x.a", "string here"),
    ([{"sku": 1}], {"anyOf": [{"type": "array", "items": ITEM}, {"type": "null"}]}, "x[0].sku", "string here"),
    ({"sku": 1}, {"allOf": [{"type": "object"}, ITEM]}, "x.sku", "string here"),
    ({"below": [{"below": [5]}]}, {"$ref": "#/$defs/Tree"}, "x.below[0].below[0]", "object here"),
]
FITS: list[tuple[Any, Any]] = [
    (1, {"type": "number"}),
    (None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    (1.5, {"type": "string", "format": "decimal"}),
    ("1.5", {"type": "string", "format": "decimal"}),
    ("not a date", {"type": "string", "format": "date-time"}),
    ("b", {"type": "string", "pattern": "^a"}),
    ({"a": 1, "b": 2}, {"type": "object", "patternProperties": {"^a": {}}, "additionalProperties": False}),
    ([1], {"type": "array", "uniqueItems": True}),
    ("anything", {}),
    ("anything", {"type": "what nobody knows"}),
    ("anything", {"$ref": "#/$defs/Nowhere"}),
    ({"below": []}, {"$ref": "#/$defs/Tree"}),
    (None, {}),
]


def look(value: object, schema: Any, **parts: Any) -> Misfit | None:
    return Fitting(parts).misfit("x", value, schema)


@pytest.mark.parametrize(("value", "schema", "where", "wanted"), MISFITS)
def test_the_first_value_that_does_not_fit_is_named(value: object, schema: Any, where: str, wanted: str) -> None:
    found = look(value, schema, Tree=TREE)
    assert found is not None
    assert (found.path, found.wanted) == (where, wanted)


@pytest.mark.parametrize(("value", "schema"), FITS)
def test_what_is_left_to_those_who_have_the_code_fits(value: object, schema: Any) -> None:
    assert look(value, schema, Tree=TREE) is None


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    loops: Any = {"A": {"$ref": "#/$defs/A"}, "B": {"anyOf": [{"$ref": "#/$defs/B"}, {"type": "null"}]}}
    assert look(1, {"$ref": "#/$defs/A"}, **loops) is None
    assert look(1, {"$ref": "#/$defs/B"}, **loops) is None
    told = look(1, {"anyOf": [{"type": "null"}, {"type": "string"}, {"$ref": "#/$defs/C"}]}, C={"type": "null"})
    assert told is not None
    assert told.wanted == "null or string here"


def test_an_input_as_deep_as_inputs_may_be_is_looked_at() -> None:
    value: object = "the deepest"
    for _ in range(60):
        value = {"below": [value]}
    nested = {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]}
    found = look(value, nested, Tree=TREE)
    assert found is not None
    assert found.value == "the deepest"


def test_of_a_large_input_so_much_is_looked_at() -> None:
    """An enqueue by name holds up its loop for some milliseconds at most."""
    schema = {"type": "array", "items": {"type": "integer"}}
    many: list[object] = [1] * fitting.MOST
    assert look([*many[: fitting.MOST - 2], "a"], schema) is not None
    assert look([*many, "a"], schema) is None


def test_what_msgspec_declares_is_understood() -> None:
    class Point(msgspec.Struct, array_like=True):
        x: int
        y: str = ""

    declared = msgspec.json.schema(dict[int, list[Point]])
    parts = declared["$defs"]
    assert Fitting(parts).misfit("x", {"1": [[1, "a"], [2]]}, declared) is None
    found = Fitting(parts).misfit("x", {"1": [[1, 2]]}, declared)
    assert found == Misfit("x.1[0][1]", 2, "string here")
