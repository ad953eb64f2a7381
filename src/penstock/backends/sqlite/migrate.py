"""The schema of a namespace, brought up to date in one exclusive transaction. Numbered files, forward only."""

import secrets
import sqlite3
from importlib.resources import files
from typing import Final

from penstock.backends.sqlite.procedures import in_namespace
from penstock.core.errors import Invalid, Mismatch

_FOLDER: Final = files("penstock.backends.sqlite") / "schema"


def migrations() -> dict[int, tuple[str, str]]:
    """Version -> title and statements."""
    found: dict[int, tuple[str, str]] = {}
    for entry in sorted(_FOLDER.iterdir(), key=lambda entry: entry.name):
        number, _, title = entry.name.removesuffix(".sql").partition("_")
        found[int(number)] = (title.replace("_", " "), entry.read_text(encoding="utf-8"))
    return found


NEWEST: Final = max(migrations())


def migrate(connection: sqlite3.Connection, namespace: str, now: int) -> None:
    """Create what is missing. Raises `Mismatch` if a later version of the library has been here."""
    if f"{namespace}_".lower().startswith("sqlite_"):
        raise Invalid("namespace", namespace, "SQLite keeps names that begin so to itself")
    if version(connection, namespace) == NEWEST:
        return
    connection.execute("begin exclusive")
    try:
        present = version(connection, namespace)
        for number, (title, statements) in migrations().items():
            if number > present:
                _apply(connection, in_namespace(statements, namespace))
                connection.execute(
                    in_namespace("insert into penstock_migration values (?, ?, ?)", namespace), (number, title, now)
                )
        if not present:
            _begin(connection, namespace)
        connection.execute("commit")
    except BaseException:
        connection.rollback()
        raise


def version(connection: sqlite3.Connection, namespace: str) -> int:
    """The version of the namespace's schema; 0: there is none. Raises `Mismatch` where we can't work."""
    table = f"{namespace}_migration"
    found = connection.execute(
        "select name from sqlite_master where type = 'table' and lower(name) = lower(?)", (table,)
    )
    name = found.fetchone()
    if name is None:
        return 0
    if name[0] != table:
        raise Mismatch("the namespace", namespace, name[0].removesuffix("_migration"))
    present = int(connection.execute(f'select max(version) from "{table}"').fetchone()[0])  # noqa: S608 (a checked name)
    if present > NEWEST:
        raise Mismatch("the schema's version", NEWEST, f"{present}, of a later version of the library")
    return present


def _apply(connection: sqlite3.Connection, script: str) -> None:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def _begin(connection: sqlite3.Connection, namespace: str) -> None:
    """The rows that are always there."""
    connection.execute(
        in_namespace("insert into penstock_meta (one, store_id, namespace) values (1, ?, ?)", namespace),
        (secrets.token_hex(8), namespace),
    )
    connection.execute(in_namespace("insert into penstock_tick values (1, 0, 0)", namespace))
