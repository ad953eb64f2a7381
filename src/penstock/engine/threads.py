"""Sync handlers: each attempt has a thread. A thread can't be stopped, only told; a stuck one keeps its slot.

Threads are daemons, so that a stuck one never keeps the process from ending. How many run at once is the worker's
affair: it starts no more attempts than it has slots.
"""

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future as Answer
from typing import Final, TypeVar

from penstock.core.leases import Outcome
from penstock.engine.attempt import judged, verdict
from penstock.engine.held import Books, Held

T = TypeVar("T")

IDLE: Final = 30.0  # seconds after which a thread without work ends


class Threads:
    """Threads that are made when needed and used again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._work = queue.SimpleQueue[Callable[[], None] | None]()
        self._idle = 0  # threads waiting, less the work put for them
        self._made = 0

    def run(self, work: Callable[[], None]) -> None:
        """Run this in a thread that has nothing else to do. The work lets no exception out."""
        with self._lock:
            if self._idle:
                self._idle -= 1
                self._work.put(work)
                return
            self._made += 1
            name = f"{self._name}-{self._made}"
        threading.Thread(target=self._serve, args=(work,), name=name, daemon=True).start()

    def close(self) -> None:
        """Let idle threads end now; busy ones end soon after their work."""
        with self._lock:
            for _ in range(self._idle):
                self._work.put(None)
            self._idle = 0

    def _serve(self, work: Callable[[], None] | None) -> None:
        while work is not None:
            work()
            with self._lock:
                self._idle += 1
            work = self._next()

    def _next(self) -> Callable[[], None] | None:
        while True:
            try:
                return self._work.get(timeout=IDLE)
            except queue.Empty:
                with self._lock:
                    if self._idle:  # else something is on its way to this thread
                        self._idle -= 1
                        return None


async def in_thread(threads: Threads, function: Callable[[], T]) -> T:
    """What the function returns or raises, called in a thread with this code's context."""
    answer: Answer[T] = Answer()
    context = contextvars.copy_context()

    def work() -> None:
        if answer.set_running_or_notify_cancel():
            try:
                answer.set_result(context.run(function))
            except BaseException as error:  # noqa: BLE001 (it is raised where somebody waits)
                answer.set_exception(error)

    threads.run(work)
    return await asyncio.wrap_future(answer)


class ThreadCarrier:
    """Carries attempts out in threads, each in a copy of the caller's context."""

    only_told = True  # there is no way to end a thread

    def __init__(self, books: Books) -> None:
        self._books = books
        self._loop = asyncio.get_running_loop()
        self._threads = Threads("penstock-run")
        self._judging: set[asyncio.Task[None]] = set()

    def start(self, held: Held) -> None:
        """Begin at once."""
        self._books.begun(held)
        context = contextvars.copy_context()
        self._threads.run(lambda: context.run(self._work, held))

    def interrupt(self, held: Held) -> None:
        """Nothing but the flag can be done."""

    def safe(self, held: Held) -> None:
        """Nothing to tell: the attempt is in this process."""

    async def close(self) -> None:
        """Let idle threads end."""
        self._threads.close()

    def _work(self, held: Held) -> None:
        """In the thread."""
        result: Outcome | BaseException
        try:
            result = held.trade.handler.work_in_thread(held.attempt)
        except BaseException as error:  # noqa: BLE001 (whatever a handler raises is its outcome)
            result = error
        try:
            self._loop.call_soon_threadsafe(self._returned, held, result)
        except RuntimeError:  # the loop is closed: the worker has gone without us
            return

    def _returned(self, held: Held, result: Outcome | BaseException) -> None:
        if held.ended:  # settled without it, at its timeout
            self._books.finished(held, None)
        elif isinstance(result, BaseException) or held.attempt.stop.reason is not None:
            task = self._loop.create_task(self._judge(held, result))
            self._judging.add(task)
            task.add_done_callback(self._judging.discard)
        else:
            self._books.finished(held, result)

    async def _judge(self, held: Held, result: Outcome | BaseException) -> None:
        handler, attempt = held.trade.handler, held.attempt
        if isinstance(result, BaseException):
            self._books.finished(held, await verdict(handler, attempt, result))
        else:
            self._books.finished(held, await judged(handler, attempt, result))
