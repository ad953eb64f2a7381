"""What a caller in any loop waits for while a thread works. Knows neither the work nor the thread."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Promise(Generic[T]):
    """Work for a thread, and the future of the loop that asked for it."""

    __slots__ = ("error", "future", "loop", "result", "work")

    def __init__(self, work: Callable[..., T]) -> None:
        self.work: Final = work
        self.loop: Final = asyncio.get_running_loop()
        self.future: Final[asyncio.Future[T]] = self.loop.create_future()
        self.result: T | None = None
        self.error: BaseException | None = None

    def keep(self) -> None:
        """In the loop: the caller learns what came of it, if it still waits."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type] # set whenever there is no error


def keep_all(promises: Iterable[Promise[T]]) -> None:
    """From the thread: one wake-up for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Promise[T]]] = {}
    for promise in promises:
        by_loop.setdefault(promise.loop, []).append(promise)
    for loop, kept in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_keep, kept)


def _keep(promises: list[Promise[T]]) -> None:
    for promise in promises:
        promise.keep()
