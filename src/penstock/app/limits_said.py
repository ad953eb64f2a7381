"""Limits as users say them, and the rules that come of them: a stored definition each, and how a run's key is found.

Checked where they are said. Knows no store.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from penstock.core.duration import Duration, seconds
from penstock.core.errors import Invalid
from penstock.core.limits import Full, LimitDef, LimitRef, key_text
from penstock.core.names import check_name
from penstock.core.record import Record

Scope: TypeAlias = Literal["task", "queue", "app"]
Per: TypeAlias = str | Callable[[Mapping[str, Any]], object] | None

MOST: Final = 1_000_000


@dataclass(frozen=True)
class Limit:
    """At most `n` of these runs at once: valid leases, counted by the store, whoever dies.

    `per`: counted apart for each value of this parameter, or for each that a function of the arguments (by name, as
    JSON has them) returns. `full`: what becomes of a run when there is no slot: "wait" in order, "drop" (cancelled), or
    "replace" (it stands first, and the oldest holder is cancelled). `hold` keeps the slot through retries and waits, to
    the end of the run. `scope`: who shares it, "task", "queue" or "app"; None: all for whom it is said, be that on a
    task, in a queue's defaults or in the app's. `name`: under which the store knows it; who says the same name shares
    it, and one of a whole app needs one.
    """

    n: int
    _: KW_ONLY
    per: Per = None
    full: Full = "wait"
    hold: bool = False
    scope: Scope | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        _check(self.n, self.per, self.full, self.scope, self.name)
        if not isinstance(self.hold, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise Invalid("hold", self.hold, "True or False")

    def definition(self, name: str) -> LimitDef:
        """As the store keeps it."""
        return LimitDef(name=name, n=self.n, full=self.full, hold=self.hold)


@dataclass(frozen=True)
class Rate:
    """At most `n` of these runs start in any `period`. With `burst` no more than so many of them close together.

    Close together: in any of the equal parts of the period into which n goes by bursts. The rest as of `Limit`.
    """

    n: int
    period: Duration
    _: KW_ONLY
    per: Per = None
    burst: int | None = None
    full: Literal["wait", "drop"] = "wait"
    scope: Scope | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        _check(self.n, self.per, self.full, self.scope, self.name)
        if cast("Full", self.full) == "replace":
            raise Invalid("full", self.full, 'a rate has no holder to cancel: "wait" or "drop"')
        object.__setattr__(self, "period", seconds(self.period, "period", allow_zero=False))
        if self.burst is not None:
            check_number(self.burst, "burst", 1, self.n)

    def definition(self, name: str) -> LimitDef:
        """As the store keeps it."""
        period = cast("float", self.period)
        if self.burst is None:
            return LimitDef(name=name, n=self.n, period=period, full=self.full)
        return LimitDef(name=name, n=self.burst, period=period / (self.n // self.burst), full=self.full)


class Rule(Record, frozen=True, kw_only=True):
    """A limit with its name. Of another program's code only `parameter` is known: its functions stay there."""

    definition: LimitDef
    parameter: str | None = None
    called: bool = False  # keyed by a function
    default: str = ""  # the key where the call leaves the parameter out


@dataclass(frozen=True, slots=True)
class Keyed:
    """A rule, and the function that finds its key, if one does."""

    rule: Rule
    function: Callable[[Mapping[str, Any]], object] | None = None

    def ref(self, arguments: Mapping[str, Any], keys: Mapping[str, str]) -> LimitRef:
        """The run's need of this limit. Raises `Invalid` for a key that can't be found from here."""
        rule, name = self.rule, self.rule.definition.name
        if name in keys:
            return LimitRef(name=name, key=keys[name])
        if self.function is not None:
            return LimitRef(name=name, key=key_text(self.function(arguments)))
        if rule.called:
            raise Invalid("limit_keys", None, f"limit {name} is keyed by code that is not here: name its key")
        if rule.parameter is None:
            return LimitRef(name=name)
        found = key_text(arguments[rule.parameter]) if rule.parameter in arguments else rule.default
        return LimitRef(name=name, key=found)


