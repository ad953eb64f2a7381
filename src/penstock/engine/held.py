"""What a worker keeps about each run it holds, and about each task it can run. Records of one loop, no behaviour."""

from asyncio import Task
from typing import Protocol

from penstock.core.leases import Outcome
from penstock.engine.handler import Attempt, Handler


class Held:
    """A run from its claim to the answer of its settle."""

    __slots__ = ("attempt", "began", "child", "ended", "seconds", "task", "timeout", "trade")

    def __init__(self, attempt: Attempt, trade: "Trade") -> None:
        self.attempt = attempt
        self.trade = trade
        self.began = 0.0  # on the worker's clock; 0: its handler has not been called
        self.timeout: float | None = None  # seconds for which it may be active
        self.seconds = 0.0  # for which it was active
        self.task: Task[None] | None = None  # for the carrier that carries it out as one
        self.child: object = None  # the same, for the one that has child processes
        self.ended = False  # it has its outcome, or needs none; the handler may still be running


class Trade:
    """A task that the worker can run: its handler, where it runs, and how long it takes."""

    __slots__ = ("carrier", "handler", "limited", "mean")

    def __init__(self, handler: Handler, carrier: "Carrier") -> None:
        self.handler = handler
        self.carrier = carrier
        self.limited = handler.limited
        self.mean = -1.0  # seconds of a run, the latest weigh most; below 0: not known yet

    def saw(self, seconds: float) -> None:
        """Take one more run into the mean."""
        mean = self.mean
        self.mean = seconds if mean < 0 else mean + 0.1 * (seconds - mean)


class Books(Protocol):
    """Who keeps account of what carriers do. Called on the worker's loop."""

    def begun(self, held: Held) -> None:
        """The handler is about to be called: its time counts from now."""
        ...

    def finished(self, held: Held, outcome: Outcome | None) -> None:
        """The handler has ended, so or without a word to the store. Once for each run that was started."""
        ...

    def rest(self) -> None:
        """There is no thread or process to be had: claim nothing for a moment."""
        ...


class Carrier(Protocol):
    """Carries attempts out in one kind of place."""

    only_told: bool  # whether an interrupted attempt goes on as long as it likes

    def start(self, held: Held) -> None:
        """Begin, now or soon."""
        ...

    def interrupt(self, held: Held) -> None:
        """The attempt has just been asked to stop: make it, as far as this place can."""
        ...

    def safe(self, held: Held) -> None:
        """The attempt's lease was extended."""
        ...

    async def close(self) -> None:
        """Let go of threads and processes; what still runs in them is not waited for."""
        ...
