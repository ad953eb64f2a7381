"""Workflows as users declare them."""

from collections.abc import Callable, Coroutine
from typing import Any, Final, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from penstock.app.client import Client
from penstock.app.handle import Run, SyncRun
from penstock.app.histories import History
from penstock.app.layers import said
from penstock.app.linting import Finding, lint
from penstock.app.options import Named, checked
from penstock.app.planned import alone
from penstock.app.registration import NamedByTask, add, check_function, profile_of
from penstock.app.replaying import Replayed, replay
from penstock.app.sending import send
from penstock.app.steps import Steps
from penstock.app.task import Call, SyncTask, Task
from penstock.core.errors import Blocking, Invalid
from penstock.core.names import check_name
from penstock.core.retry import Retry
from penstock.engine.handler import Executor
from penstock.models import durable, threaded
from penstock.models.jobs import JobOptions
from penstock.models.waits import Signal, place_of
from penstock.models.workflow import WorkflowHandler

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

ONCE: Final = Retry(1)


class NamedByWorkflow(NamedByTask, total=False):
    """What a workflow may say besides what a task may."""

    version: str


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


class Workflows(Steps):
    """`@app.workflow`; what others answer to workflows."""

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
