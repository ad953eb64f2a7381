"""A child process for work that keeps a processor busy: takes one attempt at a time from its pipe and carries it out.

Started as `python -m penstock.engine.child`. Has no store: what a handler asks for goes to the worker, which holds the
lease. When the pipe ends the worker is gone, and so is this process, at once.
"""

import asyncio
import importlib
import itertools
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from types import FrameType
from typing import Any, BinaryIO, Final, TypeVar, cast

from penstock.core.answers import Answer, Recorded, Spawned
from penstock.core.clock import Clock
from penstock.core.leases import Append, Block, Lease, Outcome, RecordStep, Spawn, Step
from penstock.core.run import Run
from penstock.core.tx import Tx
from penstock.core.views import Page
from penstock.engine import frames
from penstock.engine.attempt import carry_out, judged, verdict
from penstock.engine.handler import Attempt, Handler
from penstock.ports.store import Views

T = TypeVar("T")

MAIN: Final = "__penstock_main__"  # what "__main__" is called here, so that its own start is not repeated


class PipeHost:
    """Implements `Host` through the pipe. Every call may come from any thread."""

    def __init__(self, out: BinaryIO) -> None:
        self.worker = ""
        self.clock: Clock = time.monotonic
        self._out = out
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._asked: dict[int, Future[frames.Reply]] = {}

    def leaving(self) -> bool:
        """Never: the worker kills."""
        return False

    def send(self, frame: frames.FromChild) -> None:
        """Write one whole frame."""
        data = frames.pack(frame)
        with self._lock:
            self._out.write(data)
            self._out.flush()

    def append(self, entry: Append) -> None:
        """Pass the line on; it reaches the worker before the outcome does."""
        self.send(frames.Line(entry=entry))

    async def appended(self, lease: Lease) -> None:
        """Nothing waits here."""

    async def spawn(self, spawn: Spawn) -> Spawned:
        """Ask the worker to insert children."""
        return _said((await self._ask(spawn=spawn)).spawned)

    async def record(self, record: RecordStep) -> Recorded:
        """Ask the worker to write a step."""
        return _said((await self._ask(record=record)).recorded)

    async def record_with(self, record: RecordStep, work: Callable[[Tx], Step], seconds: float) -> Recorded:
        """Refused: no connection goes through a pipe."""
        raise RuntimeError("code in a child process has no transaction of the store")

    async def block(self, block: Block) -> Answer:
        """Ask the worker to close a rate."""
        return _said((await self._ask(block=block)).blocked)

    async def children(self, run_id: str, *, after: str | None, limit: int) -> Page[Run]:
        """Ask the worker to read them."""
        look = frames.Look(run_id=run_id, after=after, limit=limit)
        return _said((await self._ask(children=look)).children)

    async def drop(self, lease: Lease, run_ids: tuple[str, ...]) -> list[Answer]:
        """Ask the worker to remove them: it knows the lease."""
        return list(_said((await self._ask(drop=run_ids)).dropped))

    async def ask(self, question: Callable[[Views], Awaitable[T]]) -> T:
        """Refused: who reads the store while it works, works in the worker."""
        raise RuntimeError("code in a child process can't read the store")

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """From a sync handler: run the coroutine on a loop of its own."""
        return asyncio.run(coroutine)

    async def _ask(
        self,
        *,
        spawn: Spawn | None = None,
        record: RecordStep | None = None,
        block: Block | None = None,
        children: frames.Look | None = None,
        drop: tuple[str, ...] | None = None,
    ) -> frames.Reply:
        number = next(self._numbers)
        future = self._asked[number] = Future[frames.Reply]()
        self.send(frames.Ask(number=number, spawn=spawn, record=record, block=block, children=children, drop=drop))
        reply = await asyncio.wrap_future(future)
        if reply.error is not None:
            raise RuntimeError(f"the worker could not do this: {reply.error}")
        return reply

    def answer(self, reply: frames.Reply) -> None:
        """The worker has answered."""
        self._asked.pop(reply.number).set_result(reply)


