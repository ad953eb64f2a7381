"""The page on blueprints names every field, setting, variable and function that there is."""

import re
from pathlib import Path

import msgspec
import pytest

from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.cel import fault, parse
from penstock.models.graph.expression import EDGE, LOOP
from penstock.models.graph.parts import NAMESPACES, PARAMS, Edge, LoopParams, Node, NodeConfig, NodeRetry

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "blueprints.md"
TEXT = PAGE.read_text(encoding="utf-8")
CODE = " ".join(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)))


@pytest.mark.parametrize("form", [Blueprint, Node, NodeConfig, NodeRetry, Edge, *PARAMS.values()])
def test_every_field_is_on_the_page(form: type[msgspec.Struct]) -> None:
    assert [name for name in form.__struct_fields__ if not re.search(rf"\b{name}\b", CODE)] == []


def test_every_word_of_the_language_is_on_the_page() -> None:
    names = {*EDGE, *LOOP, *parse.FUNCTIONS, *parse.METHODS, *parse.MACROS, *PARAMS, *NAMESPACES, "has"}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", CODE)] == []


def test_the_bounds_on_the_page_are_those_of_the_code() -> None:
    assert f"{fault.LONGEST:,} characters and {fault.DEEPEST}" in TEXT
    assert f"{fault.BUDGET:,} steps" in TEXT
    assert f"`limit` ({LoopParams(condition='true').limit:,})" in TEXT
