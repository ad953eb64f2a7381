"""Answers on stdout: tables for people, JSON for programs; notes on stderr. Everything from data is escaped.

Knows nothing of runs: what is shown are documents, dictionaries of plain values with stable names.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, TypeAlias, cast

import click

from penstock.cli.failures import coloured
from penstock.cli.text import escaped

Document: TypeAlias = Mapping[str, Any]

STYLES: Final = {
    "succeeded": "green",
    "failed": "red",
    "cancelled": "yellow",
    "running": "cyan",
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its title, and what it shows of a document. Numbers stand on the right."""

    title: str
    of: Callable[[Document], str]
    number: bool = False


def field(name: str, *, title: str | None = None, number: bool = False) -> Column:
    """The column that shows the field as it is, a dash for none."""
    return Column(title or name, lambda document: said(document[name]), number)


def said(value: object) -> str:
    """A plain value as a cell shows it."""
    if value is None or value in ("", [], (), {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(said(one) for one in cast("Sequence[object]", value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def as_json(value: Any) -> str:
    """The value on one line, all but printable ASCII spelled out."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True, slots=True)
class Screen:
    """Where answers go; `output` is "table", "json" or "lines"."""

    output: str = "table"

    @property
    def for_people(self) -> bool:
        """Whether tables and sentences are wanted."""
        return self.output == "table"

    def listing(
        self, name: str, documents: Sequence[Document], columns: Sequence[Column], *, after: str | None = None
    ) -> None:
        """Many documents: a table; or one JSON document, {name: [...], "after": cursor}; or one document a line."""
        match self.output:
            case "json":
                click.echo(as_json({name: list(documents), "after": after}))
            case "lines":
                for document in documents:
                    click.echo(as_json(document))
            case _:
                self._table(columns, [[column.of(document) for column in columns] for document in documents])
                if after is not None:
                    self.note(f"There is more: --after {after}")

    def one(self, document: Document, lines: Callable[[Document], Sequence[str]]) -> None:
        """One document: as JSON; or as the lines made of it, escaped already."""
        if not self.for_people:
            click.echo(as_json(document))
            return
        for line in lines(document):
            click.echo(line)

    def done(self, document: Document, sentence: str) -> None:
        """What was done: as JSON, or as a sentence."""
        self.one(document, lambda _: [escaped(sentence)])

    def note(self, sentence: str) -> None:
        """Something for people only, on stderr."""
        if self.for_people:
            click.echo(escaped(sentence), err=True)

    def _table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        cells = [[escaped(cell) for cell in row] for row in rows]
        if sys.stdout.isatty() and find_spec("rich") is not None:
            _rich_table(columns, cells)
        else:
            for line in plain_table(columns, cells):
                click.echo(line)


def plain_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """The table's lines: a head, and two blanks between columns."""
    titles = [column.title.upper() for column in columns]
    table = [titles, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
    return [
        "  ".join(
            cell.rjust(width) if column.number else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ).rstrip()
        for row in table
    ]


def _rich_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415 (an extra, and slow to import)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(
            column.title.upper(), justify="right" if column.number else "left", overflow="fold", no_wrap=column.number
        )
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console(color_system="auto" if coloured(sys.stdout) else None).print(table)
