"""Jobs: call a function with what was stored for it, keep what it returns.

How a task is carried out; not how it is enqueued, nor what becomes of what it raises.
"""

import inspect
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Final

import msgspec

from penstock.core.codec import HEADER, Codec, Identity
from penstock.core.control import Snooze
from penstock.core.errors import Invalid, Mismatch
from penstock.core.leases import Ability, Claim, Complete, Outcome
from penstock.core.retry import Retry
from penstock.core.signature import Call, Signature
from penstock.engine.handler import Attempt, Executor
from penstock.engine.threads import Threads
from penstock.models import follow_up, nodes, overrides
from penstock.models.around import Around, through, through_from_thread
from penstock.models.context import Context
from penstock.models.current import Carried, Running
from penstock.models.lifespan import Lifespans
from penstock.models.provision import Provision, held_open, needs_of, providers

PATIENCE: Final = 5.0  # seconds for which a workflow waits in place rather than leave its worker


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a task says about how its runs are carried out."""

    queue: str
    retry: Retry
    timeout: float | None
    executor: Executor
    limited: bool = False  # its runs may have limits


class Surroundings:
    """What the tasks of one app share. Tests replace providers here."""

    def __init__(self, codec: Codec | None = None) -> None:
        self.codec: Codec = codec or Identity()
        self.replaced: dict[Callable[..., object], Callable[..., object]] = {}
        self.lifespans = Lifespans()
        self.around: list[Around] = []
        self.around_nodes: list[Around] = []  # those of graphs, within what is around all attempts
        self.clock: Callable[[], float] = time.monotonic  # in tests the one that is moved by hand
        self.patience = PATIENCE
        self.threads = Threads("penstock-code")  # for def workflows and def steps


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
        if options.executor is Executor.PROCESS and any(one in self.home.lifespans for one in providers(self._needs)):
            raise Invalid("executor", options.executor, "what a worker holds open can't be given to another process")

    @property
    def queue(self) -> str:
        return self.options.queue

    @property
    def executor(self) -> Executor:
        return self.options.executor

    @property
    def limited(self) -> bool:
        return self.options.limited

    @property
    def entry(self) -> tuple[str, str]:
        return self.function.__module__, self.function.__qualname__

    @property
    def replays(self) -> bool:
        """Whether it is the code of a workflow."""
        return False

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
        call = self._arguments(attempt.claim)
        around = self._chain(attempt)
        with Carried(Running(attempt, self.home)):
            if around:
                returned = await through(around, Context(attempt), lambda: self._call(attempt, call))
            elif self._needs:
                returned = await self._call(attempt, call)
            else:  # most are so: without another frame
                args, named = call
                returned = await self.function(*args, **named)
            return self._outcome(attempt, returned)

    def work_in_thread(self, attempt: Attempt) -> Outcome:
        call = self._arguments(attempt.claim)
        around, alone = self._chain(attempt), self.options.executor is Executor.PROCESS
        with Carried(Running(attempt, self.home)):
            if around:
                returned = through_from_thread(
                    around, attempt, lambda: self._call_in_thread(attempt, call), alone=alone
                )
            else:
                returned = self._call_in_thread(attempt, call)
            return self._outcome(attempt, returned)

    def _chain(self, attempt: Attempt) -> list[Around]:
        """What is around this attempt, the outermost first."""
        home = self.home
        if not home.around_nodes or not nodes.is_node(attempt.claim.options):
            return home.around
        return [*home.around, *home.around_nodes]

    async def _call(self, attempt: Attempt, call: Call) -> object:
        args, named = call
        async with AsyncExitStack() as stack:
            given = await self._provision(attempt).provide(self._needs, stack)
            return await self.function(*args, **named, **given)

    def _call_in_thread(self, attempt: Attempt, call: Call) -> object:
        args, named = call
        with ExitStack() as stack:
            given = self._provision(attempt).provide_in_thread(self._needs, stack)
            return self.function(*args, **named, **given)

    def _provision(self, attempt: Attempt) -> Provision:
        return Provision(attempt, self.home.replaced, self.home.lifespans)

    def _arguments(self, claim: Claim) -> Call:
        if claim.about is not None:
            return [follow_up.told(claim.about, claim, self.home.codec)], {}
        data = self.home.codec.decode(claim.input)
        if data[:1] == HEADER:  # no fault of the input: nothing is said of it but that it can't be read here
            raise Mismatch("the codec", self.home.codec.name or "none", "another")
        if nodes.is_node(claim.options):
            data = nodes.arguments(data, self.signature.parameters)
        return self.signature.decode(data)

    def _outcome(self, attempt: Attempt, returned: object) -> Outcome:
        if isinstance(returned, Snooze):
            raise returned
        if nodes.is_node(attempt.claim.options):
            result = nodes.result(returned, self.signature.returns)
        else:
            result = self.signature.returns.encode(returned)
        return Complete(lease=attempt.lease, result=self.home.codec.encode(result))
