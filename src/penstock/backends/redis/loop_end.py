"""Tells when the running loop ends, so that connections are closed that somebody forgot. Knows no connection.

A task that waits for its cancellation would do, but stand in the way of whoever counts tasks, and complain when a loop
is closed without ceremony. Loops end the async generators that were begun in them.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Final


class LoopEnd:
    """Calls `ended` when the loop ends, unless it was forgotten before."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._waiting: Final = _wait(ended)
        with suppress(StopIteration):
            self._waiting.__anext__().send(None)

    def forget(self) -> None:
        """The loop may end without a word. Calls `ended` now."""
        with suppress(StopIteration, RuntimeError):  # it may be what is being told
            self._waiting.aclose().send(None)


async def _wait(ended: Callable[[], None]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        ended()
