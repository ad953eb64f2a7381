"""Jobs: call a function with what was stored for it, keep what it returns.

How a task is carried out; not how it is enqueued, nor what becomes of what it raises.
"""

import inspect
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import msgspec

from penstock.core.codec import Codec, Identity
from penstock.core.control import Snooze
from penstock.core.errors import Invalid
from penstock.core.leases import Ability, Claim, Complete, Outcome
from penstock.core.retry import Retry
from penstock.core.signature import Call, Signature
from penstock.engine.handler import Attempt, Executor
from penstock.models import follow_up, overrides
from penstock.models.current import Carried, Running
from penstock.models.provision import Overrides as Replaced
from penstock.models.provision import Provision, held_open, needs_of


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a task says about how its runs are carried out."""

    queue: str
    retry: Retry
    timeout: float | None
    executor: Executor


class Surroundings:
    """What the tasks of one app share. Tests replace providers here."""

    def __init__(self, codec: Codec | None = None) -> None:
        self.codec: Codec = codec or Identity()
        self.replaced: dict[Callable[..., object], Callable[..., object]] = {}


class JobHandler:
    """Carries out the runs of one function. Raises `Invalid` for a function whose arguments could not be stored."""

    def __init__(
        self, function: Callable[..., Any], task: str, options: JobOptions, *, home: Surroundings | None = None
    ) -> None:
        self.function = function
        self.signature = Signature(function, task)
        self.options = options
        self.home = home or Surroundings()
        self.ability = Ability(task=task)
        self._needs = needs_of(self.signature.injected, task)
        if options.executor is Executor.PROCESS and not self.asynchronous and held_open(self._needs):
            raise Invalid("executor", options.executor, "in a process a def has no loop for async providers that yield")

    @property
    def queue(self) -> str:
        return self.options.queue

    @property
    def executor(self) -> Executor:
        return self.options.executor

    @property
    def limited(self) -> bool:
        return False

    @property
    def entry(self) -> tuple[str, str]:
        return self.function.__module__, self.function.__qualname__

    @property
    def asynchronous(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    def timeout(self, claim: Claim) -> float | None:
        said = overrides.decode(claim.options).timeout
        return self.options.timeout if isinstance(said, msgspec.UnsetType) else said

    def retry(self, claim: Claim) -> Retry:
        said = overrides.decode(claim.options).retry
        return (
            self.options.retry if isinstance(said, msgspec.UnsetType) else overrides.applied(said, self.options.retry)
        )

    async def work(self, attempt: Attempt) -> Outcome:
        args, named = self._arguments(attempt.claim)
        with Carried(Running(attempt, self.home)):
            if not self._needs:
                return self._outcome(attempt, await self.function(*args, **named))
            async with AsyncExitStack() as stack:
                given = await Provision(attempt, self._replaced).provide(self._needs, stack)
                returned = await self.function(*args, **named, **given)
            return self._outcome(attempt, returned)

    def work_in_thread(self, attempt: Attempt) -> Outcome:
        args, named = self._arguments(attempt.claim)
        with Carried(Running(attempt, self.home)):
            with ExitStack() as stack:
                given = Provision(attempt, self._replaced).provide_in_thread(self._needs, stack)
                returned = self.function(*args, **named, **given)
            return self._outcome(attempt, returned)

    @property
    def _replaced(self) -> Replaced:
        return self.home.replaced

    def _arguments(self, claim: Claim) -> Call:
        if claim.about is not None:
            return [follow_up.told(claim.about, claim, self.home.codec)], {}
        return self.signature.decode(self.home.codec.decode(claim.input))

    def _outcome(self, attempt: Attempt, returned: object) -> Outcome:
        if isinstance(returned, Snooze):
            raise returned
        result = self.signature.returns.encode(returned)
        return Complete(lease=attempt.lease, result=self.home.codec.encode(result))
