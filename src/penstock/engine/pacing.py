"""Keeps those who write very much from taking the store from those who write little. Knows no operation.

A call that is as large as a call may be is followed by a rest that is several times as long as the call: so a flood
takes a bounded share of a store, however fast that is. Anything less goes at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

RESTS: Final = 9.0  # times as long as the call before: a tenth of the time is taken
LONGEST: Final = 0.05  # seconds: a call that takes long waits for others, and is not to blame


class Paced(Generic[Item, Answer]):
    """Calls with up to so many items, at a pace. For one loop."""

    def __init__(self, call: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], most: int) -> None:
        self._call = call
        self._most = most
        self._rested_at = 0.0

    async def __call__(self, items: Sequence[Item]) -> Sequence[Answer]:
        """What the call answers, after the rest from the one before."""
        loop = asyncio.get_running_loop()
        rest = self._rested_at - loop.time()
        if rest > 0:
            await asyncio.sleep(rest)
        began = loop.time()
        answers = await self._call(items)
        if len(items) >= self._most:
            now = loop.time()
            self._rested_at = now + min((now - began) * RESTS, LONGEST)
        return answers
