"""Workflows and steps as users declare them."""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, ParamSpec, Protocol, TypedDict, TypeVar, Unpack, cast, overload

from penstock.app.client import Client
from penstock.app.handle import Run, SyncRun
from penstock.app.histories import History
from penstock.app.layers import said
from penstock.app.linting import Finding, lint
from penstock.app.options import Named, checked
from penstock.app.planned import alone
from penstock.app.registration import NamedByTask, add, check_function, executor_of, profile_of
from penstock.app.replaying import Replayed, replay
from penstock.app.scheduling import Scheduling
from penstock.app.sending import send
from penstock.app.task import Call, SyncTask, Task
from penstock.core.duration import Duration, seconds
from penstock.core.errors import Blocking, Invalid, NotInRun
from penstock.core.names import check_name
from penstock.core.retry import Retry
from penstock.engine.handler import Executor
from penstock.models import durable, threaded
from penstock.models.given import given_to
from penstock.models.jobs import JobOptions
from penstock.models.processed import ProcessBody
from penstock.models.steps import STEP_RETRY, StepBody
from penstock.models.together import TogetherBody
from penstock.models.waits import Signal, place_of
from penstock.models.workflow import WorkflowHandler

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

ONCE: Final = Retry(1)


class NamedByStep(TypedDict, total=False):
    """What a step may say."""

    name: str
    retry: Retry
    timeout: Duration | None
    executor: str  # "thread" or "process" for a `def`; an `async def` runs on the worker's loop, or in a "process"


class NamedByWorkflow(NamedByTask, total=False):
    """What a workflow may say besides what a task may."""

    version: str


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


class Workflow(Task[P, R]):
    """A task whose body calls durable steps, made by `@app.workflow`. Code of its version carries its runs out."""

    @property
    def version(self) -> str:
        """Which code its runs ask for; "" = any."""
        return self.handler.ability.version

    @property
    def sync(self) -> "SyncWorkflow[P, R]":
        """The same verbs for code without a loop."""
        return SyncWorkflow(self)

    async def signal(
        self,
        signal: Signal[S],
        value: S,
        *,
        key: str | None = None,
        start: Call[R] | None = None,
        once: str | None = None,
    ) -> Run[R]:
        """Leave a message for the run that has this idempotency key, or for that of the call: in its mailbox for good.

        `start`: if the run of this `call(...)` is not there, it is stored in the same move, the message with it.
        `once`: a text; a second message of this signal with the same one is dropped. Raises `NotFound`; `WrongState` if
        the run has finished; what `enqueue` raises.
        """
        if (key is None) == (start is None):
            raise Invalid("key", key, "say key=, or start= with a call that begins the run if need be")
        new = None if start is None else await alone(start, "start")
        run_id, _ = await send(self._client, signal, value, task=self.name, key=key, start=new, once=once)
        return Run(self._client, run_id)


class AsyncWorkflow(Workflow[P, R]):
    """A workflow made of an `async def`."""

    @property
    def fn(self) -> Callable[P, Coroutine[Any, Any, R]]:
        """The plain function."""
        return self.handler.function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """In workflow code: carry it out as a child run, and wait. Elsewhere call the function, here and now."""
        found = durable.here()
        if found is not None:
            return self._child(found, args, kwargs)
        if threaded.code() is not None:
            raise Blocking(self.name, f"a def workflow can't await it. Say penstock.sync.call({self.name}, ...)")
        return cast("Coroutine[Any, Any, R]", self.handler.function(*args, **kwargs))


class ThreadWorkflow(Workflow[P, R]):
    """A workflow made of a `def`, whose code runs in a thread."""

    @property
    def fn(self) -> Callable[P, R]:
        """The plain function."""
        return self.handler.function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, here and now: nothing is stored. As a child: `penstock.call(...)`."""
        return cast("R", self.handler.function(*args, **kwargs))


class SyncWorkflow(SyncTask[P, R]):
    """A workflow's verbs for code without a loop."""

    def __init__(self, workflow: Workflow[P, R]) -> None:
        super().__init__(workflow)
        self._workflow = workflow

    def signal(
        self,
        signal: Signal[S],
        value: S,
        *,
        key: str | None = None,
        start: Call[R] | None = None,
        once: str | None = None,
    ) -> SyncRun[R]:
        """As `Workflow.signal`."""
        workflow = self._workflow
        portal = workflow._client.portal  # noqa: SLF001 (its other half)
        return portal.call(workflow.signal, signal, value, key=key, start=start, once=once).sync


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


