"""Steps as users declare them."""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, Protocol, TypedDict, TypeVar, Unpack, cast, overload

from penstock.app.client import Client
from penstock.app.registration import check_function, executor_of
from penstock.app.scheduling import Scheduling
from penstock.core.duration import Duration, seconds
from penstock.core.errors import Blocking, Invalid, NotInRun
from penstock.core.names import check_name
from penstock.core.retry import Retry
from penstock.engine.handler import Executor
from penstock.models import durable, threaded
from penstock.models.given import given_to
from penstock.models.processed import ProcessBody
from penstock.models.steps import STEP_RETRY, StepBody
from penstock.models.together import TogetherBody

P = ParamSpec("P")
R = TypeVar("R")


class NamedByStep(TypedDict, total=False):
    """What a step may say."""

    name: str
    retry: Retry
    timeout: Duration | None
    executor: str  # "thread" or "process" for a `def`; an `async def` runs on the worker's loop, or in a "process"


class Step(Generic[P, R]):
    """A function that is recorded when workflow code calls it, and called plainly by others. Made by `@app.step`."""

    def __init__(self, client: Client, body: StepBody) -> None:
        self._client = client
        self.body = body
        if isinstance(body, ProcessBody):
            self.handler = body.handler  # by which a child process finds it
        self.name = body.name
        self.__name__: str = body.function.__name__
        self.__qualname__: str = body.function.__qualname__
        self.__module__ = body.function.__module__
        self.__doc__ = body.function.__doc__
        self.__wrapped__ = body.function

    def __repr__(self) -> str:
        return f"<Step {self.name}>"

    def _check_plain(self) -> None:
        """Raises `NotInRun` where the run may have been lost, and what is done would be done again."""
        if self._client.workers and not durable.in_run():
            raise NotInRun(f"step {self.name}")


class AsyncStep(Step[P, R]):
    """A step made of an `async def`."""

    @property
    def fn(self) -> Callable[P, Coroutine[Any, Any, R]]:
        """The plain function."""
        return self.body.function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Carry it out: recorded once if workflow code calls, plainly elsewhere and inside of other steps.

        Raises `NotInRun` in a process that has a worker where no run is: threads, executors and background tasks lose
        theirs, and what they did would be done again. `fn` is always plain.
        """
        found = durable.here()
        if found is not None:
            return durable.perform(self.body, args, kwargs, found)
        if threaded.code() is not None:
            raise Blocking(f"step {self.name}", f"a def workflow can't await it. Say {self.name}.sync(...)")
        self._check_plain()
        return cast("Coroutine[Any, Any, R]", self.body.function(*args, **kwargs))

    def sync(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """In the code of a `def` workflow: the same, and wait for it. Raises `NotInRun` elsewhere."""
        call = f"{self.name}.sync(...)"
        found: R = threaded.blocking(call, lambda: durable.perform(self.body, args, kwargs, durable.inside(call)))
        return found


class ThreadStep(Step[P, R]):
    """A step made of a `def`: in workflows it runs in a thread."""

    @property
    def fn(self) -> Callable[P, R]:
        """The plain function."""
        return self.body.function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Carry it out: recorded once if the code of a `def` workflow calls, plainly elsewhere and in other steps.

        Async workflows say `await penstock.step(charge, order)`; to call it there raises `Blocking`. Raises `NotInRun`
        as an async step does.
        """
        if durable.here() is not None:
            raise Blocking(f"step {self.name}", f"await penstock.step({self.name}, ...), which calls it in a thread")
        if threaded.code() is not None:
            found: R = threaded.blocking(
                self.name, lambda: durable.perform(self.body, args, kwargs, durable.inside(self.name))
            )
            return found
        self._check_plain()
        return cast("R", self.body.function(*args, **kwargs))


def _step(client: Client, function: Callable[..., Any], named: NamedByStep) -> Step[..., Any]:
    """The step. Raises `Invalid` naming what is refused."""
    check_function(function, "step")
    unknown = set(named) - set(NamedByStep.__annotations__)
    if unknown:
        raise Invalid(min(unknown), named[min(unknown)], "a step may say name, retry, timeout, executor")  # type: ignore[literal-required]
    name = check_name(named.get("name", function.__name__), "name")
    retry, timeout = named.get("retry", STEP_RETRY), named.get("timeout")
    if not isinstance(retry, Retry):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise Invalid("retry", retry, "a penstock.Retry")
    length = None if timeout is None else seconds(timeout, "timeout")
    needs, transaction = given_to(function, name)
    body = StepBody(function, name, retry=retry, timeout=length, needs=needs)
    executor = executor_of(named.get("executor"), function)
    if transaction and executor is Executor.PROCESS:
        raise Invalid("executor", executor, "a transaction of the store does not go through a pipe")
    if transaction:
        body = TogetherBody.of(body, transaction)
    elif executor is Executor.PROCESS:
        body = ProcessBody(body, client.home)
    return AsyncStep(client, body) if inspect.iscoroutinefunction(function) else ThreadStep(client, body)


class StepDecorator(Protocol):
    """What `@app.step(...)` with options is: it takes the function."""

    # a coroutine function fits both: the first that fits is meant
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        function: Callable[P, Coroutine[Any, Any, R]],
        /,  # pyright: ignore[reportOverlappingOverload]
    ) -> AsyncStep[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> ThreadStep[P, R]: ...


class Steps(Scheduling):
    """`@app.step`."""

    @overload
    def step(  # type: ignore[overload-overlap]
        self,
        function: Callable[P, Coroutine[Any, Any, R]],
        /,  # pyright: ignore[reportOverlappingOverload]
    ) -> AsyncStep[P, R]: ...
    @overload
    def step(self, function: Callable[P, R], /) -> ThreadStep[P, R]: ...
    @overload
    def step(self, /, **named: Unpack[NamedByStep]) -> StepDecorator: ...

    def step(self, function: Any = None, /, **named: Any) -> Any:
        """Make a step: `@app.step`, or `@app.step(retry=Retry(5), timeout="30s", name="charge")`.

        Where workflow code calls it, its result is recorded, and later passes get that instead of another call.
        Elsewhere it is the plain function. It has 3 attempts unless `retry` says otherwise; `timeout` bounds each. What
        it returns must be readable from JSON by its annotation; so must what it takes with `executor="process"`, which
        has each attempt in a process of its own. Raises `Invalid` naming what is refused.
        """
        if function is not None:
            return _step(self._client, function, {})

        def decorator(decorated: Callable[..., Any]) -> Any:
            return _step(self._client, decorated, cast("NamedByStep", named))

        return decorator
