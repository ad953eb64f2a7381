"""Durable calls of workflow code that is a `def`: each does what the one of `penstock` does, and blocks until it has.

Each raises `NotInRun` elsewhere.
"""

from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar, overload
from uuid import UUID

from penstock.app.awaited import call as _call
from penstock.app.named import NamedTask
from penstock.app.steps import Step
from penstock.app.task import Task
from penstock.core.duration import Duration
from penstock.core.errors import Invalid
from penstock.models import durable, joins, waits
from penstock.models.threaded import blocking
from penstock.models.waits import MISSING, Signal

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")
D = TypeVar("D")


@overload
def step(name: str, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs) -> T: ...
@overload
def step(name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...


def step(name: str, function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """As `penstock.step`. A decorated `def` is called as it is, a decorated `async def` by its `sync`."""
    return blocking("penstock.sync.step(...)", lambda: durable.step(name, function, *args, **kwargs))


def sleep(duration: Duration) -> None:
    """As `penstock.sleep`."""
    blocking("penstock.sync.sleep(...)", lambda: waits.sleep(duration))


@overload
def wait(signal: Signal[S], *, timeout: Duration | None = None) -> S: ...
@overload
def wait(signal: Signal[S], *, timeout: Duration | None = None, default: D) -> S | D: ...


def wait(signal: Signal[Any], *, timeout: Duration | None = None, default: Any = MISSING) -> Any:
    """As `penstock.wait`."""
    return blocking("penstock.sync.wait(...)", lambda: waits.wait(signal, timeout=timeout, default=default))


@overload
def call(task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
@overload
def call(task: NamedTask, /, *args: object, **kwargs: object) -> Any: ...


def call(task: Any, /, *args: Any, **kwargs: Any) -> Any:
    """As `penstock.call`."""
    return blocking("penstock.sync.call(...)", lambda: _call(task, *args, **kwargs))


@overload
def map(  # noqa: A001 (what it is called wherever it is known)
    function: Callable[[T], Coroutine[Any, Any, R]], items: Iterable[T], *, concurrency: int = 20
) -> list[R]: ...
@overload
def map(function: Callable[[T], R], items: Iterable[T], *, concurrency: int = 20) -> list[R]: ...  # noqa: A001


def map(function: Any, items: Iterable[Any], *, concurrency: int = 20) -> list[Any]:  # noqa: A001
    """As `penstock.map`, for a step or a task: the items' calls are made together."""
    make: Any = durable.step if isinstance(function, Step) else _call
    if not isinstance(function, Step | Task):
        raise Invalid("function", function, "a step made by @app.step, or a task")
    return blocking(
        "penstock.sync.map(...)", lambda: joins.map(partial(make, function), items, concurrency=concurrency)
    )


def now() -> datetime:
    """As `penstock.now`."""
    return blocking("penstock.sync.now()", durable.now)


def random() -> float:
    """As `penstock.random`."""
    return blocking("penstock.sync.random()", durable.random)


def uuid() -> UUID:
    """As `penstock.uuid`."""
    return blocking("penstock.sync.uuid()", durable.uuid)


def on_rollback(function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
    """As `penstock.on_rollback`."""
    blocking("penstock.sync.on_rollback(...)", lambda: durable.on_rollback(function, *args, **kwargs))
