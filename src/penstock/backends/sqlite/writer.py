"""The one thread of a process that writes to the file. What has gathered while it wrote shares the next commit.

A job that raises spoils nobody: the group is rolled back and its jobs are carried out one by one. Knows no operation.
"""

import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Collection
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from penstock.backends.sqlite import connect, migrate, procedures
from penstock.backends.sqlite.bell import FileDoorbell
from penstock.backends.sqlite.moments import microseconds_up
from penstock.backends.sqlite.neighbours import Neighbours
from penstock.backends.sqlite.promise import Promise, keep_all
from penstock.backends.sqlite.session import Session
from penstock.backends.sqlite.turn import Turn
from penstock.core.clock import Clock
from penstock.core.errors import Closed, Unavailable

T = TypeVar("T")
Job: TypeAlias = Callable[[Session], T]


class _Word(Enum):
    """What else can be said to the thread."""

    LOOK = "look"
    STOP = "stop"


MOST_JOBS: Final = 256  # of one commit
OPEN_FOR: Final = 0.002  # seconds for which a commit takes in jobs that come after it has begun
PATIENCE: Final = 10.0  # seconds for our turn to come
SOON: Final = 0.005  # seconds between two looks for what others wrote
LATER: Final = 0.025  # ... when nothing has happened for a while
LIVELY: Final = 1.0  # seconds that looks are frequent after something happened
INSPECTION: Final = 1.0  # seconds between two looks whether the file is still the file
IDLE: Final = 2.0  # seconds without work after which the log is folded into the file
UNASKED: Final = 0.05  # seconds in which nobody writes: who opens a file only to look into it is gone by then


