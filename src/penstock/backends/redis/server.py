"""What a server must be before runs are entrusted to it: asked at the start, and now and then. Knows no operation.

It must be new enough, the primary, let us run scripts, evict nothing, and keep what it has when it is restarted.
"""

import asyncio
import logging
import re
from typing import Final, cast

from penstock.backends.redis.address import Address
from penstock.backends.redis.link import Link
from penstock.backends.redis.script import Script
from penstock.core.aside import aside
from penstock.core.errors import Invalid, PenstockError

OLDEST: Final = (6, 2)
AGAIN: Final = 300.0  # seconds between two looks at what may be changed while the server runs
KEEPS_ALL: Final = "noeviction"

_PROBE: Final = Script("probe", "return redis.call('exists', KEYS[1])")

_log: Final = logging.getLogger(__name__)


class Server:
    """The server at the other end of a link. `key`: any of the namespace, so that the node that serves it is asked."""

    def __init__(self, link: Link, key: bytes) -> None:
        self._link: Final = link
        self.durable = "unknown"  # or "aof", "points", "volatile": what it keeps when it stops, once it was checked
        self._key: Final = key
        self._timer: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Raises `Invalid` for a server that can't be trusted with runs. From then on eviction is looked at again."""
        await self._link.run(_PROBE, [self._key], [])  # on a Cluster: from here on the node is known
        said = await self._info()
        address = self._link.address
        _check_version(said, address)
        if said.get("role") == "slave":
            raise _refused(address, f"it is a replica of {said.get('master_host')}: name the primary")
        await self._check_eviction(said)
        await self._check_persistence(said)
        self._look_later()

    async def left(self) -> int | None:
        """The bytes that its memory may still grow by; None: by as many as the machine has."""
        said = await self._info("memory")
        most = int(said.get("maxmemory", 0))
        return max(0, most - int(said.get("used_memory", 0))) if most else None

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()

    async def _info(self, *section: str) -> dict[str, str]:
        found = await self._link.command("INFO", *section)
        if not isinstance(found, bytes):
            raise _refused(self._link.address, f"it does not say what it is ({found}): allow the user INFO")
        return dict(re.findall(r"^(\w+):(.*?)\r?$", found.decode(errors="replace"), re.MULTILINE))

    async def _config(self, name: str) -> str | None:
        """A setting; None: the server does not say."""
        found = await self._link.command("CONFIG", "GET", name)
        return cast("list[bytes]", found)[1].decode(errors="replace") if isinstance(found, list) and found else None

    async def _check_eviction(self, said: dict[str, str]) -> None:
        address = self._link.address
        if address.assume_noeviction:
            return
        policy = said.get("maxmemory_policy") or await self._config("maxmemory-policy")
        if policy is None:
            advice = "it does not say whether it evicts keys: see to it that it does not, and say assume_noeviction=1"
            raise _refused(address, advice)
        if policy != KEEPS_ALL:
            raise _refused(address, f"its maxmemory-policy is {policy}, which throws runs away: set it to {KEEPS_ALL}")

    async def _check_persistence(self, said: dict[str, str]) -> None:
        address = self._link.address
        if said.get("aof_enabled") == "1":
            self.durable = "aof"
            return
        points = await self._config("save")
        self.durable = "unknown" if points is None else "points" if points else "volatile"
        if address.allow_volatile:
            return
        if points == "":
            advice = "turn on appendonly, or say allow_volatile=1 if runs may vanish"
            raise _refused(address, f"it keeps nothing when it stops: {advice}")
        _log.warning(
            "Redis at %s %s: what was stored since is lost when it stops; turn on appendonly",
            address,
            "does not say what it keeps beyond an append-only file" if points is None else "keeps save points only",
        )

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()

        def look() -> None:
            self._looking = aside(self._look())

        self.close()
        self._timer = loop.call_later(AGAIN, look)

    async def _look(self) -> None:
        """Say so if somebody has changed the server; that we can't prevent."""
        try:
            await self._check_eviction(await self._info())
        except Invalid as refusal:
            _log.error("runs may vanish: %s", refusal)
        except PenstockError:  # whoever asks for something hears of that
            _log.debug("the server's settings were not looked at", exc_info=True)
        self._looking = None
        self._look_later()


def _check_version(said: dict[str, str], address: Address) -> None:
    numbers = tuple(int(number) for number in re.findall(r"\d+", said.get("redis_version", "0"))[:2])
    if numbers < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise _refused(address, f"it is Redis {said.get('redis_version', '?')}: at least {wanted} is needed, or Valkey")


def _refused(address: Address, why: str) -> Invalid:
    return Invalid("url", address.url, why)
