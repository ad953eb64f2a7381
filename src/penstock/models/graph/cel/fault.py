"""What is wrong with an expression, and where. Callers name the parameter, and raise errors of their own."""

from typing import Any, Final

import msgspec

LONGEST: Final = 4_000  # characters of one expression
DEEPEST: Final = 32  # levels of nesting, which are levels of calls here
BUDGET: Final = 100_000  # steps of one evaluation


class Wrong(Exception):  # noqa: N818 (never seen by users)
    """The text is not in the language; `at` counts characters from 0."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at


class Raised(Exception):  # noqa: N818 (never seen by users)
    """The evaluation came to an error, as the language defines it; `at` is where in the text."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at


class Exhausted(Raised):
    """The evaluation took too many steps. Unlike other errors, no `||` and no `&&` outlives it."""


class Meter(msgspec.Struct):
    """What an evaluation may still spend. Every part of an expression pays when it is evaluated."""

    left: int = BUDGET

    def spend(self, steps: int, at: int) -> None:
        """Take so many steps. Raises `Exhausted` when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise Exhausted(f"it takes more than {BUDGET:,} steps", at)


def kind(value: Any) -> str:
    """What the language calls the value."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "double"
        case str():
            return "string"
        case list() | tuple():
            return "list"
        case dict():
            return "map"
        case _:
            return type(value).__name__
