"""Steps: a function that is carried out at least once and recorded once, tried again if it fails.

Its body runs outside of the run's scopes: whatever it calls is plain.
"""

import asyncio
import inspect
import random
from asyncio import CancelledError
from collections.abc import Callable
from typing import Any, Final

from penstock.core import error_record
from penstock.core.control import RetryIn
from penstock.core.errors import StepFailed, Timeout
from penstock.core.hints import hints_of, result_of
from penstock.core.leases import Step
from penstock.core.retry import Retry, gap
from penstock.core.shape import Shape
from penstock.engine.threads import Threads
from penstock.models import ends
from penstock.models.calls import Call, Need
from penstock.models.journal import ATTEMPT, Place
from penstock.models.passage import Passage
from penstock.models.threaded import in_thread

STEP_RETRY: Final = Retry()


class StepBody:
    """A function as steps call it. Raises `Invalid` if what it returns could not be read back."""

    def __init__(
        self, function: Callable[..., Any], name: str, *, retry: Retry = STEP_RETRY, timeout: float | None = None
    ) -> None:
        self.function = function
        self.name = name
        self.retry = retry
        self.timeout = timeout
        self.returns = returns_of(function, name)

    async def carry_out(self, passage: Passage, call: Call, function: Callable[[], Any]) -> Step:
        """The live part: tries until one succeeds or none is left, and records what came of it."""
        place = call.place
        notes = passage.journal.notes.get(place.path, [])
        tries = len(notes)
        due = float(notes[-1].value or 0) if notes else 0.0
        while True:
            await self._wait(passage, call, due)
            try:
                value = await self._call(passage.threads, function)
                data = self.returns.encode(value)
            except CancelledError as error:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise
                failed: BaseException = error  # its own, not ours
            except (KeyboardInterrupt, GeneratorExit):
                raise
            except BaseException as error:  # noqa: BLE001 (whatever a step raises is its outcome)
                failed = error
            else:
                return await passage.record(place.outcome(value=passage.codec.encode(data)))
            tries += 1
            left = await self._gap(tries, failed)
            if left is None:
                return await passage.record(place.outcome(error=error_record.describe(failed).encode()))
            due = passage.moment_in(left)
            await passage.record(_failed(place, tries, failed, due))

    async def _wait(self, passage: Passage, call: Call, due: float) -> None:
        while (left := due - passage.now()) > 0:
            if left <= passage.patience:
                await asyncio.sleep(left)
            else:
                await passage.stand(call, Need(at=due))

    async def _call(self, threads: Threads, function: Callable[[], Any]) -> object:
        limit = asyncio.timeout(self.timeout)
        try:
            async with limit:
                if inspect.iscoroutinefunction(self.function):
                    return await function()
                made = await in_thread(threads, function)
                return await made if inspect.isawaitable(made) else made
        except TimeoutError as error:
            if limit.expired() and self.timeout is not None:
                raise Timeout(self.timeout) from error
            raise

    async def _gap(self, tries: int, error: BaseException) -> float | None:
        if isinstance(error, RetryIn):
            return error.delay if tries < self.retry.attempts else None
        return await gap(self.retry, tries, error, random.random())


def _failed(place: Place, tries: int, error: BaseException, due: float) -> Step:
    record = error_record.describe(error).encode()
    return place.note(ATTEMPT, str(tries), value=repr(due).encode(), error=record)


def returns_of(function: Callable[..., Any], name: str) -> Shape:
    """What the function returns, as it is stored; anything that JSON has if it does not say so."""
    hints = hints_of(function, name) if inspect.isroutine(function) or inspect.isclass(function) else {}
    return Shape(result_of(hints.get("return", Any)), f"the result of step {name}", output=True)


def failure_of(name: str, error: bytes) -> StepFailed:
    """What the workflow hears: the same the first time as in every replay."""
    record = ends.decoded(error)
    return StepFailed(name, error_type=record.type, message=record.message, traceback=record.traceback)
