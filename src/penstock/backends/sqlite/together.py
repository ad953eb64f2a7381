"""A step's record in one transaction with what the step's code writes to the same file.

A transaction of its own, on a connection of its own, never shared with what others write; the file is kept from them
for a second at most. Blocks its thread. Knows no step but by its record.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from msgspec.structs import replace

from penstock.backends.sqlite import address, connect, procedures
from penstock.backends.sqlite.leases import record as record_all
from penstock.backends.sqlite.moments import microseconds_up
from penstock.backends.sqlite.session import Session
from penstock.backends.sqlite.turn import Turn
from penstock.backends.sqlite.writer import PATIENCE, is_trouble
from penstock.core.answers import Answer, Recorded
from penstock.core.clock import Clock
from penstock.core.errors import Closed, Invalid, Timeout, Unavailable
from penstock.core.leases import RecordStep, Step
from penstock.core.tx import Parameters, Rows, Tx

T = TypeVar("T")

LONGEST: Final = 1.0  # seconds for which others wait
AGAIN: Final = 0.05  # seconds between two interrupts of a statement that goes on
_OURS: Final = frozenset(
    {sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA}
)


class Guarded:
    """Implements `Statements` until its time is up: then all is undone, whatever the code is about."""

    def __init__(self, connection: sqlite3.Connection, seconds: float, undone: Callable[[], None]) -> None:
        self._connection = connection
        self._seconds = seconds
        self._undone = undone
        self._lock = threading.Lock()
        self._over: Exception | None = None
        self._refused = False
        self._late = False
        self.begun = False  # what is raised from now on may be the code's own
        self._timer = threading.Timer(seconds, self._stop)
        self._timer.daemon = True

    def begin(self) -> None:
        """From now on the time runs, and the code's statements are watched."""
        self.begun = True
        self._connection.execute("pragma recursive_triggers = off")  # as the user's own triggers expect it
        self._connection.set_authorizer(self._authorized)
        self._timer.start()

    def end(self) -> None:
        """The code has ended. Raises `Timeout` if that was too late: the caller undoes it, if it is not undone yet."""
        self._timer.cancel()
        with self._lock:
            if self._over is not None:
                raise self._over
            self._over = Closed("this Tx")
            self._connection.set_authorizer(None)
            self._connection.execute("pragma recursive_triggers = on")
            if self._late:
                raise Timeout(self._seconds)

    def check(self) -> None:
        """Raises `Invalid` if the transaction has ended under the code: what came after would be stored alone."""
        if not self._connection.in_transaction:  # "or rollback", or a trigger
            raise Invalid("sql", "?", "a statement before it has rolled the step's transaction back: let the step fail")

    def execute(self, sql: str, parameters: Parameters) -> Rows:
        with self._lock:
            cursor = self._run(lambda: self._connection.execute(sql, parameters))
            rows = self._run(cursor.fetchall)
            return Rows(rows, cursor.rowcount, cursor.lastrowid)

    def execute_many(self, sql: str, rows: Sequence[Parameters]) -> int:
        with self._lock:
            return self._run(lambda: self._connection.executemany(sql, rows)).rowcount

    def _run(self, statement: Callable[[], T]) -> T:
        self._check()
        try:
            return statement()
        except sqlite3.Error as error:
            if self._late:  # it was interrupted
                raise Timeout(self._seconds) from error
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_AUTH and self._refused:
                self._refused = False
                raise Invalid("sql", "?", "a step's transaction can't be ended, left or set up from within") from error
            raise

    def _check(self) -> None:
        if self._over is not None:
            raise self._over
        if self._late:
            raise Timeout(self._seconds)
        self.check()

    def _authorized(self, action: int, *_: str | None) -> int:
        self._refused = action in _OURS
        return sqlite3.SQLITE_DENY if self._refused else sqlite3.SQLITE_OK

    def _stop(self) -> None:
        """In the timer's thread: undo all, though the code may go on."""
        self._late = True
        while not self._lock.acquire(timeout=AGAIN):
            self._connection.interrupt()
        try:
            if self._over is None:
                self._over = Timeout(self._seconds)
                self._connection.set_authorizer(None)
                with suppress(sqlite3.Error):  # what can't be rolled back is when the connection is closed
                    self._connection.rollback()
                self._undone()
        finally:
            self._lock.release()


