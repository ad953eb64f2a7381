"""What runs say, on its way to their logs: in order, at a pace, and no more than so much of one run at a time.

Who says more waits for room, if it is a thread; code on the worker's own loop can't wait without an `await`, and is
refused. Knows no other operation.
"""

import asyncio
import itertools
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from msgspec.structs import replace

from penstock.core.answers import Answer
from penstock.core.errors import Flooded
from penstock.core.leases import Append, Lease
from penstock.engine.batcher import Batcher
from penstock.engine.pacing import Paced
from penstock.engine.patience import Trouble, untold

Key: TypeAlias = tuple[str, str]  # run and token

TOGETHER: Final = 100  # lines in one call
AHEAD: Final = 10_000  # lines of one run that are not stored yet
BYTES_AHEAD: Final = 16 * 1024 * 1024
LOOK: Final = 1.0  # seconds in which a thread that waits for room can be told something else

_log: Final = logging.getLogger(__name__)


class Lines:
    """The lines of a worker's attempts. `append` from any thread; all else on the loop on which it is made."""

    def __init__(
        self,
        append: Callable[[Sequence[Append]], Awaitable[Sequence[Answer]]],
        trouble: Trouble = untold,
        *,
        most: int = AHEAD,
        most_bytes: int = BYTES_AHEAD,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        paced = Paced[Append, Answer](append, TOGETHER)
        self._batcher = Batcher[Append, Answer](paced, lambda entry: len(entry.data), most=TOGETHER, trouble=trouble)
        self._numbers = itertools.count(1)  # over all leases
        self._last: dict[Key, asyncio.Future[Answer]] = {}  # till answered
        self._most = most
        self._most_bytes = most_bytes
        self._room = threading.Condition()
        self._ahead: dict[Key, tuple[int, int]] = {}  # lines and bytes that are not stored yet; guarded by `_room`
        self._closed = False

    def append(self, entry: Append) -> None:
        """Store the line soon. A thread waits until there is room; on the loop raises `Flooded` if there is none."""
        here, key = threading.get_ident() == self._thread, _key(entry.lease)
        with self._room:
            while not self._closed and self._full(key):
                if here:
                    raise Flooded(entry.lease.run_id, self._ahead[key][0])
                self._room.wait(LOOK)
            lines, size = self._ahead.get(key, (0, 0))
            self._ahead[key] = lines + 1, size + len(entry.data)
        if here:
            self._put(entry)
        else:
            self._loop.call_soon_threadsafe(self._put, entry)

    def has(self, lease: Lease) -> bool:
        """Whether lines wait to be stored under this lease."""
        return bool(self._last) and _key(lease) in self._last

    async def stored(self, lease: Lease) -> None:
        """Return when every line given so far under this lease is stored."""
        line = self._last.get(_key(lease))
        if line is not None:
            await asyncio.wait([line])

    async def drained(self) -> None:
        """Return when nothing waits to be stored."""
        await self._batcher.drained()

    async def close(self) -> None:
        """Give up what is not stored yet, and hold up nobody any more."""
        with self._room:
            self._closed = True
            self._room.notify_all()
        await self._batcher.close()

    def _full(self, key: Key) -> bool:
        lines, size = self._ahead.get(key, (0, 0))
        return lines >= self._most or size >= self._most_bytes

    def _put(self, entry: Append) -> None:
        if self._closed:
            return
        key = _key(entry.lease)
        line = self._last[key] = self._batcher.put(replace(entry, number=next(self._numbers)))
        line.add_done_callback(lambda line: self._answered(key, len(entry.data), line))

    def _answered(self, key: Key, size: int, line: asyncio.Future[Answer]) -> None:
        if self._last.get(key) is line:
            del self._last[key]
        with self._room:
            lines, others = self._ahead[key]
            if lines == 1:
                del self._ahead[key]
            else:
                self._ahead[key] = lines - 1, others - size
            self._room.notify_all()
        if not line.cancelled() and (error := line.exception()) is not None:
            _log.error("lines of a run's log are lost", exc_info=error)


def _key(lease: Lease) -> Key:
    return lease.run_id, lease.token
