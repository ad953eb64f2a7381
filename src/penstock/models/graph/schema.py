"""The JSON Schema of blueprints, made of the records that they are read into."""

from inspect import cleandoc
from typing import Any

from penstock.core import codec
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.parts import PARAMS


def schema() -> dict[str, Any]:
    """What `docs/reference/blueprint.schema.json` says. Whether the parts fit each other is beyond a schema."""
    found: dict[str, Any] = codec.schema(Blueprint)
    parts: dict[str, Any] = found.pop("$defs")
    rules: list[dict[str, Any]] = []
    for kind, form in PARAMS.items():
        described = codec.schema(form)
        parts |= described.pop("$defs", {})
        asked: dict[str, Any] = {"properties": {"params": {"$ref": f"#/$defs/{form.__name__}"}}}
        if parts[form.__name__].get("required"):
            asked["required"] = ["params"]
        rules.append({"if": {"properties": {"uses": {"const": kind}}}, "then": asked})
    parts["Node"]["allOf"] = rules
    for part in parts.values():
        part["description"] = cleandoc(part["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Penstock blueprint",
        **found,
        "$defs": dict(sorted(parts.items())),
    }
