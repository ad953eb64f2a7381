"""What an app says of its tasks, for those who have not their code: what they take, and how their runs are treated.

`retry` and `timeout` stay with the code: whoever carries a run out has it. Knows no store.
"""

from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from penstock.app.client import Client
from penstock.app.fair import Turns
from penstock.app.layers import Profile
from penstock.app.limits_said import Keyed, Rule
from penstock.app.options import Options
from penstock.app.unique import Manner, Standing, told
from penstock.core.registry import Definition
from penstock.core.retry import Retry
from penstock.core.run import FollowUp, Keep
from penstock.models.jobs import JobHandler


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All layers below the call, as the task's own app has them. The last three are for readers only."""

    queue: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    delay: float | UnsetType = UNSET
    expires: float | UnsetType | None = UNSET
    deadline: float | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    keep: Keep | UnsetType = UNSET
    dead_letter: bool | str | UnsetType = UNSET
    key_ttl: float | UnsetType = UNSET
    crashes: int | UnsetType = UNSET
    lifo: bool | UnsetType = UNSET
    on_success: FollowUp | None = None
    on_failure: FollowUp | None = None
    limit_rules: tuple[Rule, ...] = ()
    unique_rule: Rule | None = None
    unique_manner: Manner | None = None
    fair_rule: Rule | None = None
    fair_weights: dict[str, int] = {}
    attempts: int = Retry().attempts
    timeout: float | None = None
    codec: str = ""


Plain: TypeAlias = dict[str, Any]

_LAYERED: Final = tuple(
    name for name in Terms.__struct_fields__ if name in Options.__struct_fields__ and name != "timeout"
)
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Terms)


def declared(client: Client, handler: JobHandler, app: str) -> Definition:
    """The task as its app declares it."""
    task, version = handler.ability.task, handler.ability.version
    _, profile = client.versions[task, version]
    whole = client.layers.effective(profile.options)
    unique, fair = client.layers.unique(profile, whole), client.layers.fair(profile, whole)
    terms = Terms(
        **{name: getattr(whole, name) for name in _LAYERED},
        on_success=profile.on_success,
        on_failure=profile.on_failure,
        limit_rules=tuple(one.rule for one in client.layers.limits(profile, handler.queue)),
        unique_rule=None if unique is None else told(unique.keyed),
        unique_manner=None if unique is None else unique.manner,
        fair_rule=None if fair is None else told(fair.keyed),
        fair_weights={} if fair is None else dict(fair.weights),
        attempts=handler.options.retry.attempts,
        timeout=handler.options.timeout,
        codec=client.home.codec.name,
    )
    return Definition(
        task=task,
        version=version,
        queue=handler.queue,
        app=app,
        kind="workflow" if handler.replays else "task",
        schema=_ENCODER.encode(handler.signature.schema()),
        source=f"{handler.function.__module__}:{handler.function.__qualname__}",
        options=_ENCODER.encode(terms),
    )


def terms_of(definition: Definition) -> Terms:
    """What the definition says; nothing if it was declared by a version that said nothing."""
    return _DECODER.decode(definition.options) if definition.options else Terms()


def profile_of(definition: Definition) -> Profile:
    """What the declared task says about its runs."""
    if not definition.options:  # declared by a version that knew only its queue
        return Profile(task=definition.task, version=definition.version, options=Options(queue=definition.queue))
    terms = terms_of(definition)
    return Profile(
        task=definition.task,
        version=definition.version,
        options=Options(**{name: getattr(terms, name) for name in _LAYERED}),
        limits=tuple(Keyed(rule) for rule in terms.limit_rules),
        unique=_standing(terms),
        fair=None if terms.fair_rule is None else Turns(Keyed(terms.fair_rule), terms.fair_weights),
        on_success=terms.on_success,
        on_failure=terms.on_failure,
    )


def _standing(terms: Terms) -> Standing | None:
    return None if terms.unique_rule is None else Standing(Keyed(terms.unique_rule), terms.unique_manner or Manner())
