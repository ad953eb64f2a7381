"""From the JSON of others to nodes and edges: field by field, so that all that can't be read is told at once.

Fields that nobody knows are dropped, and named in a warning; those that mean something in other systems are refused,
since dropping a condition would change what the graph does. Knows nothing of whether the parts fit.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec

from penstock.models.graph.parts import Edge, Node, NodeConfig, NodeRetry, Problem

T = TypeVar("T", bound=msgspec.Struct)

FIELDS: Final = ("id", "version", "nodes", "edges", "metadata")
_ELSEWHERE: Final = {  # what other systems call it, and what it is called here
    "condition": "when",
    "maxRetries": "config.retry.attempts",
    "retryDelay": "config.retry.delay",
    "joinStrategy": "config.join",
}
_NESTED: Final[dict[tuple[type, str], type[msgspec.Struct]]] = {
    (Node, "config"): NodeConfig,
    (NodeConfig, "retry"): NodeRetry,
}


class Read(msgspec.Struct, kw_only=True):
    """What could be read, what could not, and what was dropped."""

    id: str
    version: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    metadata: dict[str, Any]
    problems: list[Problem]
    dropped: list[str]


def read(data: object) -> Read:
    """The parts of a blueprint in plain values, as JSON has them. Never raises: `problems` says what is wrong."""
    reader = _Reader()
    return reader.blueprint(data)


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.dropped: list[str] = []

    def blueprint(self, data: object) -> Read:
        if not isinstance(data, Mapping):
            self.unreadable("a blueprint", "an object is expected, with id, nodes and edges")
            data = {}
        given = cast("Mapping[str, Any]", data)
        self.drop(given, FIELDS, "")
        return Read(
            id=self.text(given, "id") or "",
            version=self.text(given, "version") if given.get("version") is not None else None,
            nodes=self.parts(given, "nodes", Node),
            edges=self.parts(given, "edges", Edge),
            metadata=self.mapping(given.get("metadata")),
            problems=self.problems,
            dropped=self.dropped,
        )

    def text(self, given: Mapping[str, Any], name: str) -> str | None:
        value = given.get(name)
        if isinstance(value, str):
            return value
        self.unreadable(name, "a text is expected" if name in given else "it is missing")
        return None

    def mapping(self, value: object) -> dict[str, Any]:
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return dict(cast("Mapping[str, Any]", value))
        self.unreadable("metadata", "an object is expected")
        return {}

    def parts(self, given: Mapping[str, Any], name: str, kind: type[T]) -> tuple[T, ...]:
        values = given.get(name, [])
        if not isinstance(values, list | tuple):
            self.unreadable(name, "a list is expected")
            return ()
        found = (self.part(value, kind, f"{name}[{i}]") for i, value in enumerate(cast("list[object]", values)))
        return tuple(one for one in found if one is not None)

    def part(self, value: object, kind: type[T], place: str) -> T | None:
        """The record; None if what it can't do without is not there."""
        if not isinstance(value, Mapping):
            self.unreadable(place, "an object is expected")
            return None
        given = cast("Mapping[str, Any]", value)
        fields = _fields(kind)
        self.drop(given, [field.name for field in fields], f"{place}.")
        read: dict[str, Any] = {}
        whole = True
        for field in fields:
            if field.name not in given:
                if field.required:
                    self.unreadable(f"{place}.{field.name}", "it is missing")
                    whole = False
                continue
            try:
                read[field.name] = self.field(given[field.name], kind, field, place)
            except msgspec.ValidationError as error:
                self.unreadable(f"{place}.{field.name}", str(error))
                whole = whole and not field.required
        return kind(**read) if whole else None

    def field(self, value: Any, kind: type, field: msgspec.structs.FieldInfo, place: str) -> Any:
        nested = _NESTED.get((kind, field.name))
        if nested is None or not isinstance(value, Mapping):
            return msgspec.convert(value, field.type)
        return self.part(cast("object", value), nested, f"{place}.{field.name}")

    def drop(self, given: Mapping[str, Any], known: list[str] | tuple[str, ...], place: str) -> None:
        for name in given:
            if name in known:
                continue
            if name in _ELSEWHERE:
                self.unreadable(f"{place}{name}", f"here it is called {_ELSEWHERE[name]}")
                continue
            near = get_close_matches(str(name), known, n=1)
            self.dropped.append(f"{place}{name}" + (f" (did you mean {near[0]}?)" if near else ""))

    def unreadable(self, place: str, reason: str) -> None:
        self.problems.append(Problem(code="unreadable", message=f"{place}: {reason}"))


@cache
def _fields(kind: type) -> tuple[msgspec.structs.FieldInfo, ...]:
    """What a record of this kind may say. To find that out takes longer than to read one."""
    return msgspec.structs.fields(kind)
