"""`penstock.call`: any task as a child run of the workflow whose code makes the call."""

from collections.abc import Coroutine
from typing import Any, ParamSpec, TypeVar, cast, overload

from penstock.app.named import NamedTask
from penstock.app.task import Task
from penstock.core.errors import Invalid
from penstock.models.durable import inside

P = ParamSpec("P")
R = TypeVar("R")


@overload
def call(task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]: ...
@overload
def call(task: NamedTask, /, *args: object, **kwargs: object) -> Coroutine[Any, Any, Any]: ...


def call(task: object, /, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
    """In workflow code: carry the task out as a child run, and wait for its result.

    For a `def` task, and for one by its name: `await penstock.call(app.named("ship"), order)`. An `async def` task may
    as well be called as it is: `await ship(order)`. Raises `NotInRun` outside of workflow code; what comes of the child
    is as of `run.result()`: `RunFailed`, `RunCancelled`.
    """
    if not isinstance(task, Task | NamedTask):
        raise Invalid("task", task, "a task of yours, or app.named(...)")
    callee = cast("Task[..., Any] | NamedTask", task)
    return callee._child(inside("penstock.call(...)"), args, kwargs)  # noqa: SLF001 (its other half)
