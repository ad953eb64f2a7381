"""Makes runs of one task with one set of options: all but id, key and input is worked out once."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace

from penstock.app.client import Client
from penstock.app.layers import KEY_TTL, Layers, Profile, said
from penstock.app.limits_said import Keyed
from penstock.app.options import NOTHING, Options, layered
from penstock.app.outgoing import passed
from penstock.core.codec import canonical_hash
from penstock.core.errors import Invalid
from penstock.core.ids import new_run_id
from penstock.core.requests import Counted
from penstock.core.run import Key, NewRun


class Maker:
    """What a task's calls have in common. Raises `Invalid` for options that contradict what can be stored."""

    def __init__(
        self, client: Client, profile: Profile, options: Options = NOTHING, *, layers: Layers | None = None
    ) -> None:
        self.client = client
        self.profile = profile
        self.options = options
        self.layers = layers = layers or client.layers
        whole = layers.effective(profile.options, options)
        self.template = layers.template(profile, options)
        self.key_ttl = said(whole.key_ttl, KEY_TTL)
        self.cascade = said(options.cascade, True)
        self.limits = layers.limits(profile, self.template.queue)
        self.limit_keys = said(options.limit_keys, {})
        self.unique = layers.unique(profile, whole)
        self.fair = layers.fair(profile, whole)
        _check_limits(options, self.limits, self.limit_keys)

    @property
    def has_id(self) -> bool:
        """Whether the caller has said the run's id."""
        return isinstance(self.options.id, str)

    def with_options(self, named: Options) -> "Maker":
        """The same, with more said."""
        return Maker(self.client, self.profile, layered(self.options, named), layers=self.layers)

    def under(self, layers: Layers) -> "Maker":
        """The same, where app and queues say something else."""
        return Maker(self.client, self.profile, self.options, layers=layers)

    def make(self, data: bytes, *, run_id: str | None = None) -> NewRun:
        """The run with this input; `run_id`: the id that was made for it before."""
        key = None
        if not isinstance(self.options.key, UnsetType):
            key = Key(key=self.options.key, input_hash=canonical_hash(data), ttl=self.key_ttl)
        elif self.unique is not None:
            key = self.unique.key(data)
        made = run_id or said(self.options.id, None) or new_run_id()
        new = replace(self.template, id=made, input=self.client.home.codec.encode(data), key=key)
        if self.limits or self.fair:
            new = replace(new, **asdict(self.counted(data)))
        if not self.client.before_enqueue:
            return new
        sent = passed(new, data, self.client.before_enqueue)
        return sent if sent.queue == new.queue else self._moved(sent, data)

    def _moved(self, sent: NewRun, data: bytes) -> NewRun:
        """The run as the queue has it to which it was sent last: its limits, order, turns, and its dead letters."""
        there = self.with_options(Options(queue=sent.queue))
        counted = asdict(there.counted(data))
        return replace(sent, **counted, lifo=there.template.lifo, dead_letter=there.template.dead_letter)

    def counted(self, data: bytes) -> Counted:
        """What of a run follows from its arguments: the keys of its limits, and by which value it takes turns."""
        arguments: dict[str, Any] = msgspec.json.decode(data) if self.limits or self.fair else {}
        fair, weight = (None, 1) if self.fair is None else self.fair.of(arguments)
        limits = tuple(one.ref(arguments, self.limit_keys) for one in self.limits)
        return Counted(limits=limits, fair=fair, weight=weight)


def _check_limits(options: Options, limits: Sequence[Keyed], keys: Mapping[str, str]) -> None:
    """Raises `Invalid` for a call that names numbers, or keys of limits that its runs have not."""
    if options.limits is not UNSET:
        raise Invalid("limits", options.limits, "a call can name keys, limit_keys={...}; numbers are the task's")
    names = [one.rule.definition.name for one in limits]
    for name in keys:
        if name not in names:
            raise Invalid("limit_keys", name, f"its runs have {', '.join(names) or 'no limits'}")
