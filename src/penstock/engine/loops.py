"""Async handlers: each attempt is a task on the worker's own loop."""

import asyncio
from asyncio import CancelledError

from penstock.core.leases import Release
from penstock.engine.attempt import carry_out, verdict
from penstock.engine.held import Books, Held


class LoopCarrier:
    """Carries attempts out as tasks of the running loop."""

    only_told = False

    def __init__(self, books: Books) -> None:
        self._books = books
        self._loop = asyncio.get_running_loop()

    def start(self, held: Held) -> None:
        """Begin with the loop's next turn. `held` keeps the task alive."""
        held.task = self._loop.create_task(self._carry(held), name=held.attempt.claim.run_id)

    def interrupt(self, held: Held) -> None:
        """Cancel the task. One that has not begun sees the flag: cancelled before, it could not say a word."""
        if held.began and held.task is not None:
            held.task.cancel()

    def safe(self, held: Held) -> None:
        """Nothing to tell: the attempt is in this process."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _carry(self, held: Held) -> None:
        self._books.begun(held)
        attempt, handler = held.attempt, held.trade.handler
        try:
            if attempt.stop.reason is None:
                outcome = await carry_out(handler, attempt)
            else:
                outcome = await verdict(handler, attempt, CancelledError())
        except CancelledError:  # asked to stop while an async backoff was thinking about an error
            outcome = Release(lease=attempt.lease)
        self._books.finished(held, outcome)
