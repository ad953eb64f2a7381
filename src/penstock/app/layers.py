"""From layers of options to a run that lacks only its id and its input. Knows no store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from msgspec import UNSET, UnsetType

from penstock.app.fair import Turns
from penstock.app.limits_said import Keyed, Scope, named, with_defaults
from penstock.app.options import NOTHING, Options, layered
from penstock.app.unique import Standing
from penstock.core.names import check_name
from penstock.core.retry import Retry
from penstock.core.run import FollowUp, Keep, NewRun
from penstock.models.overrides import Overrides, numbers_of

T = TypeVar("T")

QUEUE: Final = "default"
KEY_TTL: Final = 7 * 86_400.0
CRASHES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a task says about its runs, beyond what its handler does."""

    task: str
    version: str = ""  # of the code that its runs ask for; "" = any
    options: Options = NOTHING
    function: Callable[..., Any] | None = None  # if its code is here
    limits: tuple[Keyed, ...] | None = None  # None: what app, queue and task say
    unique: Standing | None = None  # as declared by the task's own app, if its code is not here; so is the next
    fair: Turns | None = None
    on_success: FollowUp | None = None
    on_failure: FollowUp | None = None


@dataclass(frozen=True, slots=True)
class Layers:
    """What an app says about all runs, and about those of some queues."""

    defaults: Options = NOTHING
    queues: Mapping[str, Options] = field(default_factory=dict[str, Options])

    def effective(self, task: Options, call: Options = NOTHING) -> Options:
        """All layers together; the queue is always named."""
        queue = said(call.queue, said(task.queue, said(self.defaults.queue, QUEUE)))
        queue_layer = self.queues.get(queue, NOTHING)
        return layered(self.defaults, queue_layer, task, call, Options(queue=queue))

    def limits(self, profile: Profile, queue: str) -> tuple[Keyed, ...]:
        """The limits of the task's runs in this queue: those of the app, of the queue, and its own."""
        if profile.limits is not None:
            return profile.limits
        of_queue = self.queues.get(queue, NOTHING)
        layers: dict[Scope, Options] = {"app": self.defaults, "queue": of_queue, "task": profile.options}
        found = named({where: said(layer.limits, ()) for where, layer in layers.items()}, profile.task, queue)
        return found if profile.function is None else with_defaults(found, profile.function, profile.task)

    def unique(self, profile: Profile, whole: Options) -> Standing | None:
        """For what a run with these options stands, so that there is no second one; None: for nothing."""
        if isinstance(whole.unique, UnsetType):
            return profile.unique
        return None if whole.unique is None else whole.unique.rule(profile.function, profile.task)

    def fair(self, profile: Profile, whole: Options) -> Turns | None:
        """By what runs with these options go round robin; None: as they come."""
        if isinstance(whole.fair, UnsetType):
            return profile.fair
        return None if whole.fair is None else whole.fair.rule(profile.function, profile.task)

    def limited(self, task: Options) -> bool:
        """Whether runs of the task may have limits, in whatever queue they are put."""
        layers = (self.defaults, task, *self.queues.values())
        return any(not isinstance(one.limits, UnsetType) for one in layers)

    def template(self, profile: Profile, call: Options = NOTHING) -> NewRun:
        """The run that a call with these options makes, without id, key and input.

        Raises `Invalid` for a retry that can't travel with the run, and for a dead-letter name that is none.
        """
        whole = self.effective(profile.options, call)
        queue = said(whole.queue, QUEUE)
        return NewRun(
            id="",
            task=profile.task,
            queue=queue,
            version=profile.version,
            options=self._overrides(profile, whole).encode(),
            priority=said(whole.priority, 0),
            at=said(whole.at, None),
            delay=said(whole.delay, None),
            expires=said(whole.expires, None),
            deadline=said(whole.deadline, None),
            crashes=max(1, said(whole.crashes, CRASHES)),
            tags=said(whole.tags, ()),
            keep=said(whole.keep, Keep()),
            dead_letter=_dead_letter(whole, queue),
            lifo=said(whole.lifo, False),
            on_success=profile.on_success,
            on_failure=profile.on_failure,
        )

    def _overrides(self, profile: Profile, whole: Options) -> Overrides:
        """What the worker can't know by its own code: retry and timeout said by this call, or by its queue."""
        task = self.effective(profile.options)
        return Overrides(
            retry=UNSET if _same(whole.retry, task.retry) else numbers_of(said(whole.retry, Retry())),
            timeout=UNSET if whole.timeout == task.timeout else said(whole.timeout, None),
        )


def said(value: T | UnsetType, default: T) -> T:
    """The value if the layer names it, else the default."""
    return default if isinstance(value, UnsetType) else value


def _dead_letter(whole: Options, queue: str) -> str | None:
    """The list on which a run of this queue stands when it has failed for good; None: on none."""
    wanted = said(whole.dead_letter, None)
    if wanted is True:
        return check_name(f"{queue}-dlq", "dead_letter")
    return wanted or None


def _same(one: Retry | UnsetType, other: Retry | UnsetType) -> bool:
    return one is other or one == other
