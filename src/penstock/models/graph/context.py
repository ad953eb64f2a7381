"""The context of a graph run. Nodes write to a draft; the writes are applied once, with their outcome."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from penstock.core.errors import Invalid
from penstock.models.graph.events import Write

LONGEST: Final = 65_536  # characters of a key


def apply(context: dict[str, Any], stamps: dict[str, float], writes: Iterable[Write]) -> None:
    """Bring the context up to the writes, in order. One made before what is there already changes nothing.

    `stamps` says of each key when its last write was made, deleted keys among them.
    """
    for write in writes:
        at = write.at or stamps.get(write.key, 0.0)
        if at < stamps.get(write.key, 0.0):
            continue
        if at:
            stamps[write.key] = at
        if write.op == "set":
            context[write.key] = write.value
        else:
            context.pop(write.key, None)


class GraphContext:
    """The context as one node sees it: how it stood when the node started, and what the node has written since."""

    def __init__(self, context: Mapping[str, Any], clock: Callable[[], float] = lambda: 0.0) -> None:
        self._context = dict(context)
        self._clock = clock
        self.writes: list[Write] = []

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or `default` if there is none."""
        return self._context.get(key, default)

    def has(self, key: str) -> bool:
        """Whether there is a value, be it None."""
        return key in self._context

    def set(self, key: str, value: Any) -> None:
        """Give the key a value, whatever it had before."""
        self.patch([("set", key, value)])

    def delete(self, key: str) -> bool:
        """Take the key away; whether it was there."""
        there = key in self._context
        self.patch([("delete", key)])
        return there

    def patch(self, changes: Iterable[tuple[Any, ...]]) -> None:
        """Several in order, all or none: `("set", key, value)` and `("delete", key)`."""
        writes = [self._write(change) for change in changes]
        self.writes += writes
        for write in writes:
            if write.op == "set":
                self._context[write.key] = write.value
            else:
                self._context.pop(write.key, None)

    def to_dict(self) -> dict[str, Any]:
        """All keys and values."""
        return dict(self._context)

    def _write(self, change: tuple[Any, ...]) -> Write:
        match change:
            case ("set", str(key), value) if len(key) <= LONGEST:
                return Write(op="set", key=key, value=value, at=self._clock())
            case ("delete", str(key)) if len(key) <= LONGEST:
                return Write(op="delete", key=key, at=self._clock())
            case _:
                raise Invalid(
                    "change",
                    change,
                    f'("set", key, value) or ("delete", key), a key being text of up to {LONGEST:,} characters',
                )