class Together:
    """What a store on a file adds: steps that write to it with their record."""

    _where: address.Address
    _namespace: str
    _clock: Clock
    _idle: list[sqlite3.Connection]  # that are set up, which takes a while
    _pid: int

    def record_with(self, record: RecordStep, work: Callable[[Tx], Step], seconds: float = LONGEST) -> Recorded:
        """Carry the work out and record what it returns, in one transaction. Repeated, it does the work once.

        The work is not begun if its lease is lost or the step is recorded: that is answered. What it raises is raised
        when all it wrote has been undone; `Timeout` if it takes longer than `seconds`. Raises `Unavailable`.
        """
        turn = Turn(self._where.path.with_name(self._where.path.name + "-turn"))
        turn.open()
        try:
            if not turn.take(PATIENCE):
                raise Unavailable("others kept the file busy", applied="no")
            return self._in_turn(record, work, min(seconds, LONGEST), turn)
        finally:
            turn.give()
            turn.close()

    def _in_turn(self, record: RecordStep, work: Callable[[Tx], Step], seconds: float, turn: Turn) -> Recorded:
        connection = self._connection()
        undone = threading.Event()

        def undo() -> None:
            undone.set()
            connection.close()
            turn.give()

        try:
            answered = self._carried_out(connection, record, work, Guarded(connection, seconds, undo))
        except BaseException:
            if not undone.is_set():
                self._put_back(connection)
            raise
        self._put_back(connection)
        return answered

    def _put_back(self, connection: sqlite3.Connection) -> None:
        try:
            connection.rollback()
        except sqlite3.Error:  # what can't be rolled back now is by the next who opens the file
            connection.close()
        else:
            self._idle.append(connection)

    def _carried_out(
        self, connection: sqlite3.Connection, record: RecordStep, work: Callable[[Tx], Step], guarded: Guarded
    ) -> Recorded:
        offset = procedures.in_namespace("select m.clock_offset from penstock_meta m", self._namespace)
        committing = False
        try:
            connection.execute("begin immediate")
            now = microseconds_up(self._clock()) + int(connection.execute(offset).fetchone()[0])
            answered = self._tried(connection, record, now)
            if answered.answer is Answer.OK:
                guarded.begin()
                try:
                    step = work(Tx(guarded))
                finally:
                    guarded.end()
                guarded.check()
                session = Session(connection, self._namespace, now)
                (answered,) = record_all(session, [replace(record, step=step)])
                answered = replace(answered, step=answered.step or step)
                session.rings()
            committing = answered.answer is Answer.OK
            connection.execute("commit" if committing else "rollback")
        except sqlite3.Error as error:
            if is_trouble(error) and (committing or not guarded.begun):
                raise connect.unavailable(error, committing=committing) from error
            raise
        return answered

    def _tried(self, connection: sqlite3.Connection, record: RecordStep, now: int) -> Recorded:
        """What recording it would be answered: while this transaction lasts, that stays so."""
        connection.execute("savepoint penstock_together")
        (answered,) = record_all(Session(connection, self._namespace, now), [record])
        connection.execute("rollback to penstock_together")
        return answered

    def _connection(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            raise Closed("the store")
        try:
            return self._idle.pop()
        except IndexError:
            connection = connect.connect(self._where.path, fast=self._where.fast, reads=False)
            procedures.define(connection, self._namespace)
            return connection

    def _let_go(self) -> None:
        """Close the connections that are at hand."""
        while self._idle:
            self._idle.pop().close()
