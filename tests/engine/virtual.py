"""An event loop whose time jumps to the next timer when nothing else is to be done: hours pass in no time."""

import asyncio
import inspect
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

P = ParamSpec("P")

BEGIN = 1_000_000.0  # unix seconds, and the loop's


class _Jumping(selectors.DefaultSelector):
    """Never waits: says that the time asked for has passed."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # no timer and nothing ready: only another thread could go on
            raise RuntimeError("everything waits, and nothing will ever happen")
        self.passed += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """For tests of time without threads."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return BEGIN + self._jumping.passed


def virtual(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run the test on a loop of its own with virtual time."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    del run.__dict__["__wrapped__"]  # else pytest sees a coroutine; it still wants to know the fixtures
    run.__dict__["__signature__"] = inspect.signature(test)
    return run


def now() -> float:
    """The virtual time."""
    return asyncio.get_running_loop().time()


async def passes(seconds: float) -> None:
    """Let so much virtual time pass."""
    await asyncio.sleep(seconds)
