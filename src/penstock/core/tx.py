"""The transaction in which a step's code writes beside its record. The store brings the statements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Parameters: TypeAlias = Sequence[object] | Mapping[str, object]
Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """What came of one statement: all its rows, and how many were written."""

    rows: list[Row]
    count: int  # of rows that were inserted, changed or deleted; -1 if the statement does not say
    inserted: int | None  # the row id of the last that was inserted

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def one(self) -> Row | None:
        """The first row; None if there is none."""
        return self.rows[0] if self.rows else None


class Statements(Protocol):
    """What a store lends to one step."""

    def execute(self, sql: str, parameters: Parameters) -> Rows: ...

    def execute_many(self, sql: str, rows: Sequence[Parameters]) -> int: ...


class Tx:
    """A transaction of the store's own: what a step writes in it and the step's record are stored together, or neither.

    Injected into a `def` step: `*, tx: Tx = penstock.inject()`. It ends with the step: who keeps it gets `Closed`.
    """

    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def execute(self, sql: str, parameters: Parameters = ()) -> Rows:
        """One statement of your own, in your own tables. Raises what the database raises.

        Raises `Invalid` for one that would end the transaction or leave the file, `Timeout` when its time is up.
        """
        return self._statements.execute(sql, parameters)

    def execute_many(self, sql: str, rows: Sequence[Parameters]) -> int:
        """The statement for each of the rows; how many were written. Raises as `execute` does."""
        return self._statements.execute_many(sql, rows)
