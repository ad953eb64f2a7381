"""Batches without delay: an item leaves at once if no call is in flight, else together with all that gather meanwhile.

There is no timer: under load the calls grow by themselves, and a lone item pays one round trip. Knows no operation.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from penstock.core.aside import aside
from penstock.engine.patience import Trouble, repeat, untold

Item = TypeVar("Item")
Answer = TypeVar("Answer")

ITEMS: Final = 1000  # in one call
BYTES: Final = 4 * 1024 * 1024


class Batcher(Generic[Item, Answer]):
    """One operation of a store, called for many items at once, in the order in which they were put.

    `call` takes a list of items and answers for each. `size` says how many bytes an item brings, `most` how many items
    go together. A call that is `Unavailable` is repeated as it was, for `within` seconds; any other error goes to all
    items of that call. For one loop.
    """

    def __init__(
        self,
        call: Callable[[list[Item]], Awaitable[Sequence[Answer]]],
        size: Callable[[Item], int],
        *,
        most: int = ITEMS,
        trouble: Trouble = untold,
        within: float = math.inf,
    ) -> None:
        self._call = call
        self._most = most
        self._size = size
        self._trouble = trouble
        self._within = within
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._sender: asyncio.Future[None] | None = None  # done when what is in flight is answered
        self._many = False  # ask at the same time, as far as the last call could see

    def put(self, item: Item) -> asyncio.Future[Answer]:
        """Send the item with the next call; the future brings its answer."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._sender is None:
            self._sender = aside(self._send())
        return future

    async def ask(self, item: Item) -> Answer:
        """The answer to the item. A lone caller asks by itself, which saves two turns of the loop."""
        if self._sender is not None or self._many:
            return await self.put(item)
        alone = self._sender = asyncio.get_running_loop().create_future()
        try:
            answers = await repeat(lambda: self._call([item]), self._trouble, within=self._within)
        finally:
            self._sender = None
            self._many = bool(self._waiting)
            if self._many:
                self._sender = aside(self._send())
            if not alone.done():
                alone.set_result(None)
        return answers[0]

    async def drained(self) -> None:
        """Return when nothing waits and nothing is in flight."""
        while self._sender is not None:
            await asyncio.wait([self._sender])

    async def close(self) -> None:
        """Give up what is not answered yet: its futures are cancelled."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait([self._sender])
        while self._waiting:
            self._waiting.popleft()[1].cancel()

    async def _send(self) -> None:
        try:
            while self._waiting:
                await self._send_once(self._next())
        finally:
            self._sender = None

    def _next(self) -> list[tuple[Item, asyncio.Future[Answer]]]:
        """The items of the next call: at least one, and no more than fit."""
        batch = [self._waiting.popleft()]
        room = BYTES - self._size(batch[0][0])
        while self._waiting and len(batch) < self._most:
            room -= self._size(self._waiting[0][0])
            if room < 0:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _send_once(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        items = [item for item, _ in batch]
        self._many = len(items) > 1
        try:
            answers = await repeat(lambda: self._call(items), self._trouble, within=self._within)
            if len(answers) != len(items):
                raise RuntimeError(f"{len(items)} items were answered {len(answers)} times")
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 (whatever went wrong belongs to those who asked)
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():  # whoever asked may have been cancelled meanwhile
                future.set_result(answer)
