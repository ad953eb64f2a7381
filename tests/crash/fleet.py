"""The processes of a crash test: started, hit by faults, started again, and all gone in the end."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from tests.crash.oracle import Event, Lease, Tail

ROOT: Final = Path(__file__).parent.parent.parent


class TookTooLong(AssertionError):  # noqa: N818 (the name says what happened)
    """Something that had to happen did not."""


def wait_until(holds: Callable[[], object], what: str, seconds: float) -> None:
    """Look every 10 ms; raises `TookTooLong`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TookTooLong(f"waited {seconds:g} s for {what}")
        time.sleep(0.01)


class Member:
    """One process, and what is known about it from outside."""

    def __init__(self, module: str, name: str, folder: Path, *arguments: str) -> None:
        self.name = name
        self.errors = folder / f"{name}.errors"
        with self.errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"tests.crash.{module}", str(folder), *arguments],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                text=True,
            )
        self.pid = self._process.pid

    def tell(self, line: str) -> None:
        """A line on its standard input; one that is dead does not hear it."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def arm(self, point: str, nth: int, what: signal.Signals = signal.SIGKILL) -> None:
        """The nth passage of this point sends the signal."""
        self.tell(f"arm {point} {nth} {what.name}")

    def send(self, what: signal.Signals) -> None:
        """The signal, from outside."""
        self._process.send_signal(what)

    @property
    def code(self) -> int | None:
        """How it ended; None: it lives."""
        return self._process.poll()

    @property
    def stopped(self) -> bool:
        """Whether it stands still, by SIGSTOP."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"

    def hang_up(self) -> None:
        """End of its input."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def wait(self, seconds: float) -> int:
        """Its exit code. Raises `TookTooLong`."""
        wait_until(lambda: self.code is not None, f"{self.name} to end", seconds)
        return self._process.returncode

    def kill(self) -> None:
        """Gone, whatever it is doing."""
        if self.code is None:
            self._process.kill()
        self._process.wait()
        if self._process.stdin is not None and not self._process.stdin.closed:
            with suppress(BrokenPipeError):
                self._process.stdin.close()


class Fleet:
    """All processes of one test in one folder, and what they have written so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.seen = Counter[str]()  # events by kind
        self.held: dict[int, set[Lease]] = {}  # what a process has claimed and not settled, by pid
        self._tail = Tail(folder)
        self._members: list[Member] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            member.kill()

    def start(self, module: str, name: str, *arguments: str) -> Member:
        """One more process."""
        member = Member(module, name, self.folder, *arguments)
        self._members.append(member)
        return member

    def look(self) -> list[Event]:
        """What was written since the last look."""
        new = list(self._tail.new())
        self.events += new
        for event in new:
            self.seen[event.kind] += 1
            held = self.held.setdefault(event.pid, set())
            if event.kind == "claimed":
                held.add(event.lease)
            elif event.kind == "settled":
                held.discard(event.lease)
        return new

    def wait_for(self, kind: str, seconds: float, *, pid: int | None = None, number: int | None = None) -> Event:
        """The first event of this kind (by that process, of that number) that is or comes. Raises `TookTooLong`."""
        found: list[Event] = []

        def holds() -> bool:
            self.look()
            found.extend(
                event
                for event in self.events
                if event.kind == kind and pid in {None, event.pid} and number in {None, event.number}
            )
            return bool(found)

        wait_until(holds, f"{kind!r} of {pid or 'anybody'}", seconds)
        return found[0]

    def troubles(self) -> str:
        """The last lines of every process that has said something is wrong."""
        said = ((member.name, member.errors.read_text(encoding="utf-8").splitlines()[-8:]) for member in self._members)
        return "\n".join(f"{name}: {line}" for name, lines in dict(said).items() for line in lines)
