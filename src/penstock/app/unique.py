"""Deduplication: while a run of a task stands for its input, or for a part of it, the same asked again is that run.

Made of the store's keys: one in a space of its own, which ends with the run, with its start, or with a time.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, get_args

import msgspec

from penstock.app.limits_said import Keyed, Per, Rule, with_defaults
from penstock.core.codec import canonical_hash
from penstock.core.duration import Duration, seconds
from penstock.core.errors import Invalid
from penstock.core.limits import LimitDef
from penstock.core.record import Record
from penstock.core.run import Key, Until

_ANY_INPUT: Final = b"unique"  # never a conflict: whatever the input is, the first run is the answer
_PART: Final = LimitDef(name="unique", n=1)


class Manner(Record, frozen=True, kw_only=True):
    """How long a run stands for its input, and what becomes of the same asked meanwhile."""

    until: Until = "finished"
    every: float = 0.0
    replace: bool = False
    follow: bool = False


@dataclass(frozen=True)
class Unique:
    """One run at a time for the same input. Who asks meanwhile gets the run that is there: `run.created` is False.

    `by`: for the same value of this parameter, or of what a function of the arguments (by name, as JSON has them)
    returns. `until`: it stands until it has "finished", retries and waits included, or has "started". `every`: and for
    so long after `enqueue` in any case, so that there is at most one in that time. `replace`: asked again before it has
    started, it takes over input, delay and limits of what is asked; with a delay it starts when nobody has asked for so
    long. `follow`: asked again, one more run with the last input starts when it has ended; not with `every`, and only
    until "finished". Raises `Invalid` for what contradicts itself.
    """

    by: Per = None
    _: KW_ONLY
    until: Until = "finished"
    every: Duration | None = None
    replace: bool = False
    follow: bool = False

    def __post_init__(self) -> None:
        by: object = self.by
        if by is not None and not isinstance(by, str) and not callable(by):
            raise Invalid("by", by, "the name of a parameter, or a function of the arguments by name")
        if self.until not in get_args(Until):
            raise Invalid("until", self.until, f"one of {', '.join(get_args(Until))}")
        if self.every is not None:
            object.__setattr__(self, "every", seconds(self.every, "every", allow_zero=False))
        for name in ("replace", "follow"):
            if not isinstance(getattr(self, name), bool):
                raise Invalid(name, getattr(self, name), "True or False")
        if self.follow and (self.until != "finished" or self.every is not None):
            raise Invalid("follow", self.follow, 'the next run waits for the end: say until="finished" and no every=')

    @property
    def manner(self) -> Manner:
        """What the store has to know besides the part of the input."""
        every = seconds(self.every, "every") if self.every is not None else 0.0
        return Manner(until=self.until, every=every, replace=self.replace, follow=self.follow)

    def rule(self, function: Callable[..., Any] | None, task: str) -> "Standing":
        """How the part of the input is found. Raises `Invalid` for a parameter that the function has not."""
        part = self.by if isinstance(self.by, str) else None
        made = Keyed(Rule(definition=_PART, parameter=part), self.by if callable(self.by) else None)
        if function is not None and made.function is None:
            made = with_defaults((made,), function, task, "by")[0]
        return Standing(made, self.manner)


@dataclass(frozen=True, slots=True)
class Standing:
    """For what the runs of a task stand, and how."""

    keyed: Keyed
    manner: Manner

    def key(self, data: bytes) -> Key:
        """The key for which a run with this input stands. Raises `Invalid` where only other code can find it."""
        keyed, manner = self.keyed, self.manner
        if keyed.rule.called:
            raise Invalid(
                "unique", None, "the task's code finds its key by a function that is not here: say unique=None"
            )
        if keyed.function is None and keyed.rule.parameter is None:
            part = canonical_hash(data).hex()
        else:
            arguments: Mapping[str, Any] = msgspec.json.decode(data)
            part = keyed.ref(arguments, {}).key
        digest = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()
        return Key(
            key=f"unique:{digest}",
            input_hash=_ANY_INPUT,
            ttl=0.0,
            until=manner.until,
            every=manner.every,
            replace=manner.replace,
            follow=manner.follow,
        )


def check_unique(value: object, parameter: str) -> Unique | None:
    """The value, if it is what `Unique(...)` makes, or None for no deduplication."""
    if value is not None and not isinstance(value, Unique):
        raise Invalid(parameter, value, 'say Unique(), Unique(by="order"), or None')
    return value


def told(keyed: Keyed) -> Rule:
    """The rule for those who have not the code: of a function they learn that there is one."""
    return keyed.rule if keyed.function is None else msgspec.structs.replace(keyed.rule, called=True)