class Writer:
    """Writes what callers hand in, in order, and rings the bell when it is stored."""

    def __init__(self, path: Path, *, fast: bool, namespace: str, clock: Clock, bell: FileDoorbell) -> None:
        self._path: Final = path
        self._fast: Final = fast
        self._namespace: Final = namespace
        self._clock: Final = clock
        self._bell: Final = bell
        self._jobs: Final[queue.SimpleQueue[Promise[Any] | _Word]] = queue.SimpleQueue()
        self._turn: Final = Turn(path.with_name(path.name + "-turn"))
        self._neighbours: Final = Neighbours(path.with_name(path.name + "-turn"), namespace, self._heard)
        self._lock: Final = threading.Lock()
        self._open = False
        self._left: Promise[None] | None = None  # who waits for the thread to end
        self._pid = 0
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version: int = 0
        self._seen = self._inspected = self._looked = 0.0
        self._dirty = False
        self._prepared: bool | None = None  # whether the connection knows the procedures; None: nobody has tried

    # in any loop

    async def start(self) -> None:
        """Begin to write; raises what is wrong with the file."""
        self._open, self._pid = True, os.getpid()
        ready = Promise[None](_nothing)
        self._thread = threading.Thread(target=self._run, args=(ready,), name="penstock-writer", daemon=True)
        self._thread.start()
        await ready.future

    async def do(self, job: Job[T], *, soon: Collection[str] = ()) -> T:
        """What the job answers, once that is stored. Raises `Unavailable` or what the job raised.

        `soon`: topics that it will ring. Who listens here hears at once: the claim stands behind the job, and shares
        its commit.
        """
        promise = Promise[T](job)
        self._hand_in(promise)
        if soon:
            self._bell.ring(soon)
        return await promise.future

    async def stop(self) -> None:
        """Finish what was handed in, and no more."""
        with self._lock:
            if not self._open:
                return
            self._open = False
            if self._pid != os.getpid():
                return
            self._left = Promise[None](_nothing)
            self._jobs.put(_Word.STOP)
        await self._left.future

    def look(self) -> None:
        """Hear what others ring, and look for what they wrote, from now on: somebody has begun to listen."""
        self._neighbours.listen()
        self._jobs.put(_Word.LOOK)

    def _hand_in(self, promise: Promise[Any]) -> None:
        with self._lock:
            if not self._open or self._pid != os.getpid():
                raise Closed("the store")
            self._jobs.put(promise)

    # in the thread

    def _run(self, ready: Promise[None]) -> None:
        try:
            self._begin()
        except BaseException as error:  # noqa: BLE001 (whoever opens the store hears of it)
            ready.error = error
            self._open = False
            self._neighbours.close()
            self._turn.close()
            keep_all([ready])
            return
        keep_all([ready])
        try:
            self._serve()
        finally:
            self._end()
            self._turn_away()
            if self._left is not None:
                keep_all([self._left])

    def _begin(self) -> None:
        connect.check_place(self._path)
        self._turn.open()
        self._neighbours.open()
        if not self._turn.take(PATIENCE):
            raise Unavailable("others kept the file busy while it was opened", applied="no")
        try:
            self._connection = connect.connect(self._path, fast=self._fast, reads=False)
            try:
                migrate.migrate(self._connection, self._namespace, microseconds_up(self._clock()))
            except sqlite3.Error as error:
                raise connect.refusal(error, self._path) from error
        except BaseException:
            if self._connection is not None:
                self._connection.close()
            raise
        finally:
            self._turn.give()
        self._file = self._identity()
        self._version = self._data_version()

    def _serve(self) -> None:
        while True:
            gathered = self._gather()
            if gathered is None:
                return
            if gathered:
                self._seen = time.monotonic()
                self._dirty = True
                self._commit(gathered)
            elif self._prepared is None:
                self._prepare()
            self._look()

    def _gather(self) -> list[Promise[Any]] | None:
        """All jobs that are there; none after a while; None: there will be no more."""
        try:
            first = self._jobs.get(timeout=self._patience())
        except queue.Empty:
            return []
        jobs: list[Promise[Any]] = []
        found: Promise[Any] | _Word = first
        while True:
            if found is _Word.STOP:
                self._jobs.put(found)  # for the next call, if there is work before it
                return jobs or None
            if isinstance(found, Promise) and not found.future.cancelled():
                jobs.append(found)
            if len(jobs) == MOST_JOBS:
                return jobs
            try:
                found = self._jobs.get_nowait()
            except queue.Empty:
                return jobs

    def _joiners(self) -> list[Promise[Any]]:
        """One that came while the others were carried out, if any."""
        try:
            found = self._jobs.get_nowait()
        except queue.Empty:
            return []
        if isinstance(found, Promise):
            return [] if found.future.cancelled() else [found]
        self._jobs.put(found)  # for `_gather`
        return []

    def _prepare(self) -> sqlite3.Error | None:
        """Have the connection know the procedures: long before the turn to write, for others write meanwhile."""
        assert self._connection is not None
        try:
            procedures.define(self._connection, self._namespace)
        except sqlite3.Error as error:  # who writes next tries again, and is told
            self._prepared = False
            return error
        self._prepared = True
        return None

    def _patience(self) -> float | None:
        if self._prepared is None:
            return UNASKED
        lively = time.monotonic() - self._seen < LIVELY
        if self._bell.heard:
            return SOON if lively else LATER
        return IDLE if self._dirty else None

    def _commit(self, jobs: list[Promise[Any]]) -> None:
        """One transaction for all; if one job raises, one for each."""
        rings, after = self._attempt(jobs)
        if rings is None and len(jobs) > 1:
            for job in jobs:
                job.error = job.result = None
                self._commit([job])
            return
        for action in after:
            action()
        if rings:
            self._bell.ring(rings)
            self._neighbours.tell(rings)
        keep_all(jobs)

    def _attempt(self, jobs: list[Promise[Any]]) -> tuple[frozenset[str] | None, list[Callable[[], None]]]:
        """Topics to ring and what to do after the commit. None: nothing was stored, because of an error at some job."""
        try:
            session = self._start_transaction()
        except Unavailable as error:
            for job in jobs:
                job.error = error
            return frozenset(), []
        try:
            return self._carry_out(session, jobs)
        finally:
            self._turn.give()

    def _start_transaction(self) -> Session:
        assert self._connection is not None
        self._inspect()
        if not self._prepared and (trouble := self._prepare()) is not None:
            raise connect.unavailable(trouble, committing=False) from trouble
        if not self._turn.take(PATIENCE):
            raise Unavailable("others kept the file busy", applied="no")
        try:
            self._connection.execute("begin immediate")
            offset = self._connection.execute(
                procedures.in_namespace("select m.clock_offset from penstock_meta m", self._namespace)
            ).fetchone()[0]
        except sqlite3.Error as error:
            self._connection.rollback()
            self._turn.give()
            raise connect.unavailable(error, committing=False) from error
        return Session(self._connection, self._namespace, microseconds_up(self._clock()) + offset)

    def _carry_out(
        self, session: Session, jobs: list[Promise[Any]]
    ) -> tuple[frozenset[str] | None, list[Callable[[], None]]]:
        job, committing = jobs[0], False
        until = time.monotonic() + OPEN_FOR
        try:
            for job in jobs:
                job.result = job.work(session)
                if job is jobs[-1] and len(jobs) < MOST_JOBS and time.monotonic() < until:
                    jobs += self._joiners()
            rings = session.rings()
            committing = True
            session.connection.execute("commit")
        except BaseException as error:  # noqa: BLE001 (whoever asked hears of it; the thread goes on)
            self._roll_back()
            reason: BaseException = error
            if isinstance(error, sqlite3.Error) and is_trouble(error):
                reason = connect.unavailable(error, committing=committing)
            for one in jobs if committing else [job]:
                one.error = reason
            return (frozenset() if committing else None), []
        return rings, session.after

    def _roll_back(self) -> None:
        assert self._connection is not None
        try:
            self._connection.rollback()
        except sqlite3.Error:  # what can't be rolled back now is by the next who opens the file
            self._connection.close()
            self._connection = connect.connect(self._path, fast=self._fast, reads=False)
            self._prepared = False

    def _look(self) -> None:
        """Ring for what others wrote; fold the log into the file when there is time."""
        now = time.monotonic()
        if self._bell.heard and now - self._looked >= SOON:
            self._looked = now
            version = self._data_version()
            if version != self._version:
                self._version, self._seen = version, now
                self._bell.ring_all()
        if self._dirty and now - self._seen >= IDLE and self._turn.take(0.0):
            try:
                assert self._connection is not None
                self._dirty = not connect.fold(self._connection)
                self._seen = now
            finally:
                self._turn.give()

    def _data_version(self) -> int:
        assert self._connection is not None
        try:
            return int(self._connection.execute("pragma data_version").fetchone()[0])
        except sqlite3.Error:  # a hint may be missed
            return self._version

    def _inspect(self) -> None:
        """Raises `Unavailable` if the file was deleted or replaced: what we wrote would be lost."""
        now = time.monotonic()
        if now - self._inspected >= INSPECTION:
            if self._identity() != self._file:
                raise Unavailable(f"{self._path} was deleted or replaced while in use", applied="no")
            self._inspected = now

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _turn_away(self) -> None:
        """Whoever still waits need not: nobody will write any more."""
        with self._lock:
            self._open = False
        left: list[Promise[Any]] = []
        while not self._jobs.empty():
            job = self._jobs.get_nowait()
            if isinstance(job, Promise):
                job.error = Closed("the store")
                left.append(job)
        keep_all(left)

    def _heard(self, topics: frozenset[str] | None) -> None:
        """A neighbour has rung."""
        if topics is None:
            self._bell.ring_all()
        else:
            self._bell.ring(topics)

    def _end(self) -> None:
        self._neighbours.close()
        self._turn.take(PATIENCE)
        try:
            if self._connection is not None:
                self._connection.close()  # the last one folds the log into the file
        finally:
            self._turn.give()
            self._turn.close()


def _nothing(_: Session) -> None:
    """A job that only waits for those before it."""


def is_trouble(error: BaseException) -> bool:
    """Whether this is the database's trouble, not the job's."""
    return isinstance(error, sqlite3.OperationalError) or (
        isinstance(error, sqlite3.DatabaseError)
        and connect.primary(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    )
