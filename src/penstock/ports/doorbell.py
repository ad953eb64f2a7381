"""The doorbell: a hint to look now. Losing a ring costs a poll interval, never a run. Knows nothing of runs."""

from collections.abc import Collection
from typing import Protocol


def queue_topic(queue: str) -> str:
    """Something became claimable in the queue."""
    return f"q:{queue}"


def run_topic(run_id: str) -> str:
    """A watched run has ended."""
    return f"r:{run_id}"


def log_topic(run_id: str) -> str:
    """The log of a followed run has grown: a claim, an attempt that failed, a line of its handler's."""
    return f"l:{run_id}"


def worker_topic(worker: str) -> str:
    """A run that this worker holds is asked to end: extend now."""
    return f"w:{worker}"


UPKEEP = "u"  # something is due earlier than the last round of upkeep said


class Listener(Protocol):
    """One who listens for some topics."""

    async def wait(self, timeout: float) -> frozenset[str]:
        """The topics rung since the last call, as soon as there is one; none after `timeout` seconds."""
        ...

    def close(self) -> None:
        """Stop listening. A pending `wait` returns."""
        ...


class Doorbell(Protocol):
    """Carries rings between those who change a store and those who wait for it. Thread-safe."""

    def ring(self, topics: Collection[str]) -> None:
        """Tell whoever listens, in this process and (as the backend can) in others."""
        ...

    def listen(self, topics: Collection[str]) -> Listener:
        """Hear from now on: listen first, then look, then wait. Call in the loop that will wait."""
        ...
