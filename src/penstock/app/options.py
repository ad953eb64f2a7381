"""How a run shall be treated, said in layers: app, queue, task, call. A layer overrides only the fields it names.

Checked once, where it is said. Knows no task and no store.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypedDict, Unpack, cast

import msgspec
from msgspec import UNSET, UnsetType

from penstock.app.fair import Fair, check_fair
from penstock.app.limits_said import Limit, Rate, check_limit_keys, check_limits
from penstock.app.unique import Unique, check_unique
from penstock.core.duration import Duration, Moment, moment, seconds
from penstock.core.errors import Invalid
from penstock.core.ids import check_new_run_id
from penstock.core.names import check_key, check_name, check_priority, check_tags
from penstock.core.retry import Retry
from penstock.core.run import Keep


class Named(TypedDict, total=False):
    """What every layer may name. Durations: seconds, a timedelta, or text like "10m"."""

    queue: str
    priority: int  # -1000 to 1000, higher first
    delay: Duration  # not before so long from now
    expires: Duration | None  # fails if not started so long after it was due
    timeout: Duration | None  # of one attempt
    deadline: Duration | None  # of the whole run, from now
    retry: Retry
    tags: list[str] | tuple[str, ...]  # of a call they are added to those of its task
    keep: Duration | Keep  # how long the run is kept once it has finished
    dead_letter: bool | str  # listed when failed for good: in `<queue>-dlq`, or under this name
    key_ttl: Duration  # how long a key outlives its run
    crashes: int  # lost workers that fail the run
    lifo: bool  # among those of its priority the latest goes first
    limits: Limit | Rate | list[Limit | Rate] | tuple[Limit | Rate, ...]  # of app, queue and task all count
    unique: Unique | None  # the same asked again is the run that is there
    fair: Fair | str | Callable[[Mapping[str, Any]], object] | None  # the queue goes round robin by this value


class NamedByCall(Named, total=False):
    """What only one call can name. It can't name limits: only their keys."""

    at: Moment  # not before this moment
    key: str  # one run per task and key, while it lives and `key_ttl` beyond
    id: str
    limit_keys: Mapping[str, str]  # by limit: instead of the keys found in the arguments
    cascade: bool  # started by a running task: whether a cancel of that one reaches it


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One layer, checked: what it does not name is UNSET. Made by `options()` and by `opts()`."""

    queue: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    delay: float | UnsetType = UNSET
    at: float | UnsetType = UNSET
    expires: float | UnsetType | None = UNSET
    timeout: float | UnsetType | None = UNSET
    deadline: float | UnsetType | None = UNSET
    retry: Retry | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    keep: Keep | UnsetType = UNSET
    dead_letter: bool | str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    key_ttl: float | UnsetType = UNSET
    crashes: int | UnsetType = UNSET
    lifo: bool | UnsetType = UNSET
    limits: tuple[Limit | Rate, ...] | UnsetType = UNSET
    limit_keys: dict[str, str] | UnsetType = UNSET
    unique: Unique | UnsetType | None = UNSET
    fair: Fair | UnsetType | None = UNSET
    id: str | UnsetType = UNSET
    cascade: bool | UnsetType = UNSET


NOTHING: Final = Options()


def options(**named: Unpack[Named]) -> Options:
    """A layer of options, for `App(defaults=)` and `App(queues=)`. Raises `Invalid` naming what is out of range."""
    return checked(named, Named.__annotations__)


def checked(named: Mapping[str, Any], allowed: Mapping[str, object] = NamedByCall.__annotations__) -> Options:
    """The layer that these names and values make. Raises `Invalid` for the first that is refused."""
    for name, value in named.items():
        if name not in allowed:
            near = get_close_matches(name, allowed, n=1)
            meant = f"did you mean {near[0]}=? " if near else ""
            raise Invalid(name, value, f"{meant}no such option here; there are {', '.join(sorted(allowed))}")
    if "delay" in named and "at" in named:
        raise Invalid("at", named["at"], "say delay= or at=, not both")
    fields: dict[str, Any] = {name: _CHECKS[name](value, name) for name, value in named.items()}
    return Options(**fields)


def layered(*layers: Options) -> Options:
    """What the layers say together, later ones first; tags add up."""
    found: dict[str, Any] = {}
    for layer in layers:
        said = {name: value for name in layer.__struct_fields__ if (value := getattr(layer, name)) is not UNSET}
        if "delay" in said or "at" in said:  # two ways to say one thing: the later layer's way stands
            found.pop("delay", None)
            found.pop("at", None)
        if "tags" in said and "tags" in found:
            said["tags"] = check_tags((*found["tags"], *said["tags"]))
        found |= said
    return Options(**found)


def _above_zero(value: object, parameter: str) -> float:
    return seconds(value, parameter, allow_zero=False)


def _or_none(check: Callable[[object, str], float]) -> Callable[[object, str], float | None]:
    return lambda value, parameter: None if value is None else check(value, parameter)


def _retry(value: object, parameter: str) -> Retry:
    if not isinstance(value, Retry):
        raise Invalid(parameter, value, "say Retry(5), Retry(attempts=1), Retry(5, on=OSError, cap=...)")
    return value


def _keep(value: object, parameter: str) -> Keep:
    if isinstance(value, Keep):
        return Keep(
            succeeded=seconds(value.succeeded, f"{parameter}.succeeded"),
            failed=seconds(value.failed, f"{parameter}.failed"),
            newest=_whole(value.newest, f"{parameter}.newest", lowest=0, highest=1_000_000_000),
        )
    kept = seconds(value, parameter)
    return Keep(succeeded=kept, failed=kept)


def _dead_letter(value: object, parameter: str) -> bool | str:
    return value if isinstance(value, bool) else check_name(value, parameter)


def _flag(value: object, parameter: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(parameter, value, "True or False")
    return value


def _whole(value: object, parameter: str, *, lowest: int, highest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise Invalid(parameter, value, f"a whole number from {lowest:,} to {highest:,}")
    return value


def _crashes(value: object, parameter: str) -> int:
    return _whole(value, parameter, lowest=0, highest=1000)


_CHECKS: Final = cast(
    "dict[str, Callable[[object, str], object]]",
    {
        "queue": check_name,
        "priority": check_priority,
        "delay": seconds,
        "at": moment,
        "expires": _or_none(_above_zero),
        "timeout": _or_none(_above_zero),
        "deadline": _or_none(_above_zero),
        "retry": _retry,
        "tags": check_tags,
        "keep": _keep,
        "dead_letter": _dead_letter,
        "key": check_key,
        "key_ttl": seconds,
        "crashes": _crashes,
        "lifo": _flag,
        "limits": check_limits,
        "limit_keys": check_limit_keys,
        "unique": check_unique,
        "fair": check_fair,
        "id": check_new_run_id,
        "cascade": _flag,
    },
)
