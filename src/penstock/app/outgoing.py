"""A run on its way to the store, and who may still have a say in it. Knows no store."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypedDict, Unpack

import msgspec

from penstock.core.duration import Duration, seconds
from penstock.core.errors import Invalid
from penstock.core.names import check_name, check_priority, check_tags
from penstock.core.run import NewRun


class Changes(TypedDict, total=False):
    """What may still be said otherwise."""

    queue: str
    priority: int
    tags: Sequence[str]
    delay: Duration


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is about to be stored. `changed` makes one that is treated otherwise."""

    id: str
    task: str
    queue: str
    priority: int
    tags: tuple[str, ...]
    delay: float | None
    key: str | None
    input: dict[str, Any]  # the arguments by name, as JSON has them

    def changed(self, **named: Unpack[Changes]) -> "Outgoing":
        """The same run, treated as said here. Raises `Invalid` naming what is unknown or out of range."""
        for name, value in named.items():
            if name not in _CHECKS:
                raise Invalid(name, value, f"{', '.join(_CHECKS)} can be changed")
        fields: dict[str, Any] = {name: _CHECKS[name](value, name) for name, value in named.items()}
        return msgspec.structs.replace(self, **fields)


BeforeEnqueue: TypeAlias = Callable[[Outgoing], Outgoing | None]

_CHECKS: Final[dict[str, Callable[[Any, str], object]]] = {
    "queue": check_name,
    "priority": check_priority,
    "tags": check_tags,
    "delay": seconds,
}


def passed(new: NewRun, data: bytes, checks: Sequence[BeforeEnqueue]) -> NewRun:
    """The run as all of these leave it, in order. What one of them raises is the caller's to hear."""
    first = run = Outgoing(
        id=new.id,
        task=new.task,
        queue=new.queue,
        priority=new.priority,
        tags=new.tags,
        delay=new.delay,
        key=None if new.key is None else new.key.key,
        input=msgspec.json.decode(data),
    )
    for check in checks:
        said = check(run)
        if said is not None and not isinstance(said, Outgoing):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise Invalid("before_enqueue", said, "return run.changed(...), or None to leave it as it is")
        run = said or run
    if run == first:
        return new
    at = None if run.delay is not None else new.at
    return msgspec.structs.replace(new, queue=run.queue, priority=run.priority, tags=run.tags, delay=run.delay, at=at)
