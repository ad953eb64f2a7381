"""What is done around every attempt of an app's tasks: middleware, the first registered outermost.

Middleware is async and runs on the loop. The code of a `def` task stays in its thread: `Crossing` takes the call there.
"""

import asyncio
import contextvars
import threading
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeAlias

from penstock.engine.handler import Attempt
from penstock.models.context import Context

Proceed: TypeAlias = Callable[[], Awaitable[Any]]
Around: TypeAlias = Callable[[Context, Proceed], Awaitable[Any]]
Said: TypeAlias = tuple[Any, BaseException | None]  # what a function returned, or raised
Order: TypeAlias = tuple[contextvars.Context, Future[Said]]


async def through(chain: Sequence[Around], context: Context, work: Proceed) -> Any:
    """What comes of the work when all in the chain have had their say."""
    if not chain:
        return await work()
    return await chain[0](context, lambda: through(chain[1:], context, work))


def through_from_thread(chain: Sequence[Around], attempt: Attempt, function: Callable[[], Any], *, alone: bool) -> Any:
    """The same for a function that is called in this thread. `alone`: the attempt's host has no loop that goes on."""
    crossing = Crossing(function)
    whole = through(chain, Context(attempt), crossing.call)
    if alone:
        threading.Thread(target=contextvars.copy_context().run, args=(crossing.live, whole), daemon=True).start()
    else:
        attempt.run(crossing.begin(whole))
    return crossing.serve()


class Crossing:
    """A thread that calls a function whenever a loop asks for it, until the loop's own work has ended."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._orders = SimpleQueue[Order | None]()
        self._end: Future[Said] = Future()
        self._task: asyncio.Task[Any] | None = None

    def serve(self) -> Any:
        """In the thread: return, or raise, what the loop's work has come to."""
        while (order := self._orders.get()) is not None:
            context, answer = order
            answer.set_result(context.run(_said, self._function))
        returned, error = self._end.result()
        if error is not None:
            raise error
        return returned

    async def call(self) -> Any:
        """On the loop: what the function returns or raises, called in the thread with this code's context."""
        answer: Future[Said] = Future()
        self._orders.put((contextvars.copy_context(), answer))
        returned, error = await asyncio.wrap_future(answer)
        if error is not None:
            raise error
        return returned

    async def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """On the loop: begin its work, and return at once."""
        loop: AbstractEventLoop = asyncio.get_running_loop()
        self._task = loop.create_task(work)
        self._task.add_done_callback(self._ended)

    def live(self, work: Coroutine[Any, Any, Any]) -> None:
        """In another thread: do the work on a loop of its own."""
        said = _said(partial(asyncio.run, work))
        self._end.set_result(said)
        self._orders.put(None)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._end.set_result(_said(task.result))
        self._orders.put(None)


def _said(function: Callable[[], Any]) -> Said:
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001 (it is raised on the other side)
        return None, error
