"""The children that a running run waits for, as its own code sees them: read, added, dropped.

Knows no app: what is added is prepared elsewhere.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar, overload

import msgspec

from penstock.core.answers import Answer
from penstock.core.codec import Codec
from penstock.core.error_record import ErrorRecord
from penstock.core.errors import Invalid, LeaseLost, NotFound, RunCancelled, RunFailed
from penstock.core.run import Kind, Run
from penstock.core.shape import Shape
from penstock.core.state import UNLEASED, State
from penstock.core.views import Page
from penstock.engine.handler import Attempt
from penstock.models.ends import decoded, ended_by

T = TypeVar("T")

PAGE: Final = 500
BAD: Final = frozenset({State.FAILED, State.CANCELLED})


class Prepared(Protocol):
    """What a task's `call(...)` returns."""

    async def _added_to(self, attempt: Attempt, calls: Sequence[Any]) -> list[str]:
        """Store all these calls as children of the run; their ids."""
        ...


class Child(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A child as it stood when asked."""

    id: str
    task: str
    name: str  # that it was given, else that of its task
    state: State
    result: Any = None  # as JSON has it
    error: ErrorRecord | None = None
    cause_id: str | None = None  # the run by whose failure it failed


class Children:
    """What `ctx.children` is: the runs on which this one depends, in the order in which they were given."""

    __slots__ = ("_attempt", "_codec")

    def __init__(self, attempt: Attempt, codec: Codec) -> None:
        self._attempt = attempt
        self._codec = codec

    @property
    def sync(self) -> "SyncChildren":
        """The same for tasks made of a `def`."""
        return SyncChildren(self, self._attempt)

    async def results(self, *, after: str | None = None, limit: int | None = None) -> Page[Child]:
        """The children that have succeeded: all, or those on a page of so many children, to go on with its `after`."""
        return await self._read(lambda run: run.state is State.SUCCEEDED, after, limit)

    async def failures(self, *, after: str | None = None, limit: int | None = None) -> Page[Child]:
        """The children that have failed or were cancelled, except under "remove". Pages as those of `results`."""
        return await self._read(lambda run: run.state in BAD, after, limit)

    async def pending(self, *, after: str | None = None, limit: int | None = None) -> Page[Child]:
        """The children that have not finished. Pages as those of `results`."""
        return await self._read(lambda run: not run.state.finished, after, limit)

    @overload
    async def result(self, child: str) -> Any: ...
    @overload
    async def result(self, child: str, kind: type[T]) -> T: ...

    async def result(self, child: str, kind: Any = Any) -> Any:
        """What the child of this name or id has returned, as `kind` says. A child without a name has its task's.

        Raises `RunFailed` or `RunCancelled` if it ended so; `NotFound` if there is none, or it has not finished;
        `Invalid` if several are called so.
        """
        run = await self._one(child)
        match run.state:
            case State.SUCCEEDED:
                return Shape(kind, "kind", output=True).decode(self._codec.decode(run.result or b"null"))
            case State.CANCELLED:
                raise RunCancelled(run.id, run.task, reason=run.reason)
            case State.FAILED:
                error = ended_by(run.id, run.cause, run.error)
                raise RunFailed(
                    run.id, run.task, error_type=error.type, message=error.message, traceback=error.traceback
                )
            case _:
                raise NotFound("result of child", child)

    async def add(self, *calls: Prepared) -> list[str]:
        """Add children to this running run, with all that comes before them; their ids, in order.

        A run that returns with children pending waits for them before it has succeeded; one that fails or crashes may
        add them again, so give them ids of your own where that matters. In workflow code it is recorded. Raises what
        `app.submit` raises, naming the call's place.
        """
        for place, call in enumerate(calls):
            if not hasattr(call, "_added_to"):
                raise Invalid(f"calls[{place}]", call, "what a task's call(...) returns")
        return await calls[0]._added_to(self._attempt, calls) if calls else []  # noqa: SLF001 (its other half)

    async def cancel_pending(self) -> int:
        """Drop the children that nobody runs now, and all below them: this run waits for them no more. How many.

        Those that run stay, and so does a child below which something runs, or more than 1 000 runs are unfinished.
        """
        ids: list[str] = []
        after: str | None = None
        while True:
            page = await self._page(after, PAGE)
            ids += [run.id for run in page.items if _is_child(run) and run.state in UNLEASED]
            after = page.after
            if after is None:
                break
        dropped = 0
        for start in range(0, len(ids), PAGE):
            answers = await self._attempt.host.drop(self._attempt.lease, tuple(ids[start : start + PAGE]))
            if Answer.LOST in answers:
                raise LeaseLost(self._attempt.claim.run_id)
            dropped += sum(answer in {Answer.OK, Answer.NOT_FOUND} for answer in answers)
        return dropped

    async def _one(self, child: str) -> Run:
        found: list[Run] = []
        after: str | None = None
        while True:
            page = await self._page(after, PAGE)
            for run in page.items:
                if _is_child(run) and run.id == child:
                    return run
                if _is_child(run) and _name_of(run) == child:
                    found.append(run)
            after = page.after
            if after is None:
                break
        if not found:
            raise NotFound("child", child)
        if len(found) > 1:
            raise Invalid("child", child, f"{len(found)} children are called so: name them, or ask by their ids")
        return found[0]

    async def _read(self, wanted: Callable[[Run], bool], after: str | None, limit: int | None) -> Page[Child]:
        _check_limit(limit)
        found: list[Child] = []
        while True:
            page = await self._page(after, limit or PAGE)
            found += [self._child(run) for run in page.items if _is_child(run) and wanted(run)]
            after = page.after
            if after is None or (limit is not None and found):
                return Page(items=tuple(found), after=after)

    async def _page(self, after: str | None, limit: int) -> Page[Run]:
        return await self._attempt.host.children(self._attempt.claim.run_id, after=after, limit=limit)

    def _child(self, run: Run) -> Child:
        result = self._codec.decode(run.result) if run.state is State.SUCCEEDED and run.result else b"null"
        return Child(
            id=run.id,
            task=run.task,
            name=_name_of(run),
            state=run.state,
            result=msgspec.json.decode(result),
            error=_error_of(run),
            cause_id=run.cause_id,
        )


class SyncChildren:
    """The children, for code without a loop: each verb does what the one of `Children` does, and blocks."""

    __slots__ = ("_attempt", "_children")

    def __init__(self, children: Children, attempt: Attempt) -> None:
        self._children = children
        self._attempt = attempt

    def results(self, *, after: str | None = None, limit: int | None = None) -> Page[Child]:
        return self._attempt.run(self._children.results(after=after, limit=limit))

    def failures(self, *, after: str | None = None, limit: int | None = None) -> Page[Child]:
        return self._attempt.run(self._children.failures(after=after, limit=limit))

    def pending(self, *, after: str | None = None, limit: int | None = None) -> Page[Child]:
        return self._attempt.run(self._children.pending(after=after, limit=limit))

    @overload
    def result(self, child: str) -> Any: ...
    @overload
    def result(self, child: str, kind: type[T]) -> T: ...

    def result(self, child: str, kind: Any = Any) -> Any:
        return self._attempt.run(self._children.result(child, kind))

    def add(self, *calls: Prepared) -> list[str]:
        return self._attempt.run(self._children.add(*calls))

    def cancel_pending(self) -> int:
        return self._attempt.run(self._children.cancel_pending())


def _is_child(run: Run) -> bool:
    return run.kind is Kind.DEPENDENCY


def _name_of(run: Run) -> str:
    return run.name or run.task


def _error_of(run: Run) -> ErrorRecord | None:
    if run.state is State.FAILED:
        return ended_by(run.id, run.cause, run.error, crashes=run.crashes)
    return None if run.error is None else decoded(run.error)


def _check_limit(limit: object) -> None:
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= 1000):
        raise Invalid("limit", limit, "a whole number from 1 to 1,000, or None for all")
