"""Arguments and results by signature and type hints: the handler gets exactly what its caller passed."""

import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple, NoReturn, NotRequired, TypedDict, TypeVar, Unpack

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.codec import DEPTH, canonical_hash
from penstock.core.control import Never, Snooze
from penstock.core.errors import Invalid, InvalidInput, OutputError, PayloadTooLarge
from penstock.core.inject import Depends, Injection, inject
from penstock.core.signature import Signature

MOMENT: Final = datetime(2026, 2, 3, 4, 5, tzinfo=UTC)


class Colour(Enum):
    RED = "red"
    BLUE = 7


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    YES = "yes"


@dataclass
class Line:
    sku: str
    count: int = 1


@dataclass(frozen=True)
class Order:
    id: int
    lines: list[Line]
    placed: datetime
    total: Decimal
    note: str | None = None


class Address(msgspec.Struct):
    street: str
    tags: set[str] = msgspec.field(default_factory=set[str])
    inside: "Address | None" = None


class Keys(TypedDict):
    a: int
    b: NotRequired[list[float]]


class Pair(NamedTuple):
    left: int
    right: str


Positive = Annotated[int, msgspec.Meta(gt=0)]
Item = TypeVar("Item")


def taking(annotation: Any) -> Signature:
    def handler(value: Any) -> Any: ...

    handler.__annotations__ = {"value": annotation, "return": annotation}
    return Signature(handler, "handler")


def there_and_back(annotation: Any, value: object) -> object:
    signature = taking(annotation)
    args, kwargs = signature.decode(signature.encode((value,), {}))
    assert args == []
    returned = signature.returns.decode(signature.returns.encode(value))
    assert returned == kwargs["value"]
    return kwargs["value"]


ORDER = Order(1, [Line("a"), Line("b", 2)], datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC), Decimal("1.10"))

ODDITIES: list[object] = [None, 0, False, True, "", [], {}, 0.0, -1.5, "\x00", "日本 🎉", 2**53 + 1, -(2**200), "null"]
VALUES: list[tuple[Any, object]] = [
    *((Any, value) for value in ODDITIES),
    (Any, {"a": [1, {"b": [None, 2.5, "x"]}], "": {}}),
    (object, {"a": 1}),
    *((int, value) for value in (0, 2**53 + 1, 2**63, -(2**64), 10**300)),
    *((float, value) for value in (0.0, -0.0, 1e308, 5e-324, 0.1 + 0.2)),
    (bool, False),
    (str, ""),
    (None, None),
    *((bytes, value) for value in (b"", b"\x00\xff", bytes(range(256)))),
    *((datetime, datetime(2020, 1, 1, 1, 2, 3, 4, tzinfo=zone)) for zone in (None, UTC, timezone(timedelta(hours=-3)))),
    (date, date(1, 1, 1)),
    (time, time(23, 59, 59, 1)),
    *((timedelta, span) for span in (timedelta(0), timedelta(days=-3, microseconds=7), timedelta(days=999_999))),
    *((Decimal, Decimal(text)) for text in ("0", "-0.00", "1E+50", "0.1", "123456789012345678901234567890.10")),
    (uuid.UUID, uuid.UUID(int=7)),
    *((Colour, colour) for colour in Colour),
    (Level, Level.LOW),
    (Word, Word.YES),
    (Order, ORDER),
    (list[Order], [ORDER, ORDER]),
    (Address, Address("s", {"b", "a"}, Address("inner"))),
    (Keys, {"a": 1, "b": [0.5]}),
    (Keys, {"a": 1}),
    (Pair, Pair(1, "x")),
    (tuple[int, str], (1, "x")),
    (tuple[int, ...], ()),
    (set[int], {3, 1, 2}),
    (frozenset[str], frozenset("abc")),
    (dict[int, list[bytes]], {1: [b"x"], -2: []}),
    (dict[uuid.UUID, Decimal], {uuid.UUID(int=1): Decimal("0.1")}),
    (dict[date, Colour], {date(2020, 1, 1): Colour.RED}),
    (int | str | None, "1"),
    (list[int | None], [None, 1]),
    (Literal["a", 1], "a"),
    (Positive, 1),
    (Sequence[int], [1]),
    (Mapping[str, Line], {"a": Line("x")}),
]