def _workflow(
    client: Client, function: Callable[..., Any], name: str | None, named: dict[str, Any]
) -> Workflow[..., Any]:
    """The workflow, as a task of the app. Raises `Invalid` naming what is refused, `DuplicateTask` for a second one."""
    check_function(function, "workflow")
    task = check_name(function.__name__ if name is None else name, "name")
    version = named.get("version", "")
    if version != "":
        check_name(version, "version")
    own = {"version", "on_failure", "on_success"}
    options = checked({key: value for key, value in named.items() if key not in own}, Named.__annotations__)
    whole = client.layers.effective(options)
    handler = WorkflowHandler(
        function,
        task,
        JobOptions(
            queue=said(whole.queue, ""),
            retry=said(options.retry, ONCE),
            timeout=said(whole.timeout, None),
            executor=Executor.LOOP,
            limited=client.layers.limited(options),
        ),
        version=version,
        home=client.home,
    )
    profile = profile_of(client, function, task, options, named)
    add(client, handler, profile)
    if handler.asynchronous:
        return AsyncWorkflow[..., Any](client, handler, profile)
    return ThreadWorkflow[..., Any](client, handler, profile)


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


class WorkflowDecorator(Protocol):
    """What `@app.workflow(...)` with options is: it takes the function."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        function: Callable[P, Coroutine[Any, Any, R]],
        /,  # pyright: ignore[reportOverlappingOverload]
    ) -> AsyncWorkflow[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> ThreadWorkflow[P, R]: ...


class Workflows(Scheduling):
    """`@app.workflow` and `@app.step`; what others answer to workflows."""

    async def resolve(self, token: str, value: object = None) -> bool:
        """Answer what `penstock.token(...)` has given out: the workflow's wait for it returns the value.

        False if it was answered before, which changes nothing. Raises `Invalid` for a text that is no token;
        `NotFound`; `WrongState` if the run has finished.
        """
        return await self._answer(token, {"value": value})

    async def reject(self, token: str, reason: str) -> bool:
        """The same, but the workflow's wait raises `Rejected` with this reason."""
        if not isinstance(reason, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise Invalid("reason", reason, "a text")
        return await self._answer(token, {"rejected": reason})

    async def replay(self, history: History, *, version: str | None = None) -> Replayed:
        """Whether the workflow's code fits a history that `run.history()` has brought, now or long ago.

        The code is called and told what was recorded; no step is carried out, and no store is asked. `version`: of the
        code; None: that of the run. Raises `UnknownTask` if the code is not here; `Invalid` for what is no history.
        """
        return await replay(self._client, history, version)

    def lint(self) -> list[Finding]:
        """What in the code of this app's workflows a replay may not repeat: clocks, chance, I/O, threads."""
        return lint(self._client)

    async def _answer(self, token: str, said: dict[str, object]) -> bool:
        run_id, name = place_of(token)
        return (await send(self._client, name, said, run_id=run_id, once="token"))[1]

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

    @overload
    def workflow(  # type: ignore[overload-overlap]
        self,
        function: Callable[P, Coroutine[Any, Any, R]],
        /,  # pyright: ignore[reportOverlappingOverload]
    ) -> AsyncWorkflow[P, R]: ...
    @overload
    def workflow(self, function: Callable[P, R], /) -> ThreadWorkflow[P, R]: ...
    @overload
    def workflow(self, /, *, name: str | None = None, **named: Unpack[NamedByWorkflow]) -> WorkflowDecorator: ...

    def workflow(self, function: Any = None, /, *, name: str | None = None, **named: Any) -> Any:
        """Register a function as a workflow: `@app.workflow`, or `@app.workflow(version="2", queue="orders")`.

        A task whose code survives its process: after a crash or a long wait it is called again, from the top, and each
        step that was recorded gives what it gave. One attempt unless `retry` says otherwise. `version`: its runs are
        carried out by code of that version only; several of one name may stand side by side. All else as `task`. A
        `def` runs in a thread, and makes its durable calls through `penstock.sync`.
        """
        if function is not None:
            return _workflow(self._client, function, name, {})

        def decorator(decorated: Callable[..., Any]) -> Any:
            return _workflow(self._client, decorated, name, named)

        return decorator
