"""Which run the running code belongs to: set while a handler is carried out, and seen by all that it calls.

Threads and background tasks that outlive their run find none.
"""

from contextvars import ContextVar
from typing import Final, Protocol

from penstock.core.codec import Codec
from penstock.engine.handler import Attempt


class Home(Protocol):
    """What the tasks of one app share."""

    codec: Codec


class Running:
    """One attempt in whose handler code is running, and whose app it belongs to."""

    __slots__ = ("attempt", "home", "node", "over")

    def __init__(self, attempt: Attempt, home: Home) -> None:
        self.attempt = attempt
        self.home = home  # compared by identity only: a run of another app is nobody's parent here
        self.node: object | None = None  # of a graph, once it has been asked for
        self.over = False  # the handler has returned: who still runs has been left behind


_RUNNING: Final[ContextVar[Running | None]] = ContextVar("penstock_running", default=None)


def running() -> Running | None:
    """The attempt that this code is part of; None outside of handlers, and for what outlived its own."""
    found = _RUNNING.get()
    return None if found is None or found.over else found


class Carried:
    """`with Carried(running):` this code, and what it calls and starts, belongs to the attempt."""

    __slots__ = ("_running", "_token")

    def __init__(self, running: Running) -> None:
        self._running = running

    def __enter__(self) -> None:
        self._token = _RUNNING.set(self._running)

    def __exit__(self, *_: object) -> None:
        self._running.over = True
        _RUNNING.reset(self._token)
