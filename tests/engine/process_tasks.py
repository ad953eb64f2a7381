"""Handlers that child processes import: module and name are their entry."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from penstock.core.control import Never
from penstock.core.ids import new_run_id
from penstock.core.leases import Ability, Claim, Complete, Outcome, Step
from penstock.core.retry import Retry
from penstock.core.run import ChildOf, Kind, NewRun
from penstock.engine.handler import Attempt, Executor


@dataclass(eq=False)
class ProcessHandler:
    """A handler in this module, under this name."""

    name: str
    body: Callable[[Attempt], bytes]
    task: str = "job"
    queue: str = "default"
    executor: Executor = Executor.PROCESS
    limited: bool = False
    asynchronous: bool = False
    seconds: float | None = None
    attempts: int = 2

    @property
    def ability(self) -> Ability:
        return Ability(task=self.task)

    @property
    def entry(self) -> tuple[str, str]:
        return __name__, self.name

    def timeout(self, claim: Claim) -> float | None:
        return self.seconds

    def retry(self, claim: Claim) -> Retry:
        return Retry(self.attempts, delay=0)

    async def work(self, attempt: Attempt) -> Outcome:
        await asyncio.sleep(0)
        return Complete(lease=attempt.lease, result=self.body(attempt))

    def work_in_thread(self, attempt: Attempt) -> Outcome:
        return Complete(lease=attempt.lease, result=self.body(attempt))


def _pid(attempt: Attempt) -> bytes:
    return str(os.getpid()).encode()


def _die(attempt: Attempt) -> bytes:
    if attempt.claim.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return str(os.getpid()).encode()


def _leave(attempt: Attempt) -> bytes:
    os._exit(7)


def _signalled(attempt: Attempt) -> bytes:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    return b"1"


def _spin(attempt: Attempt) -> bytes:
    attempt.emit("progress", str(os.getpid()).encode())
    while True:
        time.monotonic()


def _fail(attempt: Attempt) -> bytes:
    raise ValueError("in the child")


def _never(attempt: Attempt) -> bytes:
    raise Never("for good")


def _prints(attempt: Attempt) -> bytes:
    sys.stdout.write("this must not disturb the pipe\n")
    sys.stdout.flush()
    return sys.stdin.read().encode()


def _asks(attempt: Attempt) -> bytes:
    """Everything that a handler may ask of its worker."""
    attempt.emit("log", b"one")
    attempt.emit("log", b"two")
    child = NewRun(id=new_run_id(), task="other", parent=ChildOf(parent_id=attempt.claim.run_id, kind=Kind.STARTED))
    spawned = attempt.run(attempt.spawn([child]))
    recorded = attempt.run(attempt.record(Step(path="a", value=b"1")))
    again = attempt.run(attempt.record(Step(path="a", value=b"2")))
    assert again.step is not None
    return f"{spawned.answer} {recorded.answer} {again.step.value!r} {attempt.may_start()}".encode()


def _talk(attempt: Attempt) -> bytes:
    for number in range(500):
        attempt.emit("log", b"%d" % number)
    return b"1"


pid = ProcessHandler("pid", _pid)
talk = ProcessHandler("talk", _talk)
pid_async = ProcessHandler("pid_async", _pid, asynchronous=True)
die = ProcessHandler("die", _die)
signalled = ProcessHandler("signalled", _signalled)
leave = ProcessHandler("leave", _leave)
spin = ProcessHandler("spin", _spin, seconds=0.3, attempts=1)
spin_for_ever = ProcessHandler("spin_for_ever", _spin)
fail = ProcessHandler("fail", _fail)
never = ProcessHandler("never", _never)
prints = ProcessHandler("prints", _prints)
asks = ProcessHandler("asks", _asks)
missing = ProcessHandler("no_such_name", _pid)
