"""Steps: a function that is carried out at least once and recorded once, tried again if it fails.

Its body runs outside of the run's scopes: whatever it calls is plain.
"""

import asyncio
import inspect
import random
from asyncio import CancelledError
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Final, TypeAlias

from penstock.core import error_record
from penstock.core.control import RetryIn
from penstock.core.errors import StepFailed, Timeout
from penstock.core.hints import hints_of, result_of
from penstock.core.leases import Step
from penstock.core.record import Record
from penstock.core.retry import Retry, gap
from penstock.core.shape import Shape
from penstock.engine.threads import in_thread
from penstock.models import ends
from penstock.models.calls import Call, Need
from penstock.models.journal import ATTEMPT, Place
from penstock.models.passage import Passage
from penstock.models.provision import Need as Provided
from penstock.models.provision import Provision

Args: TypeAlias = Sequence[Any]
Named: TypeAlias = Mapping[str, Any]

STEP_RETRY: Final = Retry()


class Failed(Record, frozen=True):
    """What came of a try that failed."""

    error: bytes
    left: float | None  # seconds until the next one; None: there is none


class StepBody:
    """A function as steps call it: on the loop, or a `def` in a thread. Raises `Invalid` if its result has no form.

    `needs`: what it is given beside its arguments, anew for each try.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        *,
        retry: Retry = STEP_RETRY,
        timeout: float | None = None,
        needs: Mapping[str, Provided] | None = None,
    ) -> None:
        self.function = function
        self.name = name
        self.retry = retry
        self.timeout = timeout
        self.needs = needs or {}
        self.asynchronous = inspect.iscoroutinefunction(function)
        self.returns = returns_of(function, name)

    async def carry_out(self, passage: Passage, call: Call, args: Args, named: Named) -> Step:
        """The live part: tries until one succeeds or none is left, and records what came of it."""
        place = call.place
        notes = passage.journal.notes.get(place.path, [])
        tries = len(notes)
        due = float(notes[-1].value or 0) if notes else 0.0
        while True:
            await self._wait(passage, call, due)
            tries += 1
            came = await self.tried(passage, place, tries, args, named)
            if isinstance(came, Step):
                return came
            if came.left is None:
                return await passage.record(place.outcome(error=came.error))
            due = passage.moment_in(came.left)
            await passage.record(place.note(ATTEMPT, str(tries), value=repr(due).encode(), error=came.error))

    async def tried(self, passage: Passage, place: Place, number: int, args: Args, named: Named) -> Step | Failed:
        """One try, from 1: its record, or why it failed."""
        try:
            value = await self._call(passage, args, named)
            data = self.returns.encode(value)
        except CancelledError as error:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            return await self.failed(number, error)  # its own, not ours
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 (whatever a step raises is its outcome)
            return await self.failed(number, error)
        return await passage.record(place.outcome(value=passage.codec.encode(data)))

    async def failed(self, number: int, error: BaseException) -> Failed:
        """What the error of this try means, by the step's retries."""
        if isinstance(error, RetryIn):
            left = error.delay if number < self.retry.attempts else None
        else:
            left = await gap(self.retry, number, error, random.random())
        return Failed(error=error_record.describe(error).encode(), left=left)

    async def _wait(self, passage: Passage, call: Call, due: float) -> None:
        while (left := due - passage.now()) > 0:
            if left <= passage.patience:
                await asyncio.sleep(left)
            else:
                await passage.stand(call, Need(at=due))

    async def _call(self, passage: Passage, args: Args, named: Named) -> object:
        if self.timeout is None:
            return await self._called(passage, args, named)
        limit = asyncio.timeout(self.timeout)
        try:
            async with limit:
                return await self._called(passage, args, named)
        except TimeoutError as error:
            if limit.expired():
                raise Timeout(self.timeout) from error
            raise

    async def _called(self, passage: Passage, args: Args, named: Named) -> object:
        if not self.asynchronous:
            made = await in_thread(passage.threads, lambda: self.call_in_thread(passage, args, named))
            return await made if inspect.isawaitable(made) else made
        if not self.needs:
            return await self.function(*args, **named)
        async with AsyncExitStack() as stack:
            given = await provision(passage).provide(self.needs, stack)
            return await self.function(*args, **named, **given)

    def call_in_thread(self, passage: Passage, args: Args, named: Named) -> Any:
        """What a `def` returns."""
        with ExitStack() as stack:
            given = provision(passage).provide_in_thread(self.needs, stack)
            return self.function(*args, **named, **given)


def provision(passage: Passage) -> Provision:
    """What gives one try what it needs."""
    return Provision(passage.attempt, passage.home.replaced, passage.home.lifespans)


def returns_of(function: Callable[..., Any], name: str) -> Shape:
    """What the function returns, as it is stored; anything that JSON has if it does not say so."""
    hints = hints_of(function, name) if inspect.isroutine(function) or inspect.isclass(function) else {}
    return Shape(result_of(hints.get("return", Any)), f"the result of step {name}", output=True)


def failure_of(name: str, error: bytes) -> StepFailed:
    """What the workflow hears: the same the first time as in every replay."""
    record = ends.decoded(error)
    return StepFailed(name, error_type=record.type, message=record.message, traceback=record.traceback)
