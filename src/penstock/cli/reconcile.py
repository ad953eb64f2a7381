"""`penstock reconcile`: one full pass of upkeep on demand, or one every so often."""

import asyncio

import click

from penstock.cli import when
from penstock.cli.documents import document
from penstock.cli.progress import progress
from penstock.cli.said import Said, shared
from penstock.cli.session import Session, carry_out
from penstock.cli.text import counted, escaped
from penstock.core.errors import Invalid
from penstock.engine.signals import stop_on_signals


@click.command("reconcile")
@shared
@click.option("--every", metavar="SPAN", help="Again and again, so long apart, until interrupted: 1m.")
@click.option("--older-than", metavar="SPAN", help="Only if a worker has been gone for so long: 5m.")
@click.pass_obj
def reconcile(said: Said, every: str | None, older_than: str | None) -> None:
    """Look once after all that workers look after.

    Runs whose worker is gone are queued again, what is due, expired or to be removed is treated so. Workers do
    this by themselves; it is harmless at any time, from anywhere. Live runs are never touched.
    """
    pause = None if every is None else when.span(every, "every")
    if pause is not None and pause < 1:
        raise Invalid("every", every, "at least 1s")
    age = None if older_than is None else when.span(older_than, "older-than")
    carry_out(said, lambda session: _again(session, pause, age))


async def _again(session: Session, pause: float | None, age: float | None) -> None:
    if pause is None:
        await _once(session, age)
        return
    stopped = asyncio.Event()
    with stop_on_signals(stopped.set):
        while not stopped.is_set():
            await _once(session, age)
            try:
                async with asyncio.timeout(pause):
                    await stopped.wait()
            except TimeoutError:
                continue


async def _once(session: Session, age: float | None) -> None:
    with progress("reconcile", 0) as bar:  # how much there is, only the pass itself finds out
        found = await session.app.reconcile(older_than=age, told=bar)
    told = (
        f"{counted(found.scanned, 'running run')} looked at: "
        f"{found.stalled:,} without a worker, {found.reconciled:,} brought back, {found.failed:,} failed"
    )
    session.screen.one(document(found), lambda _: [escaped(told)])
