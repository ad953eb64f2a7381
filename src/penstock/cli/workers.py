"""`penstock workers`: who is alive, what they can run, and how they fare."""

import click
import msgspec

from penstock.app.workers import WorkerStatus
from penstock.cli.said import Said, shared
from penstock.cli.screen import Column, Document, field
from penstock.cli.session import Session, carry_out
from penstock.cli.text import ago, shortened, span


@click.group()
def workers() -> None:
    """List the workers that are alive."""


@workers.command("list", short_help="List the workers and what they hold.")
@shared
@click.pass_obj
def list_workers(said: Said) -> None:
    """List the workers that are alive: their queues and tasks, how many runs each holds, loop lag and memory."""
    carry_out(said, _list)


async def _list(session: Session) -> None:
    now = (await session.app.info()).now
    session.screen.listing("workers", [document(one) for one in await session.app.workers()], columns(now))


def document(worker: WorkerStatus) -> Document:
    """The worker under stable names."""
    found: Document = msgspec.to_builtins(worker)
    return found


def columns(now: float) -> list[Column]:
    """Workers in a table, seen from now."""
    return [
        field("worker"),
        Column("place", lambda one: f"{one['host']}:{one['pid']}"),
        field("app"),
        field("queues"),
        Column("tasks", lambda one: shortened(", ".join(one["tasks"]) or "-", 40)),
        Column("runs", lambda one: f"{one['running']:,}/{one['concurrency']:,}", number=True),
        Column("lag", lambda one: span(one["loop_lag"]), number=True),
        Column("memory", lambda one: f"{one['memory'] / 2**20:,.0f}MB" if one["memory"] else "-", number=True),
        Column("started", lambda one: ago(one["started_at"], now)),
    ]
