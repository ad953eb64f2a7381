"""How far long work is, drawn on stderr if that is a terminal, and on nothing else. Knows no work."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TypeAlias

import click

from penstock.cli.failures import coloured

Told: TypeAlias = Callable[[int], None]  # so many are done, all in all


@contextmanager
def progress(label: str, total: int) -> Generator[Told]:
    """A bar for as long as the block runs; it is told how many are done so far, perhaps more than `total`."""
    if not sys.stderr.isatty():
        yield lambda _: None
    elif find_spec("rich") is not None:
        with _rich_bar(label, total) as told:
            yield told
    else:
        with _plain_bar(label, total) as told:
            yield told


@contextmanager
def _plain_bar(label: str, total: int) -> Generator[Told]:
    with click.progressbar(length=max(total, 1), label=label, file=sys.stderr) as bar:
        yield lambda done: bar.update(max(0, min(done, bar.length or 0) - bar.pos))


@contextmanager
def _rich_bar(label: str, total: int) -> Generator[Told]:
    from rich.console import Console  # noqa: PLC0415 (an extra, and slow to import)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=Console(stderr=True, color_system="auto" if coloured(sys.stderr) else None), transient=True
    ) as bars:
        bar = bars.add_task(label, total=max(total, 1))
        yield lambda done: bars.update(bar, completed=done, total=max(total, done, 1))
