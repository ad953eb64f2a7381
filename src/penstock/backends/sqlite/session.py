"""One write transaction as operations see it: batches into procedures, their answers out. Knows no operation.

Every statement lets go of the interpreter, and a busy loop in another thread takes milliseconds to give it back; so a
batch is one statement of many rows, and what it answers is read as one row.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Final, TypeAlias

import msgspec

from penstock.backends.sqlite.procedures import ARGUMENT, arguments, in_namespace, sources

Value: TypeAlias = str | int | float | bytes | None
Row: TypeAlias = tuple[Value, ...]

SIZES: Final = (1, 4, 16, 64, 256)  # rows of a statement: few sizes, so that few are compiled; the rest is padding
_VARIABLES: Final = 32_000  # that a statement may have, by default


class Problem(msgspec.Struct, array_like=True):
    """What one item of a batch was answered, other than the plain yes."""

    i: int
    word: str
    n: int | None
    path: str | None


_PROBLEMS: Final = msgspec.json.Decoder(list[Problem])


@cache
def insert_sql(table: str, columns: tuple[str, ...], rows: int, fixed: int) -> str:
    """A statement for so many rows; those that begin with NULL do not count, the last columns are the same in all."""
    varying = len(columns) - fixed
    values = ", ".join(["(" + ", ".join("?" * varying) + ")"] * rows)
    last = "".join(", ?" * fixed)
    return f"insert into {table} ({', '.join(columns)}) select *{last} from (values {values}) where column1 is not null"  # noqa: S608


@cache
def rows_sql(script: str, rows: int) -> str:
    """The script's one statement, with its last brackets as often as there are rows. ?1 is `now`."""
    found = sources()[script]
    assert found.each is not None, f"{script}.sql says nothing of rows"
    columns = {name: number for number, name in enumerate(found.each)}
    head, _, row = found.text.partition("values")

    def numbered(number: int) -> str:
        first = number * len(columns) + 2
        return ARGUMENT.sub(lambda name: "?1" if name[1] == "now" else f"?{first + columns[name[1]]}", row)

    return f"{head}values {', '.join(numbered(number) for number in range(rows))}"


class Session:
    """A transaction that is under way. `now`: microseconds, the same for all of it."""

    def __init__(self, connection: sqlite3.Connection, namespace: str, now: int) -> None:
        self.connection: Final = connection
        self.namespace: Final = namespace
        self.now: Final = now
        self.rung: set[str] = set()  # topics, beside those that scripts have rung
        self.after: list[Callable[[], None]] = []  # what is to be done once this has been committed

    def sql(self, text: str) -> str:
        """The text for this namespace."""
        return _named(text, self.namespace)

    def execute(self, text: str, values: Sequence[Value] = ()) -> sqlite3.Cursor:
        """One plain statement."""
        return self.connection.execute(_named(text, self.namespace), values)

    def call(self, operation: str, *values: Value) -> None:
        """One call of a procedure, with `now` as its last argument if it has that."""
        columns = arguments(operation)
        if columns[-1] == "now":
            values = (*values, self.now)
        marks = ", ".join("?" * len(columns))
        sql = _named(f"insert into penstock_do_{operation} values ({marks})", self.namespace)  # noqa: S608 (ours)
        self.connection.execute(sql, values)

    def each(self, operation: str, rows: Sequence[Row]) -> None:
        """A call of the procedure for each row, in order; no row begins with None."""
        columns = arguments(operation)
        fixed = (self.now,) if columns[-1] == "now" else ()
        self.insert(f"penstock_do_{operation}", columns, rows, fixed)

    def rows(self, script: str, rows: Sequence[Row]) -> None:
        """The script for all rows, in one statement or a few."""
        columns = len(sources()[script].each or ())
        for part, size in _parts(rows, columns, 1):
            padding = (None,) * (columns * (size - len(part)))
            self.connection.execute(
                _named(rows_sql(script, size), self.namespace), [self.now, *chain.from_iterable(part), *padding]
            )

    def insert(self, table: str, columns: tuple[str, ...], rows: Sequence[Row], fixed: Row = ()) -> None:
        """The rows into a table or procedure."""
        varying = len(columns) - len(fixed)
        for part, size in _parts(rows, varying, len(fixed)):
            padding = (None,) * (varying * (size - len(part)))
            sql = _named(insert_sql(table, columns, size, len(fixed)), self.namespace)
            # `fixed` comes first in the statement's text.
            self.connection.execute(sql, [*fixed, *chain.from_iterable(part), *padding])

    def problems(self) -> list[Problem]:
        """The answers of the last operation that are not the plain yes, forgotten with this."""
        found = self.execute(
            "select json_group_array(json_array(a.i, a.word, a.n, a.path)) from penstock_answer a"
        ).fetchone()[0]
        if found == "[]":
            return []
        self.execute("delete from penstock_answer")
        return _PROBLEMS.decode(found)

    def words(self, count: int) -> list[str]:
        """One word for each item of the last operation."""
        words = ["ok"] * count
        for problem in self.problems():
            words[problem.i] = problem.word
        return words

    def forget(self, *tables: str) -> None:
        """Empty temporary tables."""
        for table in tables:
            self.execute(f"delete from penstock_{table}")  # noqa: S608 (ours)

    def rings(self) -> frozenset[str]:
        """The topics to be rung when this is committed."""
        found = self.execute("select json_group_array(r.topic) from penstock_ring r").fetchone()[0]
        if found == "[]":
            return frozenset(self.rung)
        self.execute("delete from penstock_ring")
        return frozenset(self.rung).union(msgspec.json.decode(found, type=list[str]))


def _parts(rows: Sequence[Row], columns: int, beside: int) -> Iterator[tuple[Sequence[Row], int]]:
    """The rows in parts that one statement can take, each with the number of rows for which there is a statement."""
    most = max(size for size in SIZES if size * columns + beside <= _VARIABLES)
    for start in range(0, len(rows), most):
        part = rows[start : start + most]
        yield part, next(size for size in SIZES if size >= len(part))


@cache
def _named(text: str, namespace: str) -> str:
    return in_namespace(text, namespace)
