"""CPU-bound handlers: each attempt has a child process, used again by later ones, and killed to interrupt it.

The worker keeps the leases, so a child that computes for an hour loses nothing; one that dies fails its attempt, with
the reason, and the next run gets a new one.
"""
# ruff: noqa: N818 (the names say what happened)

import asyncio
import logging
import os
import signal
import sys
from asyncio import CancelledError
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import Final

from penstock.core.errors import Flooded, PenstockError
from penstock.core.leases import Append, Claim, Outcome, Release
from penstock.engine import frames
from penstock.engine.attempt import verdict
from penstock.engine.handler import Attempt
from penstock.engine.held import Books, Held

GONE_WITHIN: Final = 5.0  # seconds for a killed process to be gone

_log: Final = logging.getLogger(__name__)


class ChildDied(PenstockError):
    """The child process ended while it carried out the attempt."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the child process that carried out the attempt ended: {reason}")
        self.reason = reason


class ChildBroken(PenstockError):
    """The child process could not import the handler."""


class Child:
    """One child process, seen from the worker."""

    def __init__(self, process: Process) -> None:
        self.runs = 0
        self.memory = 0
        self._process = process
        self._stdin, self._stdout = _pipes(process)

    @property
    def alive(self) -> bool:
        """Whether it can be asked to do anything."""
        return self._process.returncode is None

    def send(self, frame: frames.ToChild) -> None:
        """Write one frame; if the child is gone, reading says so."""
        if not self._stdin.is_closing():
            self._stdin.write(frames.pack(frame))

    async def read(self) -> frames.FromChild:
        """The next frame. Raises `ChildDied` if there is none."""
        stream = self._stdout
        try:
            (length,) = frames.LENGTH.unpack(await stream.readexactly(frames.LENGTH.size))
            frame: frames.FromChild = frames.from_child.decode(await stream.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            raise ChildDied(_reason(await self._process.wait())) from None
        return frame

    def kill(self) -> None:
        """End it, whatever it does."""
        if self.alive:
            self._process.kill()

    async def gone(self) -> None:
        """Return when it is gone, and its pipes are closed."""
        self.kill()
        self._stdin.close()
        try:
            async with asyncio.timeout(GONE_WITHIN):
                await self._process.wait()
        except TimeoutError:  # killed, and stuck in the system
            _log.exception("child process %d does not go", self._process.pid)


def _pipes(process: Process) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
    if process.stdin is None or process.stdout is None:
        raise OSError("the child process has no pipes")
    return process.stdin, process.stdout


async def new_child() -> Child:
    """A child that finds the same modules as this process does."""
    paths = os.pathsep.join(path for path in sys.path if path)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "penstock.engine.child",
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )
    return Child(process)


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _main() -> str | None:
    """The module or file that this process runs, for a child to find what is defined there."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    path: str | None = getattr(main, "__file__", None)
    return path if spec is None else str(spec.name)


async def converse(
    child: Child, attempt: Attempt, claim: Claim, entry: tuple[str, str], *, begun: Callable[[], None]
) -> frames.Done:
    """Have the child carry the claim out: what it says in the end. Raises `ChildDied`, `ChildBroken`."""
    module, name = entry
    child.runs += 1
    child.send(
        frames.Work(
            claim=claim,
            worker=attempt.worker,
            module=module,
            name=name,
            main=_main() if module == "__main__" else None,
            safe_for=attempt.safe_until - attempt.host.clock(),
        )
    )
    while True:
        frame = await child.read()
        match frame:
            case frames.Began():
                begun()
            case frames.Line(entry=line):
                await _append(attempt, line)
            case frames.Ask():
                child.send(await _reply(attempt, frame))
            case frames.Broken(reason=reason):
                raise ChildBroken(reason)
            case frames.Done():
                return frame


async def carry_alone(attempt: Attempt, claim: Claim, entry: tuple[str, str]) -> Outcome | None:
    """What comes of the claim in a child of its own, which is gone when this returns, raises or is cancelled.

    For a part of an attempt: lines and requests go where those of the attempt do. Raises `ChildDied`, `ChildBroken`.
    """
    child = await new_child()
    try:
        return frames.outcome_of(await converse(child, attempt, claim, entry, begun=lambda: None))
    finally:
        await child.gone()