def named(value: object) -> str:
    """What it looks like, the same in every process: sets have no order, plain objects an address."""
    shown = repr(value)
    differs = " at 0x" in shown or ("{'" in shown and shown[0] != "{")
    return shown.partition("(")[0].partition(" at 0x")[0] if differs else shown


@pytest.mark.parametrize(("annotation", "value"), VALUES, ids=named)
def test_a_value_comes_back_equal_and_of_its_type(annotation: Any, value: object) -> None:
    """B-058: what is falsy, too."""
    back = there_and_back(annotation, value)
    assert back == value
    assert type(back) is type(value)
    assert repr(back) == repr(value) or isinstance(value, set | frozenset | datetime | Address)


aware = st.datetimes(timezones=st.one_of(st.none(), st.just(UTC)))
exact: dict[Any, st.SearchStrategy[Any]] = {
    bytes: st.binary(),
    datetime: aware,
    timedelta: st.timedeltas(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    uuid.UUID: st.uuids(),
    list[int]: st.lists(st.integers()),
    dict[str, float]: st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.floats(allow_nan=False, allow_infinity=False)
    ),
    Order: st.builds(
        Order, st.integers(), st.just([Line("a")]), aware, st.decimals(allow_nan=False, allow_infinity=False)
    ),
}


@given(st.sampled_from(sorted(exact, key=repr)).flatmap(lambda kind: st.tuples(st.just(kind), exact[kind])))
def test_any_value_of_an_exact_type_comes_back(case: tuple[Any, object]) -> None:
    assert there_and_back(*case) == case[1]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        *((int, value) for value in ("1", 1.5, True, None, b"1", [1])),
        *((str, value) for value in (1, b"x", None, MOMENT, uuid.UUID(int=7), Colour.RED, Line("a"))),
        (str, Decimal(1)),
        *((bytes, value) for value in ("eA==", [1], None)),
        *((float, value) for value in ("1", True, None, float("nan"), float("inf"))),
        *((float | None, value) for value in (float("nan"), "x")),
        *((datetime, value) for value in ("2020-01-01T00:00:00Z", 0, date(2020, 1, 1), None)),
        *((Decimal, value) for value in ("1.0", 0.1, None)),
        *((uuid.UUID, value) for value in (str(uuid.UUID(int=7)), 1)),
        *((list[int], value) for value in ("abc", [1, "2"], {"a": 1}, 1)),
        *((list[bytes], value) for value in (["eA=="], [None])),
        *((Order, value) for value in (Line("a"), {"id": 1}, Order("1", [], MOMENT, Decimal(1)))),  # type: ignore[arg-type]
        *((Address, value) for value in (Address(1), Address("s", ["a", 2]))),  # type: ignore[arg-type]
        *((Colour, value) for value in ("green", 8, None)),
        (Keys, {}),
        (Keys, {"a": "1"}),
        (Keys, {"b": [1.0]}),
        *((Positive, value) for value in (0, -1)),
        *((Any, value) for value in (object(), {1j}, "\ud800", float("nan"), [[{"a": float("-inf")}]])),
        (dict[str, Any], {"a": Word, "b": 1}),
        (tuple[int, str], (1, "x", 2)),
    ],
    ids=named,
)  # fmt: skip
def test_a_value_of_another_type_is_refused_by_name(annotation: Any, value: object) -> None:
    """At `enqueue`, before anything is stored; also where JSON would have made the one of the other."""
    with pytest.raises(InvalidInput, match=r"^value=") as refused:
        taking(annotation).encode((value,), {})
    assert refused.value.parameter == "value"
    assert refused.value.value is value


@pytest.mark.parametrize(("annotation", "value", "meant"), [
    (float, 1, 1.0),
    (list[int], (1, 2), [1, 2]),
    (tuple[int, ...], [1], (1,)),
    (set[str], ["a"], {"a"}),
    (Pair, (1, "x"), Pair(1, "x")),
    (Order, {"id": 1, "lines": [], "placed": datetime(2020, 1, 1, tzinfo=UTC), "total": Decimal(1)}, None),
    (int, Level.LOW, 1),
    (str, Word.YES, "yes"),
    (Decimal, 1, Decimal(1)),
    (Any, (1, {2}), [1, [2]]),
    (Any, Line("a"), {"sku": "a", "count": 1}),
])  # fmt: skip
def test_a_value_that_means_the_annotated_one_arrives_as_this(annotation: Any, value: object, meant: object) -> None:
    signature = taking(annotation)
    _, kwargs = signature.decode(signature.encode((value,), {}))
    assert kwargs["value"] == (meant or Order(1, [], datetime(2020, 1, 1, tzinfo=UTC), Decimal(1)))


