"""Fairness as users say it: by which value the runs of a queue go round robin, and who goes more often.

Checked where it is said. Knows no store.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from penstock.app.limits_said import Keyed, Per, Rule, check_number, with_defaults
from penstock.core.errors import Invalid
from penstock.core.limits import LimitDef, key_text

HEAVIEST: Final = 100
_VALUE: Final = LimitDef(name="fair", n=1)


@dataclass(frozen=True)
class Fair:
    """The runs of a queue go round robin by the value of a parameter, so that nobody waits for another's backlog.

    `by`: the parameter, or a function of the arguments (by name, as JSON has them). `weights`: how many runs of a
    value go each time round, 1 to 100; of those not named one. Priority orders the runs of one value. Raises `Invalid`
    for what is out of range.
    """

    by: Per
    weights: Mapping[object, int] = field(default_factory=dict[object, int])

    def __post_init__(self) -> None:
        by: object = self.by
        if not isinstance(by, str) and not callable(by):
            raise Invalid("fair", by, "the name of a parameter, or a function of the arguments by name")
        weights = cast("object", self.weights)
        if not isinstance(weights, Mapping):
            raise Invalid("weights", weights, 'whole numbers by value: {"acme": 3}')
        for value in cast("Mapping[object, object]", weights).values():
            check_number(value, "weights", 1, HEAVIEST)

    def __hash__(self) -> int:
        return hash((self.by, tuple(sorted((key_text(value), n) for value, n in self.weights.items()))))

    def rule(self, function: Callable[..., Any] | None, task: str) -> "Turns":
        """How the value is found. Raises `Invalid` for a parameter that the function has not."""
        part = self.by if isinstance(self.by, str) else None
        made = Keyed(Rule(definition=_VALUE, parameter=part), self.by if callable(self.by) else None)
        if function is not None and made.function is None:
            made = with_defaults((made,), function, task, "fair")[0]
        return Turns(made, {key_text(value): n for value, n in self.weights.items()})


@dataclass(frozen=True, slots=True)
class Turns:
    """By what the runs of a task go round robin."""

    keyed: Keyed
    weights: Mapping[str, int]

    def of(self, arguments: Mapping[str, Any]) -> tuple[str, int]:
        """Value and weight of a run with these arguments. Raises `Invalid` where only other code can find them."""
        if self.keyed.rule.called:
            raise Invalid(
                "fair", None, "the task's code finds the value by a function that is not here: say opts(fair=...)"
            )
        value = self.keyed.ref(arguments, {}).key
        return value, self.weights.get(value, 1)


def check_fair(value: object, parameter: str) -> Fair | None:
    """The value as `Fair(...)`, if it is that, a parameter's name, a function, or None: as they come."""
    if value is None or isinstance(value, Fair):
        return value
    if not isinstance(value, str) and not callable(value):
        raise Invalid(parameter, value, 'say fair="tenant", fair=Fair("tenant", {"acme": 3}), or None')
    return Fair(cast("Per", value))
