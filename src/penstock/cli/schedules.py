"""Schedules on the command line: what ticks and when, pausing, resuming, a run now, ticks of the past."""

from collections.abc import Sequence
from typing import Any

import click
import msgspec

from penstock.app.schedules_terms import ScheduleStatus
from penstock.cli import when
from penstock.cli.asking import agreed
from penstock.cli.said import Said, shared
from penstock.cli.schedules_edit import create, edit
from penstock.cli.screen import Column, field
from penstock.cli.session import Session, carry_out
from penstock.cli.text import ago, counted, escaped, moment
from penstock.core.errors import Invalid


@click.group()
def schedules() -> None:
    """Create, edit, list and steer schedules."""


schedules.add_command(create)
schedules.add_command(edit)


@schedules.command("list", short_help="List the schedules and their next ticks.")
@shared
@click.pass_obj
def list_schedules(said: Said) -> None:
    """List the schedules by name: when they tick, the next tick, and how many fired."""
    carry_out(said, _list)


async def _list(session: Session) -> None:
    now = (await session.app.info()).now
    found = [_document(one) for one in await session.app.schedules.all()]
    columns = [
        field("name"),
        field("app"),
        field("task"),
        field("when"),
        Column("next", lambda one: "over" if one["next_at"] is None else ago(one["next_at"], now)),
        field("paused"),
        field("fired", number=True),
        field("skipped", number=True),
    ]
    session.screen.listing("schedules", found, columns)


@schedules.command("show", short_help="Show all about a schedule.")
@shared
@click.argument("name")
@click.pass_obj
def show(said: Said, name: str) -> None:
    """Show when a schedule ticks, its policies, and what became of its ticks."""
    carry_out(said, lambda session: _show(session, name))


async def _show(session: Session, name: str) -> None:
    found = await session.app.schedules.get(name)
    rows = [
        ("name", found.name),
        ("declared by", f"app {found.app}" if found.app else "nobody: it was made at run time"),
        ("task", f"{found.task} in queue {found.queue}"),
        ("when", found.when),
        ("next tick", "paused" if found.paused else moment(found.next_at)),
        ("last tick", moment(found.last_at)),
        ("fired", str(found.fired)),
        ("skipped", str(found.skipped)),
        ("missed", str(found.missed)),
        ("overlap", found.overlap),
        ("jitter", f"{found.jitter:g}s"),
    ]
    session.screen.one(_document(found), lambda _: [escaped(f"{title:12} {value}") for title, value in rows])


_names = click.argument("names", metavar="NAME...", nargs=-1, required=True)


@schedules.command("pause", short_help="Fire no more ticks until resumed.")
@shared
@_names
@click.pass_obj
def pause(said: Said, names: tuple[str, ...]) -> None:
    """Fire no more ticks until resumed. Runs that are there go on."""
    carry_out(said, lambda session: _switch(session, names, paused=True))


@schedules.command("resume", short_help="Fire ticks again.")
@shared
@_names
@click.pass_obj
def resume(said: Said, names: tuple[str, ...]) -> None:
    """Fire ticks again. Those that were due meanwhile are treated as missed ones."""
    carry_out(said, lambda session: _switch(session, names, paused=False))


async def _switch(session: Session, names: Sequence[str], *, paused: bool) -> None:
    switch = session.app.schedules.pause if paused else session.app.schedules.resume
    for name in names:
        await switch(name)
    told = f"{', '.join(names)} {'paused' if paused else 'resumed'}"
    session.screen.done({"schedules": list(names), "paused": paused}, told)


@schedules.command("trigger", short_help="Store a run now.")
@shared
@click.argument("name")
@click.pass_obj
def trigger(said: Said, name: str) -> None:
    """Store a run of a schedule now, beside its ticks."""
    carry_out(said, lambda session: _trigger(session, name))


async def _trigger(session: Session, name: str) -> None:
    run = await session.app.schedules.trigger(name)
    session.screen.done({"schedule": name, "id": run.id}, run.id)


@schedules.command("backfill", short_help="Store the runs of past ticks.")
@shared
@click.argument("name")
@click.option("--start", required=True, metavar="MOMENT", help="From then: so long ago (7d), or a date.")
@click.option("--end", default="0s", show_default=True, metavar="MOMENT", help="To then: so long ago, or a date.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def backfill(said: Said, name: str, *, start: str, end: str, yes: bool) -> None:
    """Store the runs of all ticks in a span of time that have none yet. Harmless to repeat."""
    carry_out(said, lambda session: _backfill(session, name, start, end, yes=yes))


async def _backfill(session: Session, name: str, start: str, end: str, *, yes: bool) -> None:
    now = (await session.app.info()).now
    first, last = when.past(start, "start", now), when.past(end, "end", now)
    agreed(f"Store a run for each tick of {name} from {moment(first)} to {moment(last)}?", yes=yes)
    made = await session.app.schedules.backfill(name, start=first, end=last)
    session.screen.done({"schedule": name, "stored": made}, f"{counted(made, 'run')} of schedule {name} stored")


@schedules.command("delete", short_help="Fire no more, for good.")
@shared
@_names
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(said: Said, names: tuple[str, ...], *, yes: bool) -> None:
    """Fire no more ticks, for good. Runs that are there stay.

    Refused while a live worker declares the schedule in its code.
    """
    carry_out(said, lambda session: _delete(session, names, yes=yes))


async def _delete(session: Session, names: Sequence[str], *, yes: bool) -> None:
    agreed(f"Delete {counted(len(names), 'schedule')}: {', '.join(names)}?", yes=yes)
    gone = [name for name in names if await session.app.schedules.delete(name)]
    unknown = [name for name in names if name not in gone]
    if unknown and not gone:
        raise Invalid("NAME", ", ".join(unknown), "there is no schedule of that name")
    for name in unknown:
        session.screen.note(f"There was no schedule named {name}.")
    session.screen.done({"deleted": gone}, f"{', '.join(gone)} deleted")


def _document(status: ScheduleStatus) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(status)
    return found
