"""Makes runs of one task with one set of options: all but id, key and input is worked out once."""

from msgspec import UnsetType
from msgspec.structs import replace

from penstock.app.client import Client
from penstock.app.layers import KEY_TTL, Profile, said
from penstock.app.options import NOTHING, Options, layered
from penstock.core.codec import canonical_hash
from penstock.core.ids import new_run_id
from penstock.core.run import Key, NewRun


class Maker:
    """What a task's calls have in common. Raises `Invalid` for options that contradict what can be stored."""

    def __init__(self, client: Client, profile: Profile, options: Options = NOTHING) -> None:
        self.client = client
        self.profile = profile
        self.options = options
        whole = client.layers.effective(profile.options, options)
        self.template = client.layers.template(profile, options)
        self.key_ttl = said(whole.key_ttl, KEY_TTL)
        self.cascade = said(options.cascade, True)

    def with_options(self, named: Options) -> "Maker":
        """The same, with more said."""
        return Maker(self.client, self.profile, layered(self.options, named))

    def make(self, data: bytes) -> NewRun:
        """The run with this input."""
        key = None
        if not isinstance(self.options.key, UnsetType):
            key = Key(key=self.options.key, input_hash=canonical_hash(data), ttl=self.key_ttl)
        run_id = said(self.options.id, None) or new_run_id()
        return replace(self.template, id=run_id, input=self.client.home.codec.encode(data), key=key)
