"""What a worker holds open while it works: entered before its first run, left after its last one has ended.

A lifespan is a function with one `yield`, or one that returns a context manager. What it yields is given to handlers
that ask for it with `Depends`. Knows no worker but by its identity.
"""

import inspect
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, TypeAlias

from penstock.core.errors import Invalid

Provider: TypeAlias = Callable[..., Any]


class Lifespans:
    """The lifespans of an app's workers, in the order in which they were registered."""

    def __init__(self) -> None:
        self._lifespans: list[Provider] = []
        self._states: dict[str, dict[Provider, object]] = {}  # by worker
        self._shared: dict[Provider, object] | None = None  # in a test one state serves all workers

    def add(self, lifespan: object) -> None:
        """Enter this one, too. Raises `Invalid` for what can't be one."""
        if not callable(lifespan):
            raise Invalid("lifespan", lifespan, "a function with one yield, or one that returns a context manager")
        lacking = [
            one.name
            for one in inspect.signature(lifespan).parameters.values()
            if one.default is one.empty and one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}
        ]
        if lacking:
            raise Invalid(lacking[0], lifespan, "a lifespan is called without arguments: give the parameter a default")
        if lifespan in self._lifespans:
            raise Invalid("lifespan", lifespan, "it is one already")
        self._lifespans.append(lifespan)

    def __contains__(self, provider: object) -> bool:
        return provider in self._lifespans

    @asynccontextmanager
    async def entered(self, worker: str, replaced: Mapping[Provider, Provider]) -> AsyncGenerator[None]:
        """Hold all open for this worker, but those that tests have replaced; the last one entered is left first."""
        if self._shared is not None:
            yield
            return
        async with AsyncExitStack() as stack:
            self._states[worker] = await self._enter_all(stack, replaced)
            try:
                yield
            finally:
                del self._states[worker]

    @asynccontextmanager
    async def shared(self, replaced: Mapping[Provider, Provider]) -> AsyncGenerator[None]:
        """Hold all open for whatever workers there are meanwhile: for tests."""
        async with AsyncExitStack() as stack:
            self._shared = await self._enter_all(stack, replaced)
            try:
                yield
            finally:
                self._shared = None

    async def _enter_all(self, stack: AsyncExitStack, replaced: Mapping[Provider, Provider]) -> dict[Provider, object]:
        return {one: await _enter(one, stack) for one in self._lifespans if one not in replaced}

    def state(self, worker: str, lifespan: Provider) -> object:
        """What the lifespan has yielded for this worker. Raises `Invalid` if it does not hold it open."""
        states = self._states.get(worker) if self._shared is None else self._shared
        if states is None or lifespan not in states:
            name = getattr(lifespan, "__qualname__", repr(lifespan))
            raise Invalid("Depends", name, f"worker {worker} does not hold it open here: it was registered too late")
        return states[lifespan]


async def _enter(lifespan: Provider, stack: AsyncExitStack) -> object:
    if inspect.isasyncgenfunction(lifespan):
        return await stack.enter_async_context(asynccontextmanager(lifespan)())
    if inspect.isgeneratorfunction(lifespan):
        return stack.enter_context(contextmanager(lifespan)())
    made = lifespan()
    if hasattr(made, "__aenter__"):
        return await stack.enter_async_context(made)
    if hasattr(made, "__enter__"):
        return stack.enter_context(made)
    raise Invalid("lifespan", lifespan, "what it returns is no context manager: write a function with one yield")
