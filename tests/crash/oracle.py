"""What happened, written down outside the store: one file for each process, one line for each event, one write a line.

What was written before a SIGKILL stays: it is in the page cache of a machine that lives on. All processes share one
monotonic clock, so the lines of all files have one order.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec

Lease: TypeAlias = tuple[str, str]  # run and token


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. What does not apply is empty."""

    at: float
    pid: int
    kind: str
    run: str = ""
    token: str = ""
    fence: int = 0  # of the claim: grows with each claim of the run
    number: int = -1  # of the work
    answer: str = ""
    detail: str = ""

    @property
    def lease(self) -> Lease:
        """The lease that it speaks of: claims of one call may share a token."""
        return self.run, self.token


class Journal:
    """Where one process writes its events. Any thread may."""

    def __init__(self, folder: Path, name: str) -> None:
        path = folder / f"{name}-{os.getpid()}.events"
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
        self._pid = os.getpid()

    def write(
        self,
        kind: str,
        *,
        run: str = "",
        token: str = "",
        fence: int = 0,
        number: int = -1,
        answer: str = "",
        detail: str = "",
    ) -> None:
        event = Event(
            at=time.monotonic(),
            pid=self._pid,
            kind=kind,
            run=run,
            token=token,
            fence=fence,
            number=number,
            answer=answer,
            detail=detail,
        )
        os.write(self._file, msgspec.json.encode(event) + b"\n")


class Tail:
    """The events of a folder, or of the processes of one name, as they appear: each once, in the order of each file."""

    def __init__(self, folder: Path, name: str = "") -> None:
        self._folder = folder
        self._pattern = f"{name}*.events"
        self._read: dict[Path, int] = {}

    def new(self) -> Iterator[Event]:
        for path in sorted(self._folder.glob(self._pattern)):
            begin = self._read.get(path, 0)
            with path.open("rb") as file:
                file.seek(begin)
                data = file.read()
            whole = data.rfind(b"\n") + 1  # the last line may be under way
            self._read[path] = begin + whole
            for line in data[:whole].splitlines():
                yield msgspec.json.decode(line, type=Event)


def events(folder: Path, name: str = "") -> list[Event]:
    """All that was written, in the order of the clock."""
    return sorted(Tail(folder, name).new(), key=lambda event: event.at)
