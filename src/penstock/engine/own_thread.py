"""Runs a coroutine on an event loop in a thread of its own, as if it were awaited here."""

import asyncio
import threading
from asyncio import AbstractEventLoop, CancelledError, Task
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeAlias

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class _Thread:
    """The work, its thread and loop, and the future here that says that it has ended, and with what."""

    def __init__(self, work: Work) -> None:
        self.ended: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
        self._work = work
        self._here = asyncio.get_running_loop()
        self._there: tuple[AbstractEventLoop, Task[None]] | None = None
        self._asked_to_end = False

    def run(self) -> None:
        error: BaseException | None = None
        try:
            asyncio.run(self._main())
        except CancelledError:
            error = None
        except BaseException as raised:  # noqa: BLE001 (it is raised where the work is awaited)
            error = raised
        with suppress(RuntimeError):  # the loop that waited is closed
            self._here.call_soon_threadsafe(self._end, error)

    async def _main(self) -> None:
        task = asyncio.create_task(self._work())
        self._there = asyncio.get_running_loop(), task
        if self._asked_to_end:  # looked at after the line above, as `cancel` looks after it has set this
            task.cancel()
        await task

    def cancel(self) -> None:
        self._asked_to_end = True
        if self._there is not None:
            loop, task = self._there
            with suppress(RuntimeError):  # it has ended by itself meanwhile
                loop.call_soon_threadsafe(task.cancel)

    def _end(self, error: BaseException | None) -> None:
        if not self.ended.done():
            self.ended.set_result(error)


async def in_own_thread(work: Work, name: str) -> None:
    """Return when the work has, raise what it raises; cancelled with this, and then waited for."""
    thread = _Thread(work)
    threading.Thread(target=thread.run, name=name, daemon=True).start()
    try:
        error = await asyncio.shield(thread.ended)
    except CancelledError:
        thread.cancel()
        await asyncio.wait([thread.ended])
        raise
    if error is not None:
        raise error
