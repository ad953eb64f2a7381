"""How an operation travels: its script, the keys it names, its arguments by name, then bytes. Knows no operation."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from penstock.backends.redis.link import Link
from penstock.backends.redis.moments import microseconds_up
from penstock.backends.redis.refs import ref_of
from penstock.backends.redis.script import Script
from penstock.backends.redis.scripts import arguments, script
from penstock.backends.redis.wire import Value
from penstock.core.clock import Clock, system_clock

Made: TypeAlias = tuple[Script, list[bytes], list[Value]]
Reply: TypeAlias = Any  # what a script answers: bytes, int, None, and lists of these

_encode: Final = msgspec.msgpack.Encoder().encode


class Calls:
    """The scripts of one namespace, to be called through one link."""

    def __init__(self, link: Link, namespace: str, clock: Clock) -> None:
        self.link: Final = link
        self.prefix: Final = f"{{{namespace}}}".encode()
        self.meta: Final = self.prefix + b":meta"
        # Never there, and named by every call: while a slot is on its way, a node has some of its keys and would take
        # the others for missing. Who names several keys, one of them missing, is told to ask again until it is through.
        self.nothing: Final = self.prefix + b":nothing"
        self._clock: Final = None if clock is system_clock else clock  # the server's own, but in tests

    @property
    def now(self) -> bytes:
        """The moment that tests set; nothing: the server's."""
        return b"" if self._clock is None else b"%d" % microseconds_up(self._clock())

    def run_keys(self, run_ids: Iterable[str]) -> list[bytes]:
        """Where these runs are stored."""
        prefix = self.prefix + b"r"
        return [prefix + ref_of(run_id) for run_id in run_ids]

    def made(
        self, name: str, args: Mapping[str, Any] | None = None, blobs: Iterable[Value] = (), runs: Iterable[str] = ()
    ) -> Made:
        """A call, ready for the link. Arguments that are None are left out."""
        given = {key: value for key, value in (args or {}).items() if value is not None}
        assert given.keys() <= set(arguments(name)), (name, given)
        return (
            script(name),
            [self.meta, *self.run_keys(runs), self.nothing],
            [self.prefix, self.now, *([_encode(given)] if args is not None else []), *blobs],
        )

    async def call(
        self, name: str, args: Mapping[str, Any] | None = None, blobs: Iterable[Value] = (), runs: Iterable[str] = ()
    ) -> Reply:
        """What the script answers. `runs`: the ids that the call names."""
        return await self.link.run(*self.made(name, args, blobs, runs))