async def _reply(attempt: Attempt, ask: frames.Ask) -> frames.Reply:
    host = attempt.host
    try:
        if ask.spawn is not None:
            return frames.Reply(number=ask.number, spawned=await host.spawn(ask.spawn))
        if ask.record is not None:
            return frames.Reply(number=ask.number, recorded=await host.record(ask.record))
        if ask.block is not None:
            return frames.Reply(number=ask.number, blocked=await host.block(ask.block))
        if ask.children is not None:
            look = ask.children
            page = await host.children(look.run_id, after=look.after, limit=look.limit)
            return frames.Reply(number=ask.number, children=page)
        if ask.drop is not None:
            return frames.Reply(number=ask.number, dropped=tuple(await host.drop(attempt.lease, ask.drop)))
    except Exception as error:  # noqa: BLE001 (it is raised in the child, where the handler called)
        return frames.Reply(number=ask.number, error=f"{type(error).__name__}: {error}")
    return frames.Reply(number=ask.number, error="it asked for nothing")


class ProcessCarrier:
    """Carries attempts out in child processes: as many as there are such runs at once."""

    only_told = False

    def __init__(self, books: Books, *, runs: int, memory: int | None) -> None:
        self._books = books
        self._runs = runs
        self._memory = memory
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, held: Held) -> None:
        """Begin as soon as a child is there."""
        task = asyncio.get_running_loop().create_task(self._carry(held), name=held.attempt.claim.run_id)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def interrupt(self, held: Held) -> None:
        """Kill the child; one that is not there yet sees the flag."""
        if isinstance(held.child, Child):
            held.child.kill()

    def safe(self, held: Held) -> None:
        """Tell the child that its lease was extended."""
        if isinstance(held.child, Child):
            held.child.send(frames.Safe(safe_for=held.attempt.safe_until - held.attempt.host.clock()))

    async def close(self) -> None:
        """Kill the children."""
        self._closed = True
        for child in self._busy:
            child.kill()
        if self._tasks:  # each ends with its child
            await asyncio.wait(self._tasks, timeout=GONE_WITHIN)
        while self._idle:
            await self._idle.pop().gone()

    async def _carry(self, held: Held) -> None:
        outcome: Outcome | None
        child: Child | None = None
        try:
            child = held.child = await self._child()
            self._busy.add(child)
            outcome = await self._converse(held, child)
        except CancelledError:  # the loop goes without this run
            if child is not None:
                child.kill()
            raise
        except OSError:  # no process to be had: not the run's fault
            _log.exception("run %s needs a child process, and there is none to be had", held.attempt.claim.run_id)
            outcome = Release(lease=held.attempt.lease)
            self._books.rest()
        held.child = None
        self._books.finished(held, outcome)
        if child is not None:
            await self._put_back(child)

    async def _child(self) -> Child:
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
            await child.gone()
        return await new_child()

    async def _converse(self, held: Held, child: Child) -> Outcome | None:
        """One attempt, in frames."""
        try:
            return await self._frames(held, child)
        except (ChildDied, ChildBroken) as error:
            return await self._died(held, child, error)

    async def _frames(self, held: Held, child: Child) -> Outcome | None:
        attempt = held.attempt
        if attempt.stop.requested or self._closed:
            return await verdict(held.trade.handler, attempt, CancelledError())
        done = await converse(
            child, attempt, attempt.claim, held.trade.handler.entry, begun=lambda: self._books.begun(held)
        )
        child.memory = done.memory
        return frames.outcome_of(done)

    async def _died(self, held: Held, child: Child, error: ChildDied | ChildBroken) -> Outcome | None:
        """Killed by us: what the stop means. Dead before it took the run: free. Else a failed attempt."""
        attempt = held.attempt
        if attempt.stop.requested:
            return await verdict(held.trade.handler, attempt, CancelledError())
        if isinstance(error, ChildDied) and not held.began and child.runs > 1:
            return Release(lease=attempt.lease)
        return await verdict(held.trade.handler, attempt, error)

    async def _put_back(self, child: Child) -> None:
        """Keep the child for the next run, unless it is dead, old or fat."""
        self._busy.discard(child)
        worn = child.runs >= self._runs or (self._memory is not None and child.memory > self._memory)
        if child.alive and not worn and not self._closed:
            self._idle.append(child)
        else:
            await child.gone()


async def _append(attempt: Attempt, entry: Append) -> None:
    """Store the line soon. While there is no room nothing more is read, and the child waits as it writes."""
    try:
        attempt.host.append(entry)
    except Flooded:
        await attempt.flush()
        attempt.host.append(entry)
