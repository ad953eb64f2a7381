"""The tree of an expression: plain records, each with its place in the text."""

from typing import Any, TypeAlias

import msgspec


class Literal(msgspec.Struct, frozen=True):
    """A value that is written out."""

    value: Any
    at: int


class Name(msgspec.Struct, frozen=True):
    """A variable: one of those that the caller gives, or a macro's own."""

    name: str
    at: int


class Field(msgspec.Struct, frozen=True):
    """`of.name`"""

    of: "Expression"
    name: str
    at: int


class Item(msgspec.Struct, frozen=True):
    """`of[index]`"""

    of: "Expression"
    index: "Expression"
    at: int


class Has(msgspec.Struct, frozen=True):
    """`has(of.name)`"""

    of: "Expression"
    name: str
    at: int


class Unary(msgspec.Struct, frozen=True):
    """`-of`, `!of`"""

    operator: str
    of: "Expression"
    at: int


class Binary(msgspec.Struct, frozen=True):
    """Arithmetic, comparisons, `in`; and `&&` and `||`, which may do without one side."""

    operator: str
    left: "Expression"
    right: "Expression"
    at: int


class Choice(msgspec.Struct, frozen=True):
    """`condition ? so : otherwise`"""

    condition: "Expression"
    so: "Expression"
    otherwise: "Expression"
    at: int


class Call(msgspec.Struct, frozen=True):
    """A function of the language; a method's own value is the first argument."""

    function: str
    arguments: tuple["Expression", ...]
    at: int


class Macro(msgspec.Struct, frozen=True):
    """`over.all(variable, body)` and its kind; `where` is the filter of a `map` with three arguments."""

    macro: str
    over: "Expression"
    variable: str
    body: "Expression"
    at: int
    where: "Expression | None" = None


class ListOf(msgspec.Struct, frozen=True):
    """`[a, b]`"""

    items: tuple["Expression", ...]
    at: int


class MapOf(msgspec.Struct, frozen=True):
    """`{"a": b}`"""

    entries: tuple[tuple["Expression", "Expression"], ...]
    at: int


Expression: TypeAlias = Literal | Name | Field | Item | Has | Unary | Binary | Choice | Call | Macro | ListOf | MapOf
