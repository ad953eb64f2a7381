"""Bytes: what has no exact form is refused, and equal meaning has equal hashes."""

import json
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from penstock.core.codec import (
    DEPTH,
    LIMIT,
    Codec,
    Identity,
    Unfit,
    canonical_hash,
    check_depth,
    check_size,
    encode,
    encode_named,
)
from penstock.core.errors import InvalidInput, PayloadTooLarge

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
plain: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=20,
)


class Colour(Enum):
    ODD = math.nan


@dataclass
class Point:
    x: float
    y: float | None = None


@dataclass
class Line:
    points: list[Point] = field(default_factory=list[Point])


class Pair(NamedTuple):
    left: float
    right: float


class Record(msgspec.Struct):
    value: float


class Model(BaseModel):
    value: float


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def circle() -> list[Any]:
    value: list[Any] = []
    value.append({"inside": value})
    return value


@given(plain)
def test_plain_values_come_back_as_they_went_in(value: Any) -> None:
    """B-058: None, False, 0 and empty things among them; U+0000, too."""
    assert msgspec.json.decode(encode(value)) == value
    assert json.loads(encode(value)) == value


def hiding_places(bad: float) -> list[object]:
    return [
        bad,
        [None, {"a": (1, bad)}],
        {bad},
        OrderedDict(a=frozenset([bad])),
        Line([Point(1), Point(bad)]),
        Point(1.0, bad),
        Pair(1.0, bad),
        [Record(bad)],
        {"m": Model(value=bad)},
        Colour.ODD,
    ]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", range(len(hiding_places(0))))
def test_nan_and_infinity_are_refused_wherever_they_hide(place: int, bad: float) -> None:
    with pytest.raises(Unfit):
        encode(hiding_places(bad)[place])


def test_a_float_as_key_is_a_text_and_exact() -> None:
    assert msgspec.json.decode(encode({1.5: 1, math.inf: 2}), type=dict[float, int]) == {1.5: 1, math.inf: 2}


@pytest.mark.parametrize("value", [None, "null", [None] * 100, Point(1.0), {"null": None, "a": [1.5, b"x"]}])
def test_null_itself_is_no_reason(value: object) -> None:
    assert encode(value)


@pytest.mark.parametrize(
    "value",
    [
        *("\ud800", ["a", "\udfff"], {"\ud800": 1}, circle(), object(), 1j, [print], {1, ("a", object())}),
        *({(1, 2): 3}, {None: 1}, nested(DEPTH + 1), nested(100_000), range(3), Exception("x")),
        pytest.param(10**5_000, id="an integer of more digits than Python prints"),
    ],
)
def test_what_has_no_form_in_json_is_refused_with_a_reason(value: object) -> None:
    """B-059, S0-25, S4-24: the circular and the unknown."""
    with pytest.raises(Unfit) as refused:
        encode(value)
    assert str(refused.value)


@pytest.mark.parametrize("levels", [1, 63, 64, 65, 66, 200])
def test_depth_is_counted_as_lists_and_objects(levels: int) -> None:
    value: list[object] = nested(levels)
    for _ in range(100):  # many brackets, deep or not, and some that are text
        value = [*value, {"]}": '[{"[\\'}, []]
    fits = encode_depth(value) <= DEPTH
    data = msgspec.json.encode(value)
    if fits:
        check_depth(data)
    else:
        with pytest.raises(Unfit, match="64 levels"):
            check_depth(data)


def encode_depth(value: Any) -> int:
    """The depth by definition, to compare with."""
    if isinstance(value, dict):
        return 1 + max((encode_depth(item) for item in value.values()), default=0)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    if isinstance(value, list):
        return 1 + max((encode_depth(item) for item in value), default=0)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    return 0


@given(plain, st.integers(0, 5))
def test_depth_of_any_value_is_what_it_is(value: Any, levels: int) -> None:
    data = msgspec.json.encode(value)
    if encode_depth(value) <= levels:
        check_depth(data, levels)
    else:
        with pytest.raises(Unfit):
            check_depth(data, levels)


@pytest.mark.parametrize("hostile", [b"[" * 1_000_000, b'{"a":' * 200_000, b'"\\' * 500_000, b"]" * 1_000_000])
def test_a_hostile_text_is_measured_without_being_parsed(hostile: bytes) -> None:
    if hostile[:1] in b"[{":
        with pytest.raises(Unfit):
            check_depth(hostile)


@given(plain, st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_no_hash(value: Any, random: Any) -> None:
    def shuffled(item: Any) -> Any:
        if isinstance(item, dict):
            pairs: list[Any] = [(key, shuffled(inner)) for key, inner in item.items()]  # pyright: ignore[reportUnknownVariableType]
            random.shuffle(pairs)
            return dict(pairs)
        return [shuffled(inner) for inner in item] if isinstance(item, list) else item  # pyright: ignore[reportUnknownVariableType]

    assert canonical_hash(encode(shuffled(value))) == canonical_hash(encode(value))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"1.0", b"1", True),
        (b'{"a":1,"b":[]}', b' {"b": [ ], "a": 1.0e0}', True),
        (b'"\\u00e4"', '"ä"'.encode(), True),
        (b"1.5", b"1", False),
        (b'"1"', b"1", False),
        (b"[]", b"{}", False),
        (b"null", b"false", False),
        (b"9007199254740993", b"9007199254740992", False),
        (b"[1,2]", b"[2,1]", False),
    ],
)
def test_hashes_are_equal_for_equal_meaning(one: bytes, other: bytes, same: bool) -> None:
    assert (canonical_hash(one) == canonical_hash(other)) is same
    assert len(canonical_hash(one)) == 16


def test_sets_are_written_in_order_when_asked() -> None:
    names = {f"n{number}" for number in range(50)}
    assert msgspec.json.decode(encode({"b": names, "a": 1}, sets=True)) == {"a": 1, "b": sorted(names)}
    assert msgspec.json.decode(encode({1, "a"}, sets=True)) in ([1, "a"], ["a", 1])
    assert encode({"b": 1, "a": 2}) == b'{"b":1,"a":2}'


def test_arguments_by_name_are_checked_one_by_one() -> None:
    assert encode_named({"a": 1, "b": [None]}) == b'{"a":1,"b":[null]}'
    with pytest.raises(InvalidInput, match=r"^b=nan") as refused:
        encode_named({"a": 1, "b": math.nan})
    assert refused.value.parameter == "b"
    with pytest.raises(PayloadTooLarge, match="raise the payload limit"):
        encode_named({"a": "x" * LIMIT})


def test_the_limit_is_inclusive() -> None:
    assert check_size(b"x" * 10, "input", 10)
    with pytest.raises(PayloadTooLarge) as refused:
        check_size(b"x" * 11, "input", 10)
    assert (refused.value.parameter, refused.value.value, refused.value.limit) == ("input", 11, 10)


def test_the_identity_is_a_codec() -> None:
    codec: Codec = Identity()
    assert codec.decode(codec.encode(b"{}")) == b"{}"
    assert codec.name == ""
