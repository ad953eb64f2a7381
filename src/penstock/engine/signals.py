"""SIGTERM and SIGINT as a gentle stop. Installed by the command line and `run_worker` only, and taken back after."""

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Generator[None]:
    """While the block runs, call `stop` on the loop at each such signal. For the main thread, with a running loop.

    Outside the main thread, where signals can't be caught, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def caught(number: int, frame: FrameType | None) -> None:
        del number, frame
        loop.call_soon_threadsafe(stop)  # also wakes a loop that waits for events

    before = {number: signal.signal(number, caught) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not set from Python
