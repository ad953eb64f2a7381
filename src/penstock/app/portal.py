"""The way into async code from code without a loop: one thread with a loop of its own, started when first used.

A forked child starts its own. In the thread of a running task, the worker's loop is used instead.
"""

import asyncio
import os
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from penstock.core.errors import Blocking
from penstock.models import threaded
from penstock.models.current import running

P = ParamSpec("P")
T = TypeVar("T")


class Portal:
    """Carries calls to its loop and blocks for their answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()

    def call(self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the async function returns. Raises `Blocking` where a loop is running: it would stand still."""
        check_no_loop(f".sync.{getattr(function, '__name__', 'call')}()", "await the same call without .sync")
        code = threaded.code()
        if code is not None:  # as if the workflow's own code awaited it
            return code.call(lambda: function(*args, **kwargs))
        holder = running()
        if holder is not None:
            return holder.attempt.run(function(*args, **kwargs))
        future = asyncio.run_coroutine_threadsafe(function(*args, **kwargs), self._running())
        try:
            return future.result()
        except BaseException:  # also an interrupt in this thread: nobody waits for the call any more
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread, if there is one. A later call starts another."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None and self._pid == os.getpid():
            loop.call_soon_threadsafe(loop.stop)
            if thread is not threading.current_thread():
                thread.join()

    def _running(self) -> AbstractEventLoop:
        if self._pid != os.getpid():  # forked: the thread is the parent's, and so is the lock, perhaps held
            self._lock, self._loop, self._pid = threading.Lock(), None, os.getpid()
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=[self._loop], name="penstock-portal", daemon=True)
                self._thread.start()
            return self._loop


def _serve(loop: AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def check_no_loop(call: str, instead: str) -> None:
    """Raises `Blocking` if a loop is running in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise Blocking(call, f"a loop is running in this thread. Say instead: {instead}")
