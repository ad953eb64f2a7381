"""How long to wait before asking a store again that did not answer. Knows no operation."""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from penstock.core.errors import Unavailable

T = TypeVar("T")

SHORTEST: Final = 0.1  # seconds
LONGEST: Final = 10.0


class Backoff:
    """Growing waits with full jitter, so that those who lost the store together do not return together."""

    def __init__(self) -> None:
        self.tries = 0

    def wait(self) -> float:
        """Seconds until the next try."""
        self.tries += 1
        return random.uniform(SHORTEST, min(LONGEST, SHORTEST * 2.0 ** min(self.tries, 10)))

    def reset(self) -> None:
        """The store has answered."""
        self.tries = 0


class Trouble(Protocol):
    """Who shall know that the store does not answer, and that it does again (None)."""

    def __call__(self, error: Unavailable | None) -> None: ...


def untold(error: Unavailable | None) -> None:
    """Nobody needs to know."""


async def repeat(call: Callable[[], Awaitable[T]], trouble: Trouble = untold, *, within: float = math.inf) -> T:
    """Make the identical call until the store answers: it may have been applied, and asked twice it does once.

    What is not `Unavailable` is raised at once. `within`: seconds, from now, in which another try may begin; then that
    is raised, too, `applied="unknown"` if any of the tries may have been. Ends when cancelled.
    """
    began = time.monotonic()
    try:
        return await call()
    except Unavailable as error:
        trouble(error)
        failed = error
    backoff = Backoff()
    while True:
        wait = backoff.wait()
        if time.monotonic() - began + wait >= within:
            raise failed
        await asyncio.sleep(wait)
        try:
            answer = await call()
        except Unavailable as error:
            trouble(error)
            maybe = "unknown" in (error.applied, failed.applied)
            failed = Unavailable(error.reason, applied="unknown") if maybe else error
        else:
            trouble(None)
            return answer
