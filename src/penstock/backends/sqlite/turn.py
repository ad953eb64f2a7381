"""Whose turn it is to write: processes on one file queue for it here, in order, before they ask SQLite.

SQLite lets writers poll for its lock, and the busiest wins. Two locks of the operating system make a queue: the holder
of `next` stands at its head, waiting for `turn`. The kernel frees both when a process dies. Knows no database.
"""

import os
import sys
import threading
import weakref
from pathlib import Path
from typing import Final

if sys.platform != "win32":  # elsewhere SQLite's own lock has to do
    import fcntl

_HAS_LOCKS: Final = sys.platform != "win32"


class _Waiter(threading.Thread):
    """Waits where a wait can't be cut short, so that whoever wants the turn can give up."""

    def __init__(self, head: int, turn: int) -> None:
        super().__init__(name="penstock-turn", daemon=True)
        self._head, self._turn = head, turn
        self._lock = threading.Lock()
        self._came = threading.Event()
        self._wanted = True
        self.closes = False  # the files, when it is through

    def run(self) -> None:
        fcntl.flock(self._head, fcntl.LOCK_EX)
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        fcntl.flock(self._head, fcntl.LOCK_UN)
        with self._lock:
            if self._wanted:
                self._came.set()
            else:
                fcntl.flock(self._turn, fcntl.LOCK_UN)
        if self.closes:
            os.close(self._head)
            os.close(self._turn)

    def want(self) -> bool:
        """Whether it still waits, and so can wait for somebody else."""
        with self._lock:
            self._wanted = self.is_alive()
            return self._wanted

    def came(self, timeout: float) -> bool:
        """Whether the turn came in time. If not, it goes to the next as soon as it comes."""
        if self._came.wait(timeout):
            return True
        with self._lock:
            self._wanted = self._came.is_set()
            return self._wanted


class Turn:
    """One process's place in the queue. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._files: list[int] = []
        self._waiter: _Waiter | None = None

    def open(self) -> None:
        """Have the two locks at hand."""
        if _HAS_LOCKS:
            self._folder.mkdir(exist_ok=True)
            for name in ("next", "turn"):
                self._files.append(os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))
            _opened.add(self)

    def close(self) -> None:
        """Leave the queue."""
        files, self._files = self._files, []
        if self._waiter is not None and self._waiter.want():
            self._waiter.closes = True
            self._waiter.came(0.0)
        else:
            for file in files:
                os.close(file)

    def take(self, timeout: float) -> bool:
        """Whether it is our turn, at the latest after `timeout` seconds."""
        if not self._files:
            return True
        if self._waiter is None or not self._waiter.want():
            if self._take_at_once():
                return True
            if not timeout:
                return False
            self._waiter = _Waiter(*self._files)
            self._waiter.start()
        if not self._waiter.came(timeout):
            return False
        self._waiter.join()
        self._waiter = None
        return True

    def give(self) -> None:
        """Let the next one have it."""
        if self._files:
            fcntl.flock(self._files[1], fcntl.LOCK_UN)

    def _take_at_once(self) -> bool:
        head, turn = self._files
        try:
            fcntl.flock(head, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            fcntl.flock(head, fcntl.LOCK_UN)
        return True

    def forget(self) -> None:
        """In a forked child: what it inherited would keep the turn when its parent dies."""
        for file in self._files:
            os.close(file)
        self._files = []


_opened: Final[weakref.WeakSet[Turn]] = weakref.WeakSet()


def _forget_all() -> None:
    for turn in list(_opened):
        turn.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
