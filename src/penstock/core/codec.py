"""Values to bytes and back: JSON, and stricter than JSON libraries are.

What would not come back as it went in is refused: NaN and Infinity (which msgspec writes as null), lone surrogates,
more than 64 levels, more bytes than the limit. Knows neither handlers nor what their annotations say. `Codec` is the
seam behind which bytes are encrypted.
"""

import dataclasses
import hashlib
import math
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Protocol, cast

import msgspec

from penstock.core import adapters
from penstock.core.errors import InvalidInput, PayloadTooLarge

LIMIT: Final = 1_048_576  # bytes of one payload
DEPTH: Final = 64  # levels of lists and objects in one value
HEADER: Final = b"\0"  # with which a codec's work begins, and no JSON text


class _Absent:
    """Stands for a value that an error can't show."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


MISSING: Final = _Absent("(missing)")
STORED: Final = _Absent("(as stored)")  # showing it would carry an input's secrets into logs


class Unfit(ValueError):  # noqa: N818 (never seen by users)
    """The value has no exact form in bytes; the text says why. Callers name the parameter, and raise their own."""


class Codec(Protocol):
    """What happens to payloads between Penstock and the store, in each process that shares it.

    `encode` marks its result with a header that names its key: a zero byte, which no JSON text begins with, then what
    the codec likes. `decode` reads what any of its keys wrote, and passes on what has no header.
    """

    @property
    def name(self) -> str:
        """Codec and current key, not the key's secret; processes that differ in it are told so."""
        ...

    def encode(self, data: bytes) -> bytes: ...
    def decode(self, data: bytes) -> bytes: ...


class Identity:
    """The codec that changes nothing."""

    @property
    def name(self) -> str:
        """Nothing: every process reads what it writes."""
        return ""

    def encode(self, data: bytes) -> bytes:
        """The same bytes."""
        return data

    def decode(self, data: bytes) -> bytes:
        """The same bytes."""
        return data


_ENCODER: Final = msgspec.json.Encoder(enc_hook=adapters.dump)
_ORDERED: Final = msgspec.json.Encoder(enc_hook=adapters.dump, order="deterministic")


def encode(value: object, *, floats: bool = True, sets: bool = False, levels: int = DEPTH) -> bytes:
    """The value as JSON; raises `Unfit` if it has no exact form.

    `floats=False` if no NaN can be inside. `sets=True` sorts sets and mappings, so that equal ones have equal bytes.
    """
    try:
        data = _sorted(value) if sets else _ENCODER.encode(value)
    except RecursionError:
        raise Unfit(f"it contains itself, or has more than {levels} levels") from None
    except UnicodeEncodeError as error:
        raise Unfit(f"a text holds half a surrogate pair ({error.object[error.start : error.end]!r})") from error
    except Exception as error:  # encoding runs code of the value's class, which may raise anything
        raise Unfit(str(error) or type(error).__name__) from error
    if floats and b"null" in data and _not_finite(value):
        raise Unfit("NaN and Infinity have no form in JSON: pass None, or a text")
    check_depth(data, levels)
    return data


def _sorted(value: object) -> bytes:
    try:
        return _ORDERED.encode(value)
    except TypeError:  # a set of numbers and texts has no order
        return _ENCODER.encode(value)


def encode_named(arguments: Mapping[str, object], *, limit: int = LIMIT) -> bytes:
    """Arguments by name as JSON, for a handler whose code is not here. Raises `InvalidInput` or `PayloadTooLarge`."""
    for name, value in arguments.items():
        try:
            encode(value)
        except Unfit as error:
            raise InvalidInput(name, value, str(error)) from error
    return check_size(_ENCODER.encode(dict(arguments)), "the input", limit)


def schema(form: Any) -> adapters.Schema:
    """The JSON Schema of an annotation, complete in itself."""
    (root,), parts = msgspec.json.schema_components([form], schema_hook=adapters.schema)
    gathered: adapters.Schema = {}
    found: adapters.Schema = _without_parts(root, gathered)
    gathered |= {name: _without_parts(part, gathered) for name, part in parts.items()}
    return {**found, "$defs": gathered} if gathered else found


def _without_parts(schema: Any, gathered: adapters.Schema) -> Any:
    """The schema with its own "$defs", at whatever depth, moved to where references look for them: the top."""
    if isinstance(schema, list):
        return [_without_parts(item, gathered) for item in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    plain = cast("adapters.Schema", schema)
    for name, part in plain.get("$defs", {}).items():
        gathered[name] = _without_parts(part, gathered)
    return {key: _without_parts(value, gathered) for key, value in plain.items() if key != "$defs"}


def check_depth(data: bytes, levels: int = DEPTH) -> None:
    """Raises `Unfit` if the JSON text nests deeper than this, without parsing it."""
    if data.count(b"[") + data.count(b"{") > levels and _depth(data) > levels:
        raise Unfit(f"it nests deeper than {levels} levels")


def check_size(data: bytes, parameter: str, limit: int = LIMIT) -> bytes:
    """The data, if it has no more bytes than the limit; raises `PayloadTooLarge` otherwise."""
    if len(data) > limit:
        raise PayloadTooLarge(parameter, len(data), limit)
    return data


def canonical_hash(data: bytes) -> bytes:
    """16 bytes that are equal for JSON texts of equal meaning: whatever the order of keys; 1.0 equals 1."""
    plain = _canonical_decoder.decode(data)
    return hashlib.sha256(_canonical_encoder.encode(plain)).digest()[:16]


def _canonical_number(text: str) -> float:
    value = float(text)
    return int(value) if value.is_integer() else value


_canonical_decoder: Final = msgspec.json.Decoder(float_hook=_canonical_number)
_canonical_encoder: Final = msgspec.json.Encoder(order="sorted")

_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS: Final = bytes(sorted(set(range(256)) - set(b"[]{}")))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")


def _depth(data: bytes) -> int:
    """Levels of a JSON text, at most a few above the limit: each round takes the innermost away, in C."""
    brackets = _TEXT.sub(b"", data).translate(_ONE_KIND, _NO_BRACKETS)
    depth = 0
    while brackets and depth <= DEPTH + 8:
        brackets = brackets.replace(b"[]", b"")
        depth += 1
    return depth


def _not_finite(value: object) -> bool:
    """Whether a NaN or an Infinity is anywhere in it. Called for values that could be encoded: they end."""
    rest: list[object] = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, float):
            if not math.isfinite(item):
                return True
        elif item is not None and not isinstance(item, str | int | bytes):
            rest.extend(_parts(item))
    return False


def _parts(item: Any) -> list[object]:
    """What is inside a value, in whatever way the encoder looks into it."""
    if isinstance(item, dict):
        mapping = cast("dict[object, object]", item)
        return [*mapping.keys(), *mapping.values()]
    if isinstance(item, list | tuple | set | frozenset):
        return list(cast("list[object]", item))
    if isinstance(item, msgspec.Struct):
        return [getattr(item, name) for name in item.__struct_fields__]
    if isinstance(item, Enum):
        return [item.value]
    if adapters.as_model(item) is not None:
        return [adapters.dump(item)]
    return [getattr(item, name, None) for name in _fields(item)]


def _fields(item: Any) -> list[str]:
    """The names of what a dataclass or an attrs class holds; none for what is no record."""
    if dataclasses.is_dataclass(item):
        return [field.name for field in dataclasses.fields(item)]
    return [field.name for field in getattr(cast("object", item), "__attrs_attrs__", ())]
