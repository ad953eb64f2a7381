"""The types that msgspec leaves to others: pydantic's models and, with pydantic installed, all that it can describe.

The only place that knows pydantic. It is imported when an annotation needs it; whoever passes a model has done so.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final, Protocol, Self, TypeAlias, TypeVar, cast, get_args

import msgspec

_A = TypeVar("_A")
_R = TypeVar("_R")
Schema: TypeAlias = dict[str, Any]  # JSON Schema is what it is


_RULES: Final = frozenset({"pydantic", "annotated_types"})


class Model(Protocol):
    """What we use of a pydantic model."""

    def model_dump(self, *, mode: str, by_alias: bool, round_trip: bool) -> Schema: ...
    @classmethod
    def model_validate_json(cls, data: bytes, /) -> Self: ...
    @classmethod
    def model_json_schema(cls, *, ref_template: str) -> Schema: ...


class TypeAdapter(Protocol):
    """What we use of pydantic's adapter for an annotation."""

    def validate_python(self, value: object, /) -> object: ...
    def validate_json(self, data: bytes, /) -> object: ...
    def dump_python(self, value: object, /, *, mode: str, by_alias: bool, round_trip: bool) -> object: ...
    def json_schema(self, *, ref_template: str) -> Schema: ...


class Adapted:
    """A value that came through an adapter; each annotation has a subclass, which stands for it in a record."""

    adapter: TypeAdapter
    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    @classmethod
    def dump(cls, value: object) -> object:
        """The value as plain JSON data; a `ValueError` if it does not fit the annotation."""
        fitting = _told(cls.adapter.validate_python, value)
        return cls.adapter.dump_python(fitting, mode="json", by_alias=True, round_trip=True)


def as_model(value: object) -> Model | None:
    """The value or class, if it is one of pydantic's models."""
    return cast("Model", value) if hasattr(type(value), "model_dump") else None


def is_model(kind: type) -> bool:
    """Whether this class is one of pydantic's models."""
    return hasattr(kind, "model_validate_json")


def is_pydantic_dataclass(kind: type) -> bool:
    """Whether pydantic has rules for this dataclass that msgspec would not apply."""
    return hasattr(kind, "__pydantic_validator__")


def has_rules(annotation: object) -> bool:
    """Whether an `Annotated` in it has rules that pydantic follows and msgspec would overlook: `Field(gt=0)`, ..."""
    metadata = getattr(annotation, "__metadata__", ())
    if any(type(one).__module__.partition(".")[0] in _RULES for one in metadata):
        return True
    return any(has_rules(part) for part in get_args(annotation))


def adapted(annotation: Any, name: str) -> type[Adapted] | None:
    """A class of this name to stand for the annotation; None if pydantic is not installed, or has no JSON for it."""
    if find_spec("pydantic") is None:
        return None
    import pydantic  # noqa: PLC0415 (optional)

    try:
        adapter = cast("TypeAdapter", pydantic.TypeAdapter(annotation))
        adapter.json_schema(ref_template="{model}")  # what has none can't be read back from JSON
    except pydantic.PydanticUserError:
        return None
    return type(name, (Adapted,), {"__slots__": (), "adapter": adapter})


def dump(value: object) -> object:
    """What an encoder does with a value it does not know: a model as plain JSON data, a `TypeError` for the rest."""
    model = as_model(value)
    if model is None:
        raise TypeError(f"a {type(value).__qualname__} has no form in JSON: pass a dataclass, a model, or plain data")
    return model.model_dump(mode="json", by_alias=True, round_trip=True)


def load(kind: type, value: object) -> object:
    """What a decoder does with a class it does not know: read by pydantic from JSON, as its strict mode asks."""
    data = msgspec.json.encode(value)
    if issubclass(kind, Adapted):
        return kind(_told(kind.adapter.validate_json, data))
    return _told(cast("type[Model]", kind).model_validate_json, data)


def schema(kind: type) -> Schema:
    """The JSON Schema of a class msgspec does not know. Its parts and references to them carry the class's name."""
    template = f"#/$defs/{kind.__name__}.{{model}}"
    if issubclass(kind, Adapted):
        found = kind.adapter.json_schema(ref_template=template)
    else:
        found = cast("type[Model]", kind).model_json_schema(ref_template=template)
    if "$defs" in found:
        found["$defs"] = {f"{kind.__name__}.{name}": part for name, part in found["$defs"].items()}
    return found


def _told(read: Callable[[_A], _R], value: _A) -> _R:
    """What `read` makes of the value; its complaints in one line, without links."""
    try:
        return read(value)
    except ValueError as error:
        import pydantic  # noqa: PLC0415 (optional, and loaded by whoever raised this)

        if not isinstance(error, pydantic.ValidationError):
            raise
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        told = [f"{'.'.join(str(place) for place in fault['loc'])}: {fault['msg']}".lstrip(": ") for fault in faults]
        raise ValueError("; ".join(told[:10])) from error
