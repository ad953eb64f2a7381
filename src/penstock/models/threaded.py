"""Workflow code that is a `def`: it runs in a thread, and each durable call is made for it on the loop.

To the passage it is one task, the body, which stands in the call that the thread waits for.
"""

import asyncio
import contextvars
from asyncio import CancelledError, Future
from collections.abc import Awaitable, Callable
from concurrent.futures import Future as Answer
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from penstock.core.errors import NotInRun
from penstock.engine.threads import Threads
from penstock.models.branches import BRANCH
from penstock.models.calls import Discarded

T = TypeVar("T")

_CODE: Final[ContextVar["ThreadCode | None"]] = ContextVar("penstock_thread_code", default=None)


@dataclass(frozen=True, slots=True)
class Order:
    """The thread makes a durable call, and waits for what comes of it."""

    make: Callable[[], Awaitable[Any]]
    answer: Answer[Any]


@dataclass(frozen=True, slots=True)
class End:
    """The thread has ended: it has returned this, or raised that."""

    value: Any
    error: BaseException | None


class Word(Protocol):
    """Who is told whether the thread or the loop moves the code on."""

    def lend(self) -> None:
        """The thread does from now on."""
        ...

    def regain(self) -> None:
        """The loop does."""
        ...


class ThreadCode:
    """A function in a thread, and the body on the loop that makes its durable calls."""

    def __init__(self, function: Callable[[], Any], threads: Threads, word: "Word") -> None:
        self._function = function
        self._threads = threads
        self._word = word
        self._loop = asyncio.get_running_loop()
        self._next: Future[Order | End] = self._loop.create_future()
        self._ended: Future[None] = self._loop.create_future()
        self._over: BaseException | None = None  # why no call is made any more, or: what the next one raises

    async def body(self) -> Any:
        """What the function returns or raises."""
        context = contextvars.copy_context()
        context.run(BRANCH.set, None)
        self._word.lend()
        self._threads.run(lambda: context.run(self._work))
        while True:
            try:
                order = await asyncio.shield(self._next)
            except CancelledError as error:
                if self._over is not None:  # asked twice: without the thread
                    self._over = Discarded()
                    raise
                self._over = error  # heard by the thread at its next call
                continue
            self._word.regain()
            if isinstance(order, Order):
                await self._carry_out(order)
            elif order.error is not None:
                raise order.error
            else:
                return order.value

    async def _carry_out(self, order: Order) -> None:
        self._next = self._loop.create_future()
        cancelled, self._over = self._over, None
        try:
            if cancelled is not None:
                raise cancelled
            value = await order.make()
        except Discarded as error:
            self._over = error
            order.answer.set_exception(error)
            await self._gone()
            raise
        except BaseException as error:  # noqa: BLE001 (it is raised in the thread)
            self._word.lend()
            order.answer.set_exception(error)
        else:
            self._word.lend()
            order.answer.set_result(value)

    async def _gone(self) -> None:
        """Return when the thread has unwound, however often somebody asks to end."""
        while not self._ended.done():
            with suppress(CancelledError):
                await asyncio.shield(self._ended)

    def _hear(self, said: Order | End) -> None:
        """On the loop: the thread makes a call, or has ended."""
        if isinstance(said, End):
            self._ended.set_result(None)
        if not self._next.done():
            self._next.set_result(said)
        elif isinstance(said, Order):
            said.answer.set_exception(Discarded())

    def call(self, make: Callable[[], Awaitable[T]]) -> T:
        """In the thread: what comes of a durable call."""
        if isinstance(self._over, Discarded):
            raise Discarded
        answer: Answer[T] = Answer()
        self._tell(Order(make, answer))
        return answer.result()

    def _work(self) -> None:
        _CODE.set(self)
        try:
            said = End(self._function(), None)
        except BaseException as error:  # noqa: BLE001 (it is raised in the body)
            said = End(None, error)
        self._tell(said)

    def _tell(self, said: Order | End) -> None:
        try:
            self._loop.call_soon_threadsafe(self._hear, said)
        except RuntimeError as error:  # the loop is closed: the worker has gone without us
            raise Discarded from error


def code() -> ThreadCode | None:
    """The workflow code that is running in this thread; None in step bodies, tasks, and on a loop."""
    return _CODE.get()


def blocking(call: str, make: Callable[[], Awaitable[T]]) -> T:
    """What comes of a durable call of workflow code that is a `def`. Raises `NotInRun` elsewhere."""
    found = code()
    if found is None:
        raise NotInRun(call)
    return found.call(make)
