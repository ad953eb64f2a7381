"""The tasks of a run: each that workflow code creates opens a scope, and tells when it takes a turn.

Works by a task factory, which leaves all other tasks alone and calls the factory that was there before.
"""

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Coroutine, Generator
from contextvars import Context, ContextVar
from types import TracebackType
from typing import Any, Final, Protocol, TypeVar, cast

from penstock.models.journal import Scope

T = TypeVar("T")


class Course(Protocol):
    """Whom the tasks of a run tell."""

    over: bool

    def turned(self) -> None:
        """One of them takes a turn."""
        ...

    def joined(self, task: "asyncio.Task[Any]", scope: Scope) -> None:
        """One more has been created."""
        ...


class Branch:
    """Where code of a run stands: in which scope, on which course."""

    __slots__ = ("course", "scope")

    def __init__(self, course: Course, scope: Scope) -> None:
        self.course = course
        self.scope = scope


BRANCH: Final[ContextVar[Branch | None]] = ContextVar("penstock_branch", default=None)


class Turns(Coroutine[Any, Any, T]):
    """A coroutine that tells of each of its turns, and knows its branch from the first on."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], branch: Branch) -> None:
        self._coroutine = coroutine
        self._branch = branch
        self._begun = False

    def send(self, value: Any) -> Any:
        self._turn()
        return self._coroutine.send(value)

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | object = None,
        trace: TracebackType | None = None,
    ) -> Any:
        self._turn()
        return self._coroutine.throw(cast("BaseException", kind))

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return self._coroutine.__await__()

    def _turn(self) -> None:
        if not self._begun:
            self._begun = True
            BRANCH.set(self._branch)
        self._branch.course.turned()


class Factory:
    """Creates tasks as the factory before it would have. One in a context without a branch is no task of the run."""

    def __init__(self, before: Any) -> None:
        self._before = before

    def __call__(self, loop: AbstractEventLoop, coroutine: Any, **named: Any) -> "asyncio.Task[Any]":
        context: Context | None = named.get("context")
        branch = BRANCH.get() if context is None else context.get(BRANCH)
        if branch is None or branch.course.over or isinstance(coroutine, Turns):
            return self._make(loop, coroutine, named)
        scope = branch.scope.open()
        task = self._make(loop, Turns(coroutine, Branch(branch.course, scope)), named)
        branch.course.joined(task, scope)
        return task

    def _make(self, loop: AbstractEventLoop, coroutine: Any, named: dict[str, Any]) -> "asyncio.Task[Any]":
        if self._before is not None:
            made: asyncio.Task[Any] = self._before(loop, coroutine, **named)
            return made
        return asyncio.Task(coroutine, loop=loop, **named)


def install(loop: AbstractEventLoop) -> None:
    """From now on tasks that workflow code creates on this loop open scopes."""
    before = loop.get_task_factory()
    if not isinstance(before, Factory):
        loop.set_task_factory(cast("Any", Factory(before)))
