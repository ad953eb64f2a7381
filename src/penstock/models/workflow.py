"""Workflows: code that survives its process. It is called from the top on every wake, and finds what it has recorded.

Turns what one passage through the code comes to into an outcome. How code is replayed is the passage's business.
"""

import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from penstock.core.errors import StepFailed
from penstock.core.leases import Ability, Complete, Fail, Outcome, Restart, Retry, Step
from penstock.engine.attempt import verdict
from penstock.engine.handler import Attempt, Executor
from penstock.models import durable
from penstock.models.around import through
from penstock.models.calls import Again, Parted
from penstock.models.context import Context
from penstock.models.current import Carried, Running
from penstock.models.fingerprint import fingerprint
from penstock.models.forgetting import behind, forgotten
from penstock.models.jobs import JobHandler, JobOptions, Surroundings
from penstock.models.journal import Misfit, Scope
from penstock.models.passage import Passage
from penstock.models.threaded import ThreadCode

PATIENCE: Final = 2.0  # seconds in which replayed code does something, or does not fit
ROLLBACK: Final = "rollback"  # the scope of compensations
_IN_VAIN: Final = frozenset({"penstock.Never", "penstock.InvalidInput", "penstock.OutputError"})

_log: Final = logging.getLogger(__name__)


class WorkflowHandler(JobHandler):
    """Carries out the runs of one workflow."""

    def __init__(
        self,
        function: Callable[..., Any],
        task: str,
        options: JobOptions,
        *,
        version: str = "",
        home: Surroundings | None = None,
    ) -> None:
        super().__init__(function, task, options, home=home)
        self.ability = Ability(task=task, version=version, fingerprint=fingerprint(function, version))

    @property
    def replays(self) -> bool:
        return True

    @property
    def executor(self) -> Executor:
        return Executor.LOOP

    async def work(self, attempt: Attempt) -> Outcome:
        args, named = self._arguments(attempt.claim)
        ending = attempt.claim.ending is not None
        passage = await self._passage(attempt, only_replay=ending)
        around = self._chain(attempt)

        async def proceed() -> Any:
            async with AsyncExitStack() as stack:
                given = await self._provision(attempt).provide(self._needs, stack)
                return await passage.go(self._code(passage, partial(self.function, *args, **named, **given)), Scope())

        with Carried(Running(attempt, self.home)):
            try:
                returned = await through(around, Context(attempt), proceed)
                if ending:
                    return await self._rolled_back(passage, Complete(lease=attempt.lease, result=b"null"))
                return self._outcome(attempt, returned)
            except Parted as parted:
                if parted.outcome is not None:
                    return parted.outcome
                return await self._rolled_back(passage, Complete(lease=attempt.lease, result=b"null"))
            except Again as again:
                data = self.signature.encode(again.given, again.named)
                return Restart(lease=attempt.lease, input=self.home.codec.encode(data))
            except Exception as error:
                if attempt.stop.reason is not None:
                    raise
                return await self._failed(attempt, passage, error)
            finally:
                passage.close()

    def _code(self, passage: Passage, function: Callable[[], Any]) -> Coroutine[Any, Any, Any]:
        if self.asynchronous:
            made: Coroutine[Any, Any, Any] = function()
            return made
        return ThreadCode(function, self.home.threads, passage).body()

    async def replay(self, attempt: Attempt, steps: Sequence[Step]) -> Misfit | None:
        """Call the code and tell it what was recorded, and nothing more: why it does not fit, if it does not."""
        args, named = self.signature.decode(attempt.claim.input)
        home = Surroundings()
        passage = Passage(
            attempt, steps=steps, signals=[], home=home, fingerprint=self.ability.fingerprint, only_replay=True
        )
        passage.lost = PATIENCE
        with Carried(Running(attempt, self.home)):
            try:
                async with AsyncExitStack() as stack:
                    given = await self._provision(attempt).provide(self._needs, stack)
                    function = partial(self.function, *args, **named, **given)
                    await passage.go(self._code(passage, function), Scope())
            except (Parted, Again):
                pass
            except Exception as error:  # noqa: BLE001 (what the code raises belongs to its history, if it has come to its end)
                return passage.misfit or passage.unasked(f"nothing more: it raises {type(error).__name__}: {error}")
            finally:
                passage.close()
        return passage.misfit

    async def _passage(self, attempt: Attempt, *, only_replay: bool) -> Passage:
        run_id, host = attempt.claim.run_id, attempt.host
        steps = await host.ask(lambda views: views.steps(run_id)) if attempt.claim.recorded else []
        signals = await host.ask(lambda views: views.signals(run_id)) if attempt.claim.signals else []
        return Passage(
            attempt,
            steps=steps,
            signals=signals,
            home=self.home,
            fingerprint=self.ability.fingerprint,
            only_replay=only_replay,
        )

    async def _failed(self, attempt: Attempt, passage: Passage, error: Exception) -> Outcome:
        """Another attempt, or the end: after the rollbacks, if there are some."""
        outcome = await verdict(self, attempt, error)
        if outcome is None:
            raise error
        forget = forgotten(error, passage.raised, passage.stored, passage.scopes)
        ending = attempt.claim.ending is not None  # then there is no other attempt: the rollbacks, and the end
        if isinstance(outcome, Retry) and outcome.error is not None and (ending or _in_vain(error)):
            outcome = Fail(lease=outcome.lease, error=outcome.error)
        if ending or isinstance(outcome, Fail):
            outcome = await self._rolled_back(passage, outcome)
        return replace(outcome, forget=forget) if isinstance(outcome, Retry | Fail) else outcome

    async def _rolled_back(self, passage: Passage, outcome: Outcome) -> Outcome:
        """The outcome, when all that was registered has been carried out, the last first."""
        if not passage.rollbacks:
            return outcome
        passage.only_replay = False
        registered = list(reversed(passage.rollbacks))
        try:
            await passage.go(_undo(registered), Scope(ROLLBACK))
        except Parted as parted:
            return parted.outcome or outcome
        return outcome


async def _undo(registered: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]) -> None:
    for function, args, named in registered:
        body = durable.body_of(function)
        try:
            await durable.perform(body, args, named, durable.inside("a rollback"))
        except StepFailed:
            _log.exception("a rollback has failed for good, the others go on")


def _in_vain(error: BaseException) -> bool:
    """Whether it comes from a step that would fail the same way again."""
    return any(isinstance(one, StepFailed) and one.error_type in _IN_VAIN for one in behind(error))
