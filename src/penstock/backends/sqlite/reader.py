"""The threads that read. Each read sees one consistent moment and never waits for a writer. Knows no operation."""

import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from penstock.backends.sqlite import connect
from penstock.backends.sqlite.promise import Promise, keep_all
from penstock.core.errors import Closed

T = TypeVar("T")
THREADS: Final = 2


class Reader:
    """Reads for callers in any loop."""

    def __init__(self, path: Path, *, fast: bool) -> None:
        self._path: Final = path
        self._fast: Final = fast
        self._jobs: Final[queue.SimpleQueue[Promise[Any] | None]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock: Final = threading.Lock()
        self._leaving: list[Promise[None]] = []  # one for each thread that is asked to stop
        self._pid = 0
        self._open = False

    def start(self) -> None:
        """Begin to read; the file is there."""
        self._open, self._pid = True, os.getpid()
        for number in range(THREADS):
            thread = threading.Thread(target=self._run, name=f"penstock-reader-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    async def do(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """What the job finds. Raises `Unavailable`."""
        promise = Promise[T](job)
        with self._lock:
            if not self._open or self._pid != os.getpid():
                raise Closed("the store")
            self._jobs.put(promise)
        return await promise.future

    async def stop(self) -> None:
        """Finish what was asked for, and no more."""
        with self._lock:
            if not self._open or self._pid != os.getpid():
                self._open = False
                return
            self._open = False
            self._leaving = [Promise[None](lambda: None) for _ in self._threads]
            leaving = list(self._leaving)
            for _ in self._threads:
                self._jobs.put(None)
        for promise in leaving:
            await promise.future
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while (promise := self._jobs.get()) is not None:
            try:
                if connection is None:
                    connection = connect.connect(self._path, fast=self._fast, reads=True)
                promise.result = _consistently(connection, promise)
            except sqlite3.OperationalError as error:
                promise.error = connect.unavailable(error, committing=False)
            except BaseException as error:  # noqa: BLE001 (whoever asked hears of it; the thread goes on)
                promise.error = error
            keep_all([promise])
        if connection is not None:
            connection.close()
        keep_all([self._leaving.pop()])


def _consistently(connection: sqlite3.Connection, promise: Promise[T]) -> T:
    connection.execute("begin")
    try:
        return promise.work(connection)
    finally:
        connection.rollback()
