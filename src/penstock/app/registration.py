"""From a decorated function to a task: all that can be checked is checked here."""

import inspect
from collections.abc import Callable
from typing import Any, Final

from penstock.app.client import Client
from penstock.app.layers import Profile, said
from penstock.app.limits_said import with_defaults
from penstock.app.options import Named, Options, checked
from penstock.app.task import AsyncTask, Task, ThreadTask
from penstock.core.errors import DuplicateTask, Invalid
from penstock.core.names import check_name
from penstock.core.retry import Retry
from penstock.core.run import FollowUp
from penstock.engine.handler import Executor
from penstock.models.class_nodes import ClassHandler
from penstock.models.graph.builder import TASK
from penstock.models.jobs import JobHandler, JobOptions


class NamedByTask(Named, total=False):
    """What a task may say besides what all layers may."""

    executor: str  # "thread" or "process" for a `def`; an `async def` runs on the worker's loop, or in a "process"
    on_failure: Task[..., Any] | str  # a task that gets a `Failure` when a run has failed for good
    on_success: Task[..., Any] | str  # a task that gets a `Success`


_OWN: Final = frozenset(NamedByTask.__annotations__) - frozenset(Named.__annotations__)


def register(client: Client, function: Callable[..., Any], name: str | None, named: dict[str, Any]) -> Task[..., Any]:
    """The task; from now on the app's workers carry out its runs. Nothing is registered if anything is refused."""
    check_function(function, "task")
    task = check_name(function.__name__ if name is None else name, "name")
    options = checked({key: value for key, value in named.items() if key not in _OWN}, Named.__annotations__)
    handler = JobHandler(
        function,
        task,
        carried_out(client, options, executor_of(named.get("executor"), function)),
        home=client.home,
    )
    profile = profile_of(client, function, task, options, named)
    made = _task(client, handler, profile)
    add(client, handler, profile)
    return made


def register_class(client: Client, kind: type[Any], name: str | None, named: dict[str, Any]) -> None:
    """A class as the task of nodes, which it is from now on. Nothing is registered if anything is refused."""
    if "executor" in named:
        raise Invalid("executor", named["executor"], "left out: methods run on the loop, those made by def in threads")
    task = check_name(getattr(kind, "__name__", "node") if name is None else name, "name")
    options = checked({key: value for key, value in named.items() if key not in _OWN}, Named.__annotations__)
    handler = ClassHandler(
        kind,
        task,
        carried_out(client, options, Executor.LOOP),
        home=client.home,
    )
    profile = profile_of(client, handler.function, task, options, named)
    add(client, handler, profile)
    setattr(kind, TASK, task)


def carried_out(client: Client, options: Options, executor: Executor) -> JobOptions:
    """What all layers say of how a task is carried out."""
    whole = client.layers.effective(options)
    return JobOptions(
        queue=said(whole.queue, ""),
        retry=said(whole.retry, Retry()),
        timeout=said(whole.timeout, None),
        executor=executor,
        limited=client.layers.limited(options),
    )


def check_function(function: object, parameter: str) -> None:
    """Raises `Invalid` for what can't be decorated."""
    if not inspect.isfunction(function):
        raise Invalid(parameter, function, "decorate a function: a def or an async def")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise Invalid(parameter, function, "a generator returns no single result: return a list, or enqueue runs")


def profile_of(
    client: Client, function: Callable[..., Any], task: str, options: Options, named: dict[str, Any]
) -> Profile:
    """What the task says about its runs, looked at with all layers. Raises `Invalid` naming what is refused."""
    whole = client.layers.effective(options)
    limits = client.layers.limits(Profile(task=task, options=options), said(whole.queue, ""))
    with_defaults(limits, function, task)
    client.layers.unique(Profile(task=task, function=function), whole)
    client.layers.fair(Profile(task=task, function=function), whole)
    return Profile(
        task=task,
        version=named.get("version", ""),
        function=function,
        options=options,
        on_success=follow_up(client, named.get("on_success"), "on_success"),
        on_failure=follow_up(client, named.get("on_failure"), "on_failure"),
    )


def _task(client: Client, handler: JobHandler, profile: Profile) -> Task[..., Any]:
    if handler.asynchronous:
        return AsyncTask(client, handler, profile)
    return ThreadTask(client, handler, profile)


def add(client: Client, handler: JobHandler, profile: Profile) -> None:
    """From now on the app's workers carry out its runs.

    Raises `DuplicateTask` for a second one of that name, unless both are workflows, of different versions.
    """
    task = profile.task
    known = client.handlers.get(task)
    if known is not None:
        known = client.versions.get((task, handler.ability.version), (known,))[0]
        if not handler.replays or not known.replays or known.ability.version == handler.ability.version:
            code = known.function.__code__
            where = f"{known.function.__qualname__} in {code.co_filename}, line {code.co_firstlineno}"
            raise DuplicateTask(task, where)
    client.handlers[task] = handler
    client.profiles[task] = profile
    client.versions[task, handler.ability.version] = handler, profile
    for worker in tuple(client.workers):
        worker.learn(handler)


def executor_of(value: object, function: Callable[..., Any]) -> Executor:
    """Where the function runs. Raises `Invalid` for where it can't."""
    asynchronous = inspect.iscoroutinefunction(function)
    if value is None:
        return Executor.LOOP if asynchronous else Executor.THREAD
    allowed = ("loop", "process") if asynchronous else ("thread", "process")
    if value not in allowed:
        kind = "an async def" if asynchronous else "a def"
        raise Invalid("executor", value, f"{kind} runs in {' or '.join(allowed)}")
    return Executor(value)


def follow_up(client: Client, value: object, parameter: str) -> FollowUp | None:
    """What a task's end inserts. Raises `Invalid` for what is no task."""
    if value is None:
        return None
    if isinstance(value, Task):
        return FollowUp(task=value.name, queue=value.queue, version=value.handler.ability.version)
    if not isinstance(value, str):
        raise Invalid(parameter, value, "a task of this app, or the name of one")
    name = check_name(value, parameter)
    known = client.handlers.get(name)
    return FollowUp(task=name, queue=known.queue if known else said(client.layers.effective(Options()).queue, ""))