def mixed(a: int, /, b: int = 2, *rest: int, k: str = "k", **more: float) -> list[object]:
    return [a, b, rest, k, more]


def open_keys(**more: Unpack[Keys]) -> list[object]:
    return [more]


def plain(a: int, b: int = 2, *, c: int = 3, ctx: Any = inject()) -> list[object]:  # noqa: B008 (a marker)
    return [a, b, c]


def behind(a: int = 1, b: int = 2, /, c: int = 3) -> list[object]:
    return [a, b, c]


@pytest.mark.parametrize(
    ("handler", "args", "kwargs"),
    [
        (plain, (1,), {}),
        (plain, (), {"a": 1}),
        (plain, (1, 5), {"c": 7}),
        (plain, (), {"c": 7, "a": 1}),
        (mixed, (1,), {}),
        (mixed, (1,), {"b": 5}),
        (mixed, (1, 5), {"k": "x"}),
        (mixed, (1, 5, 6, 7), {"z": 1.5}),
        (mixed, (1,), {"a": 2.5, "rest": 1.0, "more": 0.5}),
        (open_keys, (), {"a": 1, "b": [0.5]}),
        (behind, (), {}),
        (behind, (4, 5), {"c": 6}),
    ],
)
def test_a_handler_is_called_as_it_would_have_been_directly(
    handler: Callable[..., list[object]], args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    signature = Signature(handler, "handler")
    positional, named = signature.decode(signature.encode(args, kwargs))
    assert handler(*positional, **named) == handler(*args, **kwargs)


def test_a_call_is_stored_the_same_however_it_was_written() -> None:
    """Same key, same input: no conflict."""
    signature = Signature(plain, "plain")
    ways: list[tuple[tuple[int, ...], dict[str, object]]] = [((1, 5), {}), ((1,), {"b": 5}), ((), {"b": 5, "a": 1})]
    assert len({canonical_hash(signature.encode(args, kwargs)) for args, kwargs in ways}) == 1
    assert signature.encode((1,), {}) == b'{"a":1}'  # defaults are the code's, not the call's


def test_sets_have_the_same_hash_in_every_process() -> None:
    names = [f"n{number}" for number in range(100)]
    signature = taking(set[str])
    assert signature.encode((set(names),), {}) == signature.encode((sorted(names),), {})


@pytest.mark.parametrize(
    ("handler", "args", "kwargs", "parameter"),
    [
        (plain, (), {}, "a"),
        (plain, (1, 2, 3), {}, "args"),
        (plain, (1,), {"d": 4}, "d"),
        (plain, (1,), {"a": 1}, "a"),
        (plain, (1,), {"ctx": None}, "ctx"),
        (mixed, (1,), {"b": 1, "k": 1}, "k"),
        (behind, (), {"a": 1}, "a"),
    ],
)
def test_a_call_that_does_not_fit_names_the_parameter_and_shows_the_signature(
    handler: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object], parameter: str
) -> None:
    with pytest.raises(InvalidInput, match=r"The call is handler\(") as refused:
        Signature(handler, "handler").encode(args, kwargs)
    assert refused.value.parameter == parameter


@pytest.mark.parametrize(
    ("data", "parameter"),
    [
        (b'{"a":"1"}', "a"),
        (b"{}", "a"),
        (b'{"a":1,"d":4}', "d"),
        (b'{"a":1,"ctx":4}', "ctx"),
        (b'{"a":1,"*":[1]}', "*"),
        *((bad, "input") for bad in (b"", b"[]", b"null", b'{"a":1', b"\xff", b"[" * 100_000)),
        (b'{"a":1e999}', "a"),
    ],
)
def test_what_is_stored_and_does_not_fit_is_refused_without_showing_it(data: bytes, parameter: str) -> None:
    """At the worker: the run fails at once. Stored values may be secrets, so none is in the message."""
    signature = Signature(plain, "plain")
    for read in (signature.decode, signature.check):
        with pytest.raises(InvalidInput) as refused:
            read(data)
        assert refused.value.parameter in {parameter, "input"}
        assert "(as stored)" in str(refused.value)


