"""Enqueueing in the caller's own transaction, on the caller's own connection."""

import sqlite3
from collections.abc import Collection
from pathlib import Path

from penstock.backends.sqlite import address, migrate, procedures
from penstock.backends.sqlite.callers import enter
from penstock.backends.sqlite.moments import microseconds_up
from penstock.backends.sqlite.session import Session
from penstock.core.answers import Accepted, Refused
from penstock.core.clock import Clock
from penstock.core.errors import Invalid
from penstock.core.requests import Group


class Within:
    """Enqueue with what else the caller writes: all of it is stored, or nothing."""

    _where: address.Address
    _namespace: str
    _clock: Clock

    def enqueue_within(self, connection: object, groups: Collection[Group]) -> list[Accepted | Refused]:
        """Store the groups with the caller's transaction. `connection`: a `sqlite3.Connection` to the store's file.

        Nobody is rung before the caller commits: workers see it when they next look at the file, a moment later.
        """
        if not isinstance(connection, sqlite3.Connection):
            raise Invalid("connection", connection, "it must be a sqlite3.Connection")
        as_text, connection.text_factory = connection.text_factory, str
        as_row, connection.row_factory = connection.row_factory, None
        try:
            return self._enqueue(connection, list(groups))
        finally:
            connection.text_factory, connection.row_factory = as_text, as_row

    def _enqueue(self, connection: sqlite3.Connection, groups: list[Group]) -> list[Accepted | Refused]:
        self._check_file(connection)
        if connection.isolation_level is None and not connection.in_transaction:
            raise Invalid("connection", connection, "it has no transaction under way: begin one first")
        recursive = connection.execute("pragma recursive_triggers").fetchone()[0]
        try:
            connection.execute("pragma recursive_triggers = on")
            self._define(connection)
            text = procedures.in_namespace("select m.clock_offset from penstock_meta m", self._namespace)
            now = microseconds_up(self._clock()) + int(connection.execute(text).fetchone()[0])
            session = Session(connection, self._namespace, now)
            answers = enter(session, groups, set())
            session.rings()
            return answers
        finally:
            connection.execute(f"pragma recursive_triggers = {recursive}")

    def _check_file(self, connection: sqlite3.Connection) -> None:
        for _, name, file in connection.execute("pragma database_list"):
            if name == "main" and file and Path(file).exists() and Path(file).samefile(self._where.path):
                return
        raise Invalid("connection", connection, f"its main database must be {self._where.path}")

    def _define(self, connection: sqlite3.Connection) -> None:
        """Make the connection know the procedures, if a transaction that was rolled back has not left them there."""
        if not migrate.version(connection, self._namespace):
            raise Invalid("connection", connection, "the store has not been opened yet")
        known = connection.execute(
            "select 1 from sqlite_temp_master where name = ?", (f"{self._namespace}_do_enqueue",)
        ).fetchone()
        if known is None:
            procedures.define(connection, self._namespace)
