"""Which runs are meant: what callers say, checked, and walked page by page. Moves nothing."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, TypedDict, cast

from penstock.core.duration import Moment, moment
from penstock.core.errors import Invalid
from penstock.core.ids import check_run_id
from penstock.core.names import check_name, check_tags
from penstock.core.run import Run
from penstock.core.state import State
from penstock.core.views import Filter

PAGE: Final = 500  # runs in one look, and in one move


class Selected(TypedDict, total=False):
    """Which runs, by how they stand: at most one of task, queue and tag is looked up, the others sieve."""

    state: State | str | Collection[State | str]
    task: str
    queue: str
    tag: str
    parent_id: str
    root_id: str
    since: Moment  # enqueued not before
    until: Moment  # enqueued before


def check_states(value: object, parameter: str = "state") -> frozenset[State]:
    """The states that a name, or several, stand for. Raises `Invalid` naming one that is none."""
    if isinstance(value, str):
        values: Iterable[object] = (value,)
    elif isinstance(value, Collection):
        values = cast("Collection[object]", value)
    else:
        raise Invalid(parameter, value, f"one or several of {', '.join(State)}")
    found: set[State] = set()
    for one in values:
        if not isinstance(one, str) or one not in set(State):
            raise Invalid(parameter, one, f"one of {', '.join(State)}")
        found.add(State(one))
    return frozenset(found)


class Selection:
    """What is looked up by the store, and what is left to sieve."""

    def __init__(self, selected: Selected) -> None:
        for name, value in selected.items():
            if name not in Selected.__annotations__:
                raise Invalid(name, value, f"runs are selected by {', '.join(Selected.__annotations__)}")
        states = selected.get("state")
        self.states = frozenset[State]() if states is None else check_states(states)
        self.task = _name(selected, "task")
        self.queue = _name(selected, "queue")
        self.tag = None if selected.get("tag") is None else check_tags([selected.get("tag")], "tag")[0]
        self.parent_id = _id(selected, "parent_id")
        self.root_id = _id(selected, "root_id")
        self.since = None if selected.get("since") is None else moment(selected.get("since"), "since")
        self.until = None if selected.get("until") is None else moment(selected.get("until"), "until")

    def filter(self) -> Filter:
        """What the store looks up: states, and the one name that narrows most."""
        narrow = next((name for name in ("root_id", "parent_id", "tag", "task", "queue") if getattr(self, name)), None)
        named: dict[str, str] = {} if narrow is None else {narrow: getattr(self, narrow)}
        return Filter(states=self.states, since_at=self.since, until_at=self.until, **named)

    def has(self, run: Run) -> bool:
        """Whether the run is meant."""
        return (
            (not self.states or run.state in self.states)
            and self.task in {None, run.task}
            and self.queue in {None, run.queue}
            and self.parent_id in {None, run.parent_id}
            and self.root_id in {None, run.root_id}
            and (self.tag is None or self.tag in run.tags)
        )


def _name(selected: Selected, parameter: str) -> str | None:
    value = cast("dict[str, object]", selected).get(parameter)
    return None if value is None else check_name(value, parameter)


def _id(selected: Selected, parameter: str) -> str | None:
    value = cast("dict[str, object]", selected).get(parameter)
    return None if value is None else check_run_id(value, parameter)


def listed(value: object, parameter: str, allowed: str) -> Sequence[object]:
    """The value, if it is a list or a tuple."""
    if not isinstance(value, list | tuple):
        raise Invalid(parameter, value, allowed)
    return cast("Sequence[object]", value)


def check_limit(value: object, parameter: str = "limit", highest: int = 1000) -> int:
    """The value, if it is a whole number from 1 to `highest`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= highest:
        raise Invalid(parameter, value, f"a whole number from 1 to {highest:,}")
    return value