def test_extra_names_that_are_taken_are_refused() -> None:
    with pytest.raises(InvalidInput, match="takes itself"):
        Signature(mixed, "mixed").decode(b'{"a":1,"**":{"b":1}}')


def test_depth_and_size_are_bounded() -> None:
    value: list[Any] = []
    for _ in range(DEPTH - 1):
        value = [value]
    signature = taking(Any)
    assert signature.encode((value,), {})
    with pytest.raises(InvalidInput, match="deeper"):
        signature.encode(([[[value]]],), {})
    with pytest.raises(InvalidInput, match="deeper"):
        signature.check(b'{"value":' + b"[" * 100 + b"]" * 100 + b"}")
    with pytest.raises(PayloadTooLarge):
        signature.encode(("x" * 100,), {}, limit=100)
    with pytest.raises(PayloadTooLarge):
        signature.check(b'{"value":"' + b"x" * 100 + b'"}', limit=100)


async def session() -> int:
    return 1


def test_injected_parameters_are_not_part_of_the_input() -> None:
    def handler(a: int, *, ctx: Line = inject(), db: int = Depends(session)) -> None: ...  # noqa: B008

    signature = Signature(handler, "handler")
    assert signature.injected == {"ctx": Injection(Line, None), "db": Injection(int, session)}
    assert signature.decode(signature.encode((1,), {})) == ([], {"a": 1})
    assert str(signature) == "handler(a: int) -> None"


def test_an_injected_parameter_that_callers_could_fill_is_refused() -> None:
    def handler(a: int, ctx: Line = inject()) -> None: ...  # noqa: B008

    with pytest.raises(Invalid, match=r"^ctx=") as refused:
        Signature(handler, "handler")
    assert refused.value.parameter == "ctx"


@pytest.mark.parametrize(
    "annotation",
    [
        *(Callable[[int], int], Iterable[int], range, type, msgspec.Raw, list[Callable[[], None]], Exception),
        *(Coroutine[Any, Any, int], dict[str, Iterable[int]], Unpack[tuple[int, ...]]),
    ],
    ids=named,
)
def test_an_annotation_that_cannot_be_read_back_is_refused_at_registration(annotation: Any) -> None:
    def handler(first: int, value: object) -> None: ...

    handler.__annotations__["value"] = annotation
    with pytest.raises(Invalid) as refused:
        Signature(handler, "handler")
    assert refused.value.parameter == "value"


def test_a_name_that_no_one_defines_is_refused_with_its_parameter() -> None:
    def handler(first: int, value: object) -> None: ...

    handler.__annotations__["value"] = "list[Nowhere]"

    with pytest.raises(Invalid, match="Nowhere") as refused:
        Signature(handler, "handler")
    assert refused.value.parameter == "value"


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Line | Snooze, Line("a")),
        (Snooze, None),
        (Line | None, None),
        (Awaitable[Line], Line("a")),
        (Coroutine[Any, Any, Line | Snooze], Line("a")),
        (NoReturn, 1),
        (int | Never, 1),
    ],
)
def test_a_result_is_what_is_left_of_the_return_annotation(annotation: Any, value: object) -> None:
    def handler() -> Any: ...

    handler.__annotations__["return"] = annotation
    returns = Signature(handler, "handler").returns
    assert returns.decode(returns.encode(value)) == value


@pytest.mark.parametrize("value", [object(), float("nan"), {"a": {1j}}, "\ud800", [lambda: 1], "x" * 2_000_000])
def test_a_result_that_cannot_be_stored_is_an_output_error(value: object) -> None:
    """B-059, S0-25, S4-24"""
    with pytest.raises(OutputError, match="the result of handler"):
        taking(Any).returns.encode(value)


def test_a_result_that_does_not_fit_its_annotation_says_so_when_read() -> None:
    with pytest.raises(OutputError, match="Expected `int`"):
        taking(int).returns.decode(b'"x"')


def test_the_schema_tells_others_what_to_send() -> None:
    def ship(order: Order, /, to: Address, *extra: int, fast: bool = False) -> None: ...

    schema = Signature(ship, "ship").schema()
    assert schema["title"] == "ship"
    assert schema["x-positional"] == ["order", "to"]
    root = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    assert list(root["properties"]) == ["order", "to", "*", "fast"]
    assert root["required"] == ["order", "to"]
    assert root["additionalProperties"] is False
    assert {"Order", "Line", "Address"} <= schema["$defs"].keys()
