"""Whether plain data is what a JSON Schema says: the part of the language in which inputs are declared. Knows no task.

Patterns and formats are left to who has the code, and so is what comes after the first 2,000 values: looking at all of
a large input would hold up the caller's loop.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sized
from itertools import chain, islice, repeat
from typing import Any, Final, NamedTuple, TypeAlias, cast

Schema: TypeAlias = Mapping[str, Any] | bool

MOST: Final = 2_000  # values
DEEPEST: Final = 150  # of looks within looks: twice as deep as an input may be; a schema may contain itself
REFERENCES: Final = 32  # in a row
_TOLD: Final = 3  # levels of a schema that are told
_NAMED: Final = 10  # values of an enumeration that are told
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_NUMBERS: Final[tuple[tuple[str, Callable[[Any, Any], bool], str], ...]] = (  # a bound, what breaks it, what is told
    ("minimum", operator.lt, "a number from {} here"),
    ("maximum", operator.gt, "a number up to {} here"),
    ("exclusiveMinimum", operator.le, "a number above {} here"),
    ("exclusiveMaximum", operator.ge, "a number below {} here"),
)
_SIZES: Final[tuple[tuple[type, str, Callable[[Any, Any], bool], str], ...]] = (
    (str, "minLength", operator.lt, "at least {} characters here"),
    (str, "maxLength", operator.gt, "at most {} characters here"),
    (list, "minItems", operator.lt, "at least {} items here"),
    (list, "maxItems", operator.gt, "at most {} items here"),
    (dict, "minProperties", operator.lt, "at least {} fields here"),
    (dict, "maxProperties", operator.gt, "at most {} fields here"),
)


class Misfit(NamedTuple):
    """The first value that does not fit: where it is, and what is wanted there, "integer here"; "": it is missing."""

    path: str  # "order.items[2].price"
    value: object
    wanted: str


class Fitting:
    """Looks at the values of one input. `parts`: the schema's `$defs`."""

    def __init__(self, parts: Mapping[str, Schema]) -> None:
        self._parts = parts
        self._left = MOST
        self._deep = 0

    def resolved(self, schema: Schema) -> Schema:
        """What a reference stands for."""
        for _ in range(REFERENCES):
            if isinstance(schema, bool) or "$ref" not in schema:
                return schema
            schema = self._parts.get(str(schema["$ref"]).rpartition("/")[2], True)
        return True

    def misfit(self, path: str, value: Any, schema: Schema) -> Misfit | None:
        """What does not fit, in the value or below it; None: all that was looked at fits."""
        self._left -= 1
        if self._left < 0 or self._deep == DEEPEST:
            return None
        self._deep += 1
        try:
            return self._looked(path, value, self.resolved(schema))
        finally:
            self._deep -= 1

    def _looked(self, path: str, value: Any, whole: Schema) -> Misfit | None:
        if isinstance(whole, bool):
            return None if whole else Misfit(path, value, "nothing here")
        for part in whole.get("allOf", ()):
            if (found := self.misfit(path, value, part)) is not None:
                return found
        if forms := whole.get("anyOf") or whole.get("oneOf"):
            return self._of_none(path, value, whole, [self.misfit(path, value, form) for form in forms])
        if not _is_of(value, whole):
            return Misfit(path, value, f"{self._told(whole)} here")
        wanted = _outside(value, whole)
        if wanted:
            return Misfit(path, value, wanted)
        below = chain(self._missing(path, value, whole), self._below(path, value, whole))
        return next(below, None)

    def _of_none(self, path: str, value: Any, schema: Mapping[str, Any], found: list[Misfit | None]) -> Misfit | None:
        """One of several forms is enough. If there is none, the one that fits furthest says why."""
        misfits = [one for one in found if one is not None]
        if len(misfits) < len(found):
            return None
        furthest = max(misfits, key=lambda one: len(one.path))
        return furthest if furthest.path != path else Misfit(path, value, f"{self._told(schema)} here")

    def _missing(self, path: str, value: Any, schema: Mapping[str, Any]) -> Iterator[Misfit]:
        if isinstance(value, dict):
            for name in schema.get("required", ()):
                if name not in value:
                    yield Misfit(f"{path}.{name}", "nothing", "")

    def _below(self, path: str, value: Any, schema: Mapping[str, Any]) -> Iterator[Misfit]:
        """What does not fit in the members of an object, or the items of an array."""
        for where, one, wanted in _members(path, value, schema, self._left):
            if self._left < 0:
                return
            found = self.misfit(where, one, wanted) if wanted is not True else None
            if found is not None:
                yield found

    def _told(self, schema: Schema, levels: int = _TOLD) -> str:
        """What the schema wants, in few words."""
        whole = self.resolved(schema) if levels else True
        if isinstance(whole, bool):
            return "anything" if whole else "nothing"
        if forms := whole.get("anyOf") or whole.get("oneOf"):
            return " or ".join(dict.fromkeys(self._told(form, levels - 1) for form in forms))
        if "const" in whole:
            return repr(whole["const"])
        if "enum" in whole:
            more = ", ..." if len(whole["enum"]) > _NAMED else ""
            return f"one of {', '.join(map(repr, whole['enum'][:_NAMED]))}{more}"
        kinds = whole.get("type", "another type")
        return kinds if isinstance(kinds, str) else " or ".join(kinds)


def _members(path: str, value: Any, schema: Mapping[str, Any], most: int) -> list[tuple[str, Any, Schema]]:
    """Where each member or item of the value is, what it is, and its schema."""
    if _is(value, "object"):
        known: Mapping[str, Schema] = schema.get("properties", {})
        others: Schema = schema.get("additionalProperties", True) if "patternProperties" not in schema else True
        return [(f"{path}.{name}", one, known.get(name, others)) for name, one in islice(value.items(), most)]
    if _is(value, "array"):
        first: list[Schema] = schema.get("prefixItems", [])
        rest: Schema = schema.get("items", True)
        schemas = chain(first, repeat(rest))
        return [(f"{path}[{place}]", one, next(schemas)) for place, one in enumerate(value[:most])]
    return []


def _is_of(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether the value is of a type, and among the values, that the schema names."""
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    declared = schema.get("type")
    kinds = [declared] if isinstance(declared, str) else declared
    if schema.get("format") == "decimal" and isinstance(value, int | float):
        return not isinstance(value, bool)  # declared as text, and read from a number as well
    return not kinds or any(_is(value, kind) for kind in kinds)


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return kind not in _TYPES or isinstance(value, _TYPES[kind])


def _outside(value: Any, schema: Mapping[str, Any]) -> str:
    """What is wanted, if the value is outside the bounds of the schema; "": it is not."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        for keyword, breaks, told in _NUMBERS:
            if keyword in schema and breaks(value, schema[keyword]):
                return told.format(schema[keyword])
    for kind, keyword, breaks, told in _SIZES:
        if isinstance(value, kind) and keyword in schema and breaks(len(cast("Sized", value)), schema[keyword]):
            return told.format(schema[keyword])
    return ""
