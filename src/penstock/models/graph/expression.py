"""Conditions and transforms of a blueprint: a text, compiled once; evaluated against what the graph knows by now."""

import math
from collections.abc import Collection, Mapping
from typing import Any, Final, cast

from penstock.core.errors import ExpressionFailed, InvalidExpression
from penstock.models.graph.cel import evaluate, parse
from penstock.models.graph.cel.fault import Raised, Wrong, kind

EDGE: Final = ("output", "action", "input", "outputs", "inputs", "context")
LOOP: Final = ("output", "turn", "input", "outputs", "inputs", "context")
_ROOM: Final = 1_000_000  # values within one that a transform makes


class Condition:
    """An expression that is true or false. Raises `InvalidExpression` if the text is not in the language."""

    def __init__(self, text: str, variables: Collection[str] = EDGE, *, parameter: str = "when") -> None:
        self._expression = Transform(text, variables, parameter=parameter)
        self.text = text

    def __call__(self, variables: Mapping[str, Any]) -> bool:
        """Whether it holds. Raises `ExpressionFailed` for an error of the language, or a value that is neither."""
        found = self._expression.value(variables)
        if not isinstance(found, bool):
            raise self._expression.failure(f"true or false is needed, it is a {kind(found)}", 0)
        return found


class Transform:
    """An expression that makes a value. Raises `InvalidExpression` if the text is not in the language."""

    def __init__(self, text: str, variables: Collection[str] = EDGE, *, parameter: str = "transform") -> None:
        self.text = text
        self._parameter = parameter
        try:
            self._evaluate = evaluate.compiled(parse.parse(text, variables))
        except Wrong as wrong:
            raise InvalidExpression(parameter, text, wrong.reason, wrong.at) from None

    def __call__(self, variables: Mapping[str, Any]) -> Any:
        """The value, one that JSON can hold. Raises `ExpressionFailed` for an error of the language."""
        found = self.value(variables)
        self._check(found)
        return found

    def value(self, variables: Mapping[str, Any]) -> Any:
        """The value, whatever it is."""
        try:
            return evaluate.run(self._evaluate, variables)
        except Raised as raised:
            raise self.failure(raised.reason, raised.at) from None

    def failure(self, reason: str, at: int) -> ExpressionFailed:
        """The error that says so of this expression."""
        return ExpressionFailed(self._parameter, self.text, reason, at)

    def _check(self, found: Any) -> None:
        """Refuses numbers that are none, and values that share parts until they are larger than memory."""
        room, rest = _ROOM, [found]
        while rest:
            one = rest.pop()
            if isinstance(one, float) and not math.isfinite(one):
                raise self.failure("the value holds NaN or Infinity, which JSON has not", 0)
            if isinstance(one, dict):
                rest.extend(cast("dict[str, Any]", one).values())
            elif isinstance(one, list | tuple):
                rest.extend(cast("list[Any]", one))
            room -= 1
            if room < 0:
                raise self.failure(f"the value holds more than {_ROOM:,} values", 0)
