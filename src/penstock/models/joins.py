"""Many at once, and the first of many: in workflow code they replay as they went."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar, overload

from penstock.core.errors import Invalid
from penstock.models.batches import Batch, join

T = TypeVar("T")
S = TypeVar("S")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


@overload
def gather(one: Awaitable[A], /) -> Coroutine[Any, Any, tuple[A]]: ...
@overload
def gather(one: Awaitable[A], two: Awaitable[B], /) -> Coroutine[Any, Any, tuple[A, B]]: ...
@overload
def gather(one: Awaitable[A], two: Awaitable[B], three: Awaitable[C], /) -> Coroutine[Any, Any, tuple[A, B, C]]: ...
@overload
def gather(
    one: Awaitable[A], two: Awaitable[B], three: Awaitable[C], four: Awaitable[D], /
) -> Coroutine[Any, Any, tuple[A, B, C, D]]: ...
@overload
def gather(
    one: Awaitable[T],
    two: Awaitable[T],
    three: Awaitable[T],
    four: Awaitable[T],
    five: Awaitable[T],
    /,
    *more: Awaitable[T],
) -> Coroutine[Any, Any, tuple[T, ...]]: ...


def gather(*awaitables: Awaitable[Any]) -> Coroutine[Any, Any, tuple[Any, ...]]:
    """What comes of all of them, in their order. The first error ends it: the others are cancelled, and have ended.

    Calls of children among them wake the run once, when all have ended, or one badly. `asyncio.gather` will do as well,
    but is woken by each child, and leaves the others going on when one has failed.
    """
    return _gathered(awaitables)


async def _gathered(awaitables: Sequence[Awaitable[Any]]) -> tuple[Any, ...]:
    batch = Batch(more=False)
    for one in awaitables:
        join(batch, one)
    tasks = [asyncio.ensure_future(one) for one in awaitables]
    try:
        if tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done():
                task.result()
        return tuple([task.result() for task in tasks])
    finally:
        await _cancelled(tasks)


async def wait_any(*awaitables: Awaitable[Any]) -> tuple[int, Any]:
    """Which of them came first, and what came of it; the others are cancelled. Raises what that one raised."""
    tasks = [asyncio.ensure_future(one) for one in awaitables]
    if not tasks:
        raise Invalid("awaitables", awaitables, "at least one")
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        first = next(task for task in tasks if task.done())
        return tasks.index(first), first.result()
    finally:
        await _cancelled(tasks)


async def map(  # noqa: A001 (what it is called wherever it is known)
    function: Callable[[T], Awaitable[S]], items: Iterable[T], *, concurrency: int = 20
) -> list[S]:
    """What the function makes of each item, in the order of the items; at most `concurrency` of them at a time.

    The first error ends it: the others are cancelled. If all that the function does is to await a child, as a task of
    yours does, the run is woken when a quarter of those under way have ended, and in the end once.
    """
    _check_concurrency(concurrency)
    given = list(items)
    waiting, batch = iter(given), Batch(more=True)
    tasks: list[asyncio.Task[S]] = []
    going: set[asyncio.Task[S]] = set()
    try:
        while True:
            for item in waiting:
                task = asyncio.create_task(_apply(function, item, batch))
                tasks.append(task)
                batch.more = len(tasks) < len(given)
                going.add(task)
                if len(going) == concurrency:
                    break
            if not going:
                return [task.result() for task in tasks]
            done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        await _cancelled(going)


async def _apply(function: Callable[[T], Awaitable[S]], item: T, batch: Batch) -> S:
    made = function(item)
    join(batch, made)
    return await made


async def _cancelled(tasks: Iterable[asyncio.Future[Any]]) -> None:
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)


def _check_concurrency(value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Invalid("concurrency", value, "a whole number from 1")
