"""`penstock top`: queues, workers and tasks at one glance, drawn anew every so often; `--once` for one look."""

import asyncio
import sys
from typing import Any, Final

import click

from penstock.cli import metrics, queues, when, workers
from penstock.cli.said import Said, shared
from penstock.cli.screen import Screen, as_json
from penstock.cli.session import Session, carry_out
from penstock.cli.text import counted, escaped, moment, span
from penstock.core.errors import Invalid
from penstock.engine.signals import stop_on_signals

_CLEAR: Final = "\x1b[H\x1b[2J"
_SHORTEST: Final = 0.2  # seconds


@click.command("top")
@shared
@click.option("--once", is_flag=True, help="Look once, and end.")
@click.option("--every", default="2s", show_default=True, metavar="SPAN", help="Look again so often.")
@click.option("--last", default="5m", show_default=True, metavar="SPAN", help="Tasks: what so long a time saw.")
@click.pass_obj
def top(said: Said, *, once: bool, every: str, last: str) -> None:
    """Watch queues, workers and tasks.

    With -o lines: a JSON document a look; with -o json: one look.
    """
    pause, length = when.span(every, "every"), when.span(last, "last")
    if pause < _SHORTEST:
        raise Invalid("every", every, f"at least {span(_SHORTEST)}")
    carry_out(said, lambda session: _watch(session, None if once or said.output == "json" else pause, length))


async def _watch(session: Session, pause: float | None, last: float) -> None:
    if pause is None:
        await _look(session, last, clear=False)
        return
    stopped = asyncio.Event()
    with stop_on_signals(stopped.set):
        while not stopped.is_set():
            await _look(session, last, clear=True)
            try:
                async with asyncio.timeout(pause):
                    await stopped.wait()
            except TimeoutError:
                continue


async def _look(session: Session, last: float, *, clear: bool) -> None:
    app, screen = session.app, session.screen
    now = (await app.info()).now
    seen = await app.metrics(last)
    found: dict[str, Any] = {
        "at": now,
        "queues": await queues.standings(app),
        "workers": [workers.document(one) for one in await app.workers()],
        "tasks": metrics.by_task(seen),
    }
    if not screen.for_people:
        click.echo(as_json(found))
        return
    if clear and sys.stdout.isatty():
        click.echo(_CLEAR, nl=False)
    settled = seen.succeeded + seen.failed + seen.cancelled
    ended = f"{counted(settled, 'run')} ended in {span(last)}, {seen.failed:,} failed"
    click.echo(escaped(f"{moment(now)}  {counted(len(found['workers']), 'worker')}, {ended}"))
    click.echo()
    for part, columns in (
        ("queues", queues.columns()),
        ("workers", workers.columns(now)),
        ("tasks", metrics.columns()),
    ):
        Screen("table").listing(part, found[part], columns)
        click.echo()
