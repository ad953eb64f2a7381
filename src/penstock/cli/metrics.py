"""`penstock metrics`: what the last minutes saw, task by task or minute by minute."""

from collections.abc import Callable
from typing import Any

import click
import msgspec

from penstock.app.metrics import Metrics
from penstock.cli import when
from penstock.cli.said import Said, shared
from penstock.cli.screen import Column, Document, field
from penstock.cli.session import Session, carry_out
from penstock.cli.text import moment, span


@click.command("metrics")
@shared
@click.option("--last", default="1h", show_default=True, metavar="SPAN", help="So long a time, up to 7 days.")
@click.option("--until", metavar="WHEN", help="... which ended then: 2h (ago), or a date. [now]")
@click.option("--task", metavar="NAME", help="Only this task.")
@click.option("--queue", metavar="NAME", help="Only this queue.")
@click.option("--minutes", is_flag=True, help="Minute by minute instead of task by task.")
@click.pass_obj
def metrics(said: Said, /, last: str, until: str | None, *, minutes: bool, **wanted: Any) -> None:
    """Say what the last minutes saw.

    How many attempts ended how, how long runs waited and how long they took; as JSON all of it. Times are bounds of
    buckets, each twice the one below.
    """
    length = when.span(last, "last")
    carry_out(said, lambda session: _tell(session, length, until, wanted, minutes=minutes))


async def _tell(session: Session, last: float, until: str | None, wanted: dict[str, Any], *, minutes: bool) -> None:
    end = None if until is None else when.past(until, "until", (await session.app.info()).now)
    found = await session.app.metrics(last, until=end, **wanted)
    if session.screen.output == "json":
        session.screen.one(msgspec.to_builtins(found), lambda _: [])
        return
    if minutes:
        session.screen.listing("minutes", [msgspec.to_builtins(one) for one in found.minutes], _minutes())
    else:
        session.screen.listing("tasks", by_task(found), columns())


def by_task(found: Metrics) -> list[Document]:
    """The tasks of a span of time as documents."""
    return [msgspec.to_builtins(one) for one in found.tasks]


def columns() -> list[Column]:
    """Tasks in a table."""
    return [
        field("task"),
        field("queue"),
        *(field(name, number=True) for name in ("succeeded", "failed", "cancelled", "retried")),
        *(
            Column(f"{what} {share}", _share(what, share), number=True)
            for what in ("wait", "time")
            for share in ("p50", "p99")
        ),
    ]


def _share(what: str, share: str) -> Callable[[Document], str]:
    return lambda one: "-" if one[what][share] is None else span(one[what][share])


def _minutes() -> list[Column]:
    return [
        Column("minute", lambda one: moment(one["at"])),
        *(field(name, number=True) for name in ("succeeded", "failed", "cancelled", "retried")),
    ]
