"""When a run is still: every task of it stands, and none will take a turn unless something is delivered."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Final

TURNS: Final = 16  # of the loop without one of a task: a result passes through as many futures of futures, and no more


class Stillness:
    """Calls `still` once after each time that somebody `turned`. `plainly`: whether that can be seen at once.

    Made where no branch is current: what `still` starts belongs to no scope.
    """

    def __init__(self, plainly: Callable[[], bool], still: Callable[[], None]) -> None:
        self._plainly = plainly
        self._still = still
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._idle = 0
        self._watching = False
        self.count = 0  # of turns that the tasks have taken

    def turned(self) -> None:
        """Something moves: look again."""
        self.count += 1
        self._idle = 0
        if not self._watching:
            self._watching = True
            self._loop.call_soon(self._watch, context=self._context)

    def _watch(self) -> None:
        if self._idle < TURNS and not self._plainly():
            self._idle += 1
            self._loop.call_soon(self._watch, context=self._context)
        else:
            self._watching = False
            self._still()
