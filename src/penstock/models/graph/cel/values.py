"""How values compare and combine in the language: as CEL says, not as Python does. `true` is no number here.

The one departure: whole numbers and others may meet in arithmetic, since JSON does not tell 1 from 1.0 on purpose.
"""

import math
from collections.abc import Callable, Sequence
from operator import ge, gt, le, lt
from typing import Any, Final, TypeAlias, cast

from penstock.models.graph.cel.fault import Meter, Raised, kind
from penstock.models.graph.cel.tokens import HIGHEST, LOWEST

Values: TypeAlias = Sequence[object]


def equal(left: Any, right: Any, meter: Meter, at: int) -> bool:
    """Whether they are the same value: 1 and 1.0 are, 1 and true are not. Lists and maps by what they hold."""
    meter.spend(1, at)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return _equal_maps(cast("dict[str, Any]", left), cast("dict[str, Any]", right), meter, at)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        ours, theirs = cast("Values", left), cast("Values", right)
        return len(ours) == len(theirs) and all(
            equal(one, other, meter, at) for one, other in zip(ours, theirs, strict=True)
        )
    if isinstance(left, str) and isinstance(right, str):
        meter.spend(len(left) >> 6, at)
    return bool(left == right)


def _equal_maps(left: dict[str, Any], right: dict[str, Any], meter: Meter, at: int) -> bool:
    return len(left) == len(right) and all(
        key in right and equal(value, right[key], meter, at) for key, value in left.items()
    )


def contains(container: Any, item: Any, meter: Meter, at: int) -> bool:
    """`item in container`: one of the list's items, or one of the map's keys."""
    if isinstance(container, list | tuple):
        return any(equal(one, item, meter, at) for one in cast("Values", container))
    if isinstance(container, dict):
        return isinstance(item, str) and item in container
    raise Raised(f"in asks a list or a map, not a {kind(container)}", at)


def compare(operator: str, left: Any, right: Any, meter: Meter, at: int) -> bool:
    """`<`, `<=`, `>`, `>=` between numbers, texts, or truth values."""
    if isinstance(left, str) and isinstance(right, str):
        meter.spend(1 + (min(len(left), len(right)) >> 6), at)
    elif not (_is_number(left) and _is_number(right)) and not (isinstance(left, bool) and isinstance(right, bool)):
        raise Raised(f"{kind(left)} {operator} {kind(right)} has no meaning", at)
    return _COMPARISONS[operator](left, right)


def add(left: Any, right: Any, meter: Meter, at: int) -> Any:
    """Numbers add up, texts and lists are joined."""
    if isinstance(left, str) and isinstance(right, str):
        meter.spend((len(left) + len(right)) >> 4, at)
        return left + right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        meter.spend((len(cast("Values", left)) + len(cast("Values", right))) >> 2, at)
        return [*cast("Values", left), *cast("Values", right)]
    return arithmetic("+", left, right, at)


def arithmetic(operator: str, left: Any, right: Any, at: int) -> Any:
    """`+`, `-`, `*`, `/`, `%` of numbers; whole ones stay within 64 bits, `/` between them cuts towards 0."""
    if not (_is_number(left) and _is_number(right)):
        raise Raised(f"{kind(left)} {operator} {kind(right)} has no meaning", at)
    if isinstance(left, float) or isinstance(right, float):
        if operator == "%":
            raise Raised("% is for whole numbers", at)
        return _of_doubles(operator, _double(left, at), _double(right, at))
    if operator in "/%" and right == 0:
        raise Raised("division by 0", at)
    return _bounded(_WHOLE[operator](left, right), at)


def negated(value: Any, at: int) -> Any:
    """`-value`"""
    if not _is_number(value):
        raise Raised(f"-{kind(value)} has no meaning", at)
    return -value if isinstance(value, float) else _bounded(-value, at)


def size(value: Any, at: int) -> int:
    """How many characters, items or keys."""
    if isinstance(value, str | list | tuple | dict):
        return len(cast("Values", value))
    raise Raised(f"size() asks for a string, a list or a map, not a {kind(value)}", at)


def as_int(value: Any, at: int) -> int:
    """`int(value)`: of a number, cut towards 0, or of a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Raised(f"int() of a {kind(value)} has no meaning", at)
    if isinstance(value, float) and not math.isfinite(value):
        raise Raised(f"int({value}) has no meaning", at)
    if isinstance(value, str) and not (len(value) <= 20 and value.isascii() and value.removeprefix("-").isdigit()):
        raise Raised("int() of a text that is no whole number", at)
    return _bounded(int(value), at)


def as_double(value: Any, at: int) -> float:
    """`double(value)`: of a number or of a text."""
    if isinstance(value, str) and len(value) <= 400 and value == value.strip() and "_" not in value:
        try:
            return float(value)
        except ValueError:
            raise Raised("double() of a text that is no number", at) from None
    if not _is_number(value):
        raise Raised(f"double() of a {kind(value)} has no meaning", at)
    return _double(value, at)


def as_string(value: Any, at: int) -> str:
    """`string(value)`: of a number, a truth value or a text."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(_bounded(value, at))
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case _:
            raise Raised(f"string() of a {kind(value)} has no meaning", at)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _double(value: Any, at: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Raised("the number is too large", at) from None


def _bounded(value: int, at: int) -> int:
    if not LOWEST <= value <= HIGHEST:
        raise Raised("the number leaves 64 bits", at)
    return value


def _of_doubles(operator: str, left: float, right: float) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _ if right == 0:
            return (
                math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)
            )
        case _:
            return left / right


def _cut(left: int, right: int) -> int:
    found = abs(left) // abs(right)
    return found if (left < 0) == (right < 0) else -found


_WHOLE: Final[dict[str, Callable[[int, int], int]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _cut,
    "%": lambda left, right: left - right * _cut(left, right),
}
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
