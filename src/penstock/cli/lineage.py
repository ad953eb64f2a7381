"""A process that ends with the one that started it: by a pipe of which only the parent holds the other end."""

import os
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from penstock.cli.exits import Exit
from penstock.core.duration import Duration, seconds

BEYOND: Final = 5.0  # seconds after the grace for which a stop may take, before the process just ends


def end_with(pipe: int, loop: AbstractEventLoop, stop: Callable[[], None], grace: Duration) -> None:
    """Watch the pipe in a thread: once it ends, stop gently; and end the process if that does not happen in time."""
    patience = seconds(grace, "grace") + BEYOND
    threading.Thread(target=_watch, args=(pipe, loop, stop, patience), name="penstock-parent", daemon=True).start()


def _watch(pipe: int, loop: AbstractEventLoop, stop: Callable[[], None], patience: float) -> None:
    while os.read(pipe, 4096):
        pass
    with suppress(RuntimeError):  # the loop is closed: it is on its way out
        loop.call_soon_threadsafe(stop)
    time.sleep(patience)
    os._exit(Exit.FAILED)