def _said(answer: T | None) -> T:
    if answer is None:
        raise RuntimeError("the worker answered another question")
    return answer


class Child:
    """Reads frames in a thread, and carries attempts out in the main thread."""

    def __init__(self, pipe: BinaryIO, out: BinaryIO) -> None:
        self._pipe = pipe
        self._host = PipeHost(out)
        self._attempt: Attempt | None = None
        self._work: Future[frames.Work] = Future()
        self._handlers: dict[tuple[str, str], Handler] = {}

    def serve(self) -> None:
        """Carry out what comes, for ever: this process ends with its pipe."""
        threading.Thread(target=self._read, name="penstock-pipe", daemon=True).start()
        while True:
            work = self._work.result()
            self._work = Future()
            self._host.send(self._carry_out(work))

    def _read(self) -> None:
        while (data := frames.read(self._pipe)) is not None:
            frame: frames.ToChild = frames.to_child.decode(data)
            match frame:
                case frames.Work():
                    self._work.set_result(frame)
                case frames.Safe():
                    if self._attempt is not None:
                        self._attempt.safe_until = time.monotonic() + frame.safe_for
                case frames.Reply():
                    self._host.answer(frame)
        os._exit(0)  # nobody would hear of it if the main thread went on

    def _carry_out(self, work: frames.Work) -> frames.FromChild:
        try:
            handler = self._handler(work)
        except Exception as error:  # noqa: BLE001 (importing runs code of others)
            return frames.Broken(reason=f"{work.module}.{work.name} can't be had: {type(error).__name__}: {error}")
        self._host.worker = work.worker
        attempt = self._attempt = Attempt(work.claim, self._host, time.monotonic() + work.safe_for)
        self._host.send(frames.Began())
        outcome = asyncio.run(carry_out(handler, attempt)) if handler.asynchronous else _in_main(handler, attempt)
        self._attempt = None
        return frames.done(outcome, _peak_memory())

    def _handler(self, work: frames.Work) -> Handler:
        handler = self._handlers.get((work.module, work.name))
        if handler is None:
            handler = self._handlers[work.module, work.name] = find_handler(work.module, work.name, work.main)
        return handler


def _in_main(handler: Handler, attempt: Attempt) -> Outcome | None:
    try:
        outcome = handler.work_in_thread(attempt)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (whatever a handler raises is its outcome)
        return asyncio.run(verdict(handler, attempt, error))
    return outcome if attempt.stop.reason is None else asyncio.run(judged(handler, attempt, outcome))


def find_handler(module: str, name: str, main: str | None = None) -> Handler:
    """The handler that code of the user's holds under this name, itself or as `handler`.

    `main` is the file or module that the worker runs as `__main__`.
    """
    found: object
    if module == "__main__" and main is not None:
        space = runpy.run_path(main, run_name=MAIN) if main.endswith(".py") else vars(importlib.import_module(main))
        first, _, rest = name.partition(".")
        found = space[first]
    else:
        found, rest = importlib.import_module(module), name
    for part in rest.split(".") if rest else ():
        found = getattr(found, part)
    return cast("Handler", getattr(found, "handler", found))


def _peak_memory() -> int:
    """Bytes; 0 where the system does not say."""
    try:
        import resource  # noqa: PLC0415 (not on every system)
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def leave_it_to_the_worker(number: int, frame: FrameType | None) -> None:
    """Signals to the whole group are meant for the worker, which decides what becomes of its runs.

    A handler, because what is ignored would stay ignored in the programs that a run starts.
    """


def main() -> None:
    """Serve on what were stdin and stdout; what handlers print goes to stderr, and what they read is empty."""
    pipe = os.fdopen(os.dup(0), "rb")
    out = os.fdopen(os.dup(1), "wb")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave_it_to_the_worker)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    Child(pipe, out).serve()


if __name__ == "__main__":
    main()
