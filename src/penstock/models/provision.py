"""Injected parameters: what each one needs is worked out at registration, and provided for each attempt.

A provider is a function or generator, sync or async, that may ask for injected parameters itself. Within an attempt
each provider is called once; generators go on after their `yield` when the handler has ended, in reverse order.
"""

import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from penstock.core.errors import Invalid
from penstock.core.hints import hints_of
from penstock.core.inject import Injected, Injection
from penstock.engine.handler import Attempt
from penstock.models.context import Context
from penstock.models.lifespan import Lifespans
from penstock.models.nodes import NodeContext, current

Provider: TypeAlias = Callable[..., object]
Overrides: TypeAlias = Mapping[Provider, Provider]

DEEPEST: Final = 32


@dataclass(frozen=True, slots=True)
class Need:
    """One injected parameter: the context, or what a provider gives, with that provider's own needs."""

    provider: Provider | None
    needs: Mapping[str, "Need"]
    node: bool = False  # the context of a graph's node


def needs_of(injected: Mapping[str, Injection], where: str, depth: int = 0) -> dict[str, Need]:
    """What the parameters need. Raises `Invalid` naming one that nothing can provide."""
    return {name: _need(name, one, where, depth) for name, one in injected.items()}


def _need(name: str, injection: Injection, where: str, depth: int) -> Need:
    provider = injection.provider
    if provider is None:
        if injection.annotation not in (Context, NodeContext):
            said = f"{where} gets a Context or a NodeContext by inject(), all else by Depends(...)"
            raise Invalid(name, injection.annotation, said)
        return Need(None, {}, node=injection.annotation is NodeContext)
    if depth > DEEPEST:
        raise Invalid(name, provider, "a provider can't depend on itself")
    return Need(provider, _needs_of_provider(provider, depth))


def _needs_of_provider(provider: Provider, depth: int = 0) -> dict[str, Need]:
    where = getattr(provider, "__qualname__", repr(provider))
    parameters = inspect.signature(provider).parameters.values()
    injected = {one.name: one.default for one in parameters if isinstance(one.default, Injected)}
    for one in parameters:
        if one.default is inspect.Parameter.empty and one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}:
            raise Invalid(one.name, provider, f"{where} is called without arguments: give the parameter a default")
    annotations = hints_of(provider, where) if injected else {}
    found = {name: Injection(annotations.get(name, Any), one.provider) for name, one in injected.items()}
    return needs_of(found, where, depth + 1)


def providers(needs: Mapping[str, Need]) -> Iterator[Provider]:
    """All providers that are called for these, at whatever depth."""
    for need in needs.values():
        if need.provider is not None:
            yield need.provider
        yield from providers(need.needs)


def held_open(needs: Mapping[str, Need]) -> bool:
    """Whether a provider among them waits on a loop, at its `yield`, while the handler runs."""
    return any(
        (need.provider is not None and inspect.isasyncgenfunction(need.provider)) or held_open(need.needs)
        for need in needs.values()
    )


class Provision:
    """What has been provided in one attempt so far."""

    def __init__(self, attempt: Attempt, overrides: Overrides, lifespans: Lifespans) -> None:
        self._attempt = attempt
        self._overrides = overrides
        self._lifespans = lifespans
        self._made: dict[Provider, object] = {}

    async def provide(self, needs: Mapping[str, Need], stack: AsyncExitStack) -> dict[str, object]:
        """The arguments, on the loop. What is to be closed is left on the stack."""
        return {name: await self._provide(need, stack) for name, need in needs.items()}

    async def _provide(self, need: Need, stack: AsyncExitStack) -> object:
        provider, needs = self._chosen(need)
        if provider is None:
            return current() if need.node else Context(self._attempt)
        if provider in self._lifespans:
            return self._lifespans.state(self._attempt.worker, provider)
        if provider not in self._made:
            made = provider(**await self.provide(needs, stack))
            if inspect.isasyncgen(made):
                made = await stack.enter_async_context(_resumed_async(made))
            elif inspect.isgenerator(made):
                made = stack.enter_context(_resumed(made))
            elif inspect.isawaitable(made):
                made = await made
            self._made[provider] = made
        return self._made[provider]

    def provide_in_thread(self, needs: Mapping[str, Need], stack: ExitStack) -> dict[str, object]:
        """The arguments, in a thread: async providers run on the worker's loop."""
        return {name: self._provide_in_thread(need, stack) for name, need in needs.items()}

    def _provide_in_thread(self, need: Need, stack: ExitStack) -> object:
        provider, needs = self._chosen(need)
        if provider is None:
            return current() if need.node else Context(self._attempt)
        if provider in self._lifespans:
            return self._lifespans.state(self._attempt.worker, provider)
        if provider not in self._made:
            made = provider(**self.provide_in_thread(needs, stack))
            if inspect.isasyncgen(made):
                made = stack.enter_context(self._resumed_from_thread(made))
            elif inspect.isgenerator(made):
                made = stack.enter_context(_resumed(made))
            elif inspect.iscoroutine(made):
                made = self._attempt.run(made)
            self._made[provider] = made
        return self._made[provider]

    def _chosen(self, need: Need) -> tuple[Provider | None, Mapping[str, Need]]:
        if need.provider is None or need.provider not in self._overrides:
            return need.provider, need.needs
        other = self._overrides[need.provider]
        return other, _needs_of_provider(other)

    @contextmanager
    def _resumed_from_thread(self, generator: Any) -> Generator[object]:
        manager = _resumed_async(generator)
        value = self._attempt.run(manager.__aenter__())
        try:
            yield value
        except BaseException as error:
            if not self._attempt.run(manager.__aexit__(type(error), error, error.__traceback__)):
                raise
        else:
            self._attempt.run(manager.__aexit__(None, None, None))


def _resumed(generator: Any) -> Any:
    """The generator as a context: its value, and what follows its `yield` at the end."""
    return contextmanager(cast("Callable[[], Generator[object]]", lambda: generator))()


def _resumed_async(generator: Any) -> Any:
    return asynccontextmanager(cast("Callable[[], AsyncGenerator[object]]", lambda: generator))()
