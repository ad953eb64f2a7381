"""Steps in child processes: for what keeps a processor busy. Each try has a process of its own, killed to interrupt it.

What goes there and back is JSON, by the step's annotations; the retries are decided there, where the error is.
"""

import asyncio
from asyncio import CancelledError

from msgspec.structs import replace

from penstock.core.errors import LeaseLost, PenstockError, Timeout
from penstock.core.leases import Complete, Fail, Outcome, Retry, Step
from penstock.engine.handler import Attempt, Executor
from penstock.engine.processes import carry_alone
from penstock.models.current import Carried, Running
from penstock.models.jobs import JobHandler, JobOptions, Surroundings
from penstock.models.journal import Place
from penstock.models.passage import Passage
from penstock.models.steps import Args, Failed, Named, StepBody


class StepHandler(JobHandler):
    """Carries one try out: found by the child process as the step's `handler`. Nothing is put around a step."""

    async def work(self, attempt: Attempt) -> Outcome:
        call = self._arguments(attempt.claim)
        with Carried(Running(attempt, self.home)):
            return self._outcome(attempt, await self._call(attempt, call))

    def work_in_thread(self, attempt: Attempt) -> Outcome:
        call = self._arguments(attempt.claim)
        with Carried(Running(attempt, self.home)):
            return self._outcome(attempt, self._call_in_thread(attempt, call))


class ProcessBody(StepBody):
    """A step that the worker has a child process carry out."""

    def __init__(self, body: StepBody, home: Surroundings) -> None:
        """Raises `Invalid` for a function whose arguments could not be read back."""
        super().__init__(body.function, body.name, retry=body.retry, timeout=body.timeout)
        options = JobOptions(queue="", retry=body.retry, timeout=None, executor=Executor.PROCESS)
        self.handler = StepHandler(body.function, body.name, options, home=home)

    async def tried(self, passage: Passage, place: Place, number: int, args: Args, named: Named) -> Step | Failed:
        try:
            outcome = await self._outcome(passage, number, args, named)
        except (CancelledError, LeaseLost, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as wrong:  # noqa: BLE001 (whatever goes wrong is the step's outcome)
            return await self.failed(number, wrong)
        if isinstance(outcome, Complete):
            return await passage.record(place.outcome(value=outcome.result))
        if isinstance(outcome, Fail):
            return Failed(error=outcome.error, left=None)
        if isinstance(outcome, Retry) and outcome.error is not None:
            return Failed(error=outcome.error, left=outcome.delay)
        return await self.failed(number, PenstockError("the step has ended without a result"))

    async def _outcome(self, passage: Passage, number: int, args: Args, named: Named) -> Outcome | None:
        attempt = passage.attempt
        data = passage.codec.encode(self.handler.signature.encode(args, named))
        claim = replace(attempt.claim, input=data, options=b"", about=None, attempt=number)
        limit = asyncio.timeout(self.timeout)
        try:
            async with limit:
                return await carry_alone(attempt, claim, self.handler.entry)
        except TimeoutError as error:
            if limit.expired() and self.timeout is not None:
                raise Timeout(self.timeout) from error
            raise
