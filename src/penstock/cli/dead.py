"""Dead letters on the command line: runs that failed for good and stand on a list until redriven or deleted."""

from collections.abc import Sequence
from typing import Any

import click

from penstock.cli.asking import agreed
from penstock.cli.documents import document, error_line
from penstock.cli.each import ids_of, on_each
from penstock.cli.exits import Exit
from penstock.cli.said import Said, shared
from penstock.cli.screen import Column, field
from penstock.cli.session import Session, carry_out
from penstock.cli.text import ago, counted
from penstock.core.errors import Invalid


@click.group()
def dead() -> None:
    """List, redrive and delete dead letters."""


@dead.command("list", short_help="List dead letters, the latest first.")
@shared
@click.argument("name", required=False)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="At most so many.")
@click.option("--after", metavar="CURSOR", help="Go on where a list ended: the cursor that it printed.")
@click.pass_obj
def list_dead(said: Said, name: str | None, limit: int, after: str | None) -> None:
    """List the runs on one dead-letter list, or on all, the latest first."""
    carry_out(said, lambda session: _list(session, name, limit, after))


async def _list(session: Session, name: str | None, limit: int, after: str | None) -> None:
    now = (await session.app.info()).now
    found: list[dict[str, Any]] = []
    while True:
        page = await session.app.dead(name, after=after, limit=min(1000, limit - len(found)))
        found += [document(status) for status in page.items]
        after = page.after
        if after is None or len(found) >= limit:
            break
    columns = [
        field("id"),
        field("task"),
        field("dead_letter", title="list"),
        field("failures", number=True),
        Column("failed", lambda one: ago(one["finished_at"], now)),
        Column("error", lambda one: error_line(one, 80)),
    ]
    session.screen.listing("dead", found, columns, after=after)


_ids = click.argument("run_ids", metavar="[RUN...]", nargs=-1)
_list_name = click.option("--list", "name", metavar="NAME", help="All on this list.")
_everything = click.option("--all", "everything", is_flag=True, help="All on all lists.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@dead.command("redrive", short_help="Begin another life of dead letters.")
@shared
@_ids
@_list_name
@_everything
@_yes
@click.pass_obj
def redrive(said: Said, run_ids: tuple[str, ...], *, name: str | None, everything: bool, yes: bool) -> Exit:
    """Begin another life of dead letters, with fresh counters. RUN may be - for ids from stdin."""
    return _on(said, run_ids, name, everything=everything, verb="redrive", yes=yes)


@dead.command("delete", short_help="Remove dead letters.")
@shared
@_ids
@_list_name
@_everything
@_yes
@click.pass_obj
def delete(said: Said, run_ids: tuple[str, ...], *, name: str | None, everything: bool, yes: bool) -> Exit:
    """Remove dead letters and all below them. RUN may be - for ids from stdin."""
    return _on(said, run_ids, name, everything=everything, verb="remove", yes=yes)


def _on(said: Said, run_ids: Sequence[str], name: str | None, *, everything: bool, verb: str, yes: bool) -> Exit:
    if bool(run_ids) + (name is not None) + everything != 1:
        raise Invalid("RUN", list(run_ids), "say ids, --list NAME or --all, one of them")
    ids = ids_of(run_ids, verb, yes=yes)
    return carry_out(said, lambda session: _acted(session, ids, name, verb=verb, yes=yes))


async def _acted(session: Session, ids: Sequence[str], name: str | None, *, verb: str, yes: bool) -> Exit:
    if not ids:
        ids = await _listed(session, name)
        where = f"on list {name}" if name else "on all lists"
        if not ids:
            session.screen.done({"verb": verb, "done": [], "refused": []}, f"no dead letters {where}")
            return Exit.OK
        agreed(f"{verb.capitalize()} {counted(len(ids), 'dead letter')} {where}?", yes=yes)
    if verb == "redrive":
        return await on_each(session, ids, verb, lambda run: run.redrive())
    return await on_each(session, ids, verb, lambda run: run.remove())


async def _listed(session: Session, name: str | None) -> list[str]:
    ids: list[str] = []
    after: str | None = None
    while True:
        page = await session.app.dead(name, after=after, limit=1000)
        ids += [status.id for status in page.items]
        after = page.after
        if after is None:
            return ids