def named(said: Mapping[Scope, tuple[Limit | Rate, ...]], task: str, queue: str) -> tuple[Keyed, ...]:
    """The rules of a task's runs in a queue, by where they are said, each with its name: the one said, else one made of
    who shares it, like `task.send_mail.limit`. Raises `Invalid` where two would have the same.
    """
    owners: dict[Scope, str | None] = {"app": None, "queue": f"queue.{queue}", "task": f"task.{task}"}
    rules: list[Keyed] = []
    for where, limits in said.items():
        for place, one in enumerate(limits):
            rules.append(_rule(one, one.name or _own_name(one, owners[one.scope or where], place)))
    names = [rule.rule.definition.name for rule in rules]
    if len(set(names)) < len(names):
        raise Invalid("limits", names, "each needs a name of its own")
    return tuple(rules)


def check_limits(value: object, parameter: str) -> tuple[Limit | Rate, ...]:
    """The value, if it is one limit or a list of them."""
    listed = cast("list[object]", value) if isinstance(value, list | tuple) else [value]
    for one in listed:
        if not isinstance(one, Limit | Rate):
            raise Invalid(parameter, one, 'say Limit(2, per="tenant"), Rate(100, "1m"), or a list of these')
    return tuple(cast("list[Limit | Rate]", listed))


def check_limit_keys(value: object, parameter: str) -> dict[str, str]:
    """The value, if it names keys of limits."""
    if not isinstance(value, Mapping):
        raise Invalid(parameter, value, 'keys by the limit\'s name: {"tenants": "acme"}')
    pairs = cast("Mapping[object, object]", value)
    return {check_name(name, parameter): key_text(key) for name, key in pairs.items()}


def with_defaults(
    rules: tuple[Keyed, ...], function: Callable[..., Any], task: str, said_as: str = "per"
) -> tuple[Keyed, ...]:
    """The rules for this function: those by a parameter know its default. Raises `Invalid` if it has none such."""
    parameters = inspect.signature(function).parameters
    found: list[Keyed] = []
    for one in rules:
        parameter = one.rule.parameter
        if parameter is None:
            found.append(one)
            continue
        if parameter not in parameters:
            raise Invalid(said_as, parameter, f"{task} takes {', '.join(parameters) or 'no arguments'}")
        default = parameters[parameter].default
        key = "" if default is inspect.Parameter.empty else key_text(default)
        found.append(Keyed(Rule(definition=one.rule.definition, parameter=parameter, default=key)))
    return tuple(found)


def _rule(said: Limit | Rate, name: str) -> Keyed:
    definition = said.definition(check_name(name, "name"))
    if callable(said.per):
        return Keyed(Rule(definition=definition, called=True), said.per)
    return Keyed(Rule(definition=definition, parameter=said.per))


def _own_name(said: Limit | Rate, owner: str | None, place: int) -> str:
    if owner is None:
        raise Invalid("name", None, "a limit of a whole app needs a name: Limit(100, name=...)")
    return f"{owner}.{'limit' if isinstance(said, Limit) else 'rate'}{f'.{place + 1}' if place else ''}"


def check_number(value: object, parameter: str, lowest: int = 0, highest: int = MOST) -> int:
    """The value, if it is a whole number between these."""
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise Invalid(parameter, value, f"a whole number from {lowest:,} to {highest:,}")
    return value


def _check(n: object, per: object, full: object, scope: object, name: object) -> None:
    check_number(n, "n", 0, MOST)
    if per is not None and not isinstance(per, str) and not callable(per):
        raise Invalid("per", per, "the name of a parameter, or a function of the arguments by name")
    if scope is not None and scope not in get_args(Scope):
        raise Invalid("scope", scope, f"one of {', '.join(get_args(Scope))}")
    if full not in get_args(Full):
        raise Invalid("full", full, f"one of {', '.join(get_args(Full))}")
    if name is not None:
        check_name(name, "name")
