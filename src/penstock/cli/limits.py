"""Limits on the command line: how they stand, other numbers than the code's, and none at all."""

import click
import msgspec

from penstock.app.limits import LimitStatus
from penstock.cli import when
from penstock.cli.asking import agreed
from penstock.cli.said import Said, shared
from penstock.cli.screen import Column, Document, field
from penstock.cli.session import Session, carry_out
from penstock.cli.text import span
from penstock.core.errors import Invalid, NotFound
from penstock.core.limits import Full


@click.group()
def limits() -> None:
    """List, show, set, drop, pause and resume limits."""


@limits.command("list", short_help="List the limits and how they stand.")
@shared
@click.pass_obj
def list_limits(said: Said) -> None:
    """List each key of each limit: its number, how many slots are held, and how many runs wait in line."""
    carry_out(said, _list)


async def _list(session: Session) -> None:
    _print(session, await session.app.limits.all())


@limits.command("show", short_help="Show the keys of a limit.")
@shared
@click.argument("name")
@click.pass_obj
def show(said: Said, name: str) -> None:
    """Show each key of one limit."""
    carry_out(said, lambda session: _show(session, name))


async def _show(session: Session, name: str) -> None:
    _print(session, await session.app.limits.get(name))


def _print(session: Session, found: list[LimitStatus]) -> None:
    columns = [
        field("name"),
        field("key"),
        Column("limit", _number),
        field("used", number=True),
        field("parked", number=True),
        field("full"),
        field("hold"),
        field("paused"),
    ]
    documents: list[Document] = [msgspec.to_builtins(one) for one in found]
    session.screen.listing("limits", documents, columns)


def _number(one: Document) -> str:
    return f"{one['n']:,}" if one["period"] is None else f"{one['n']:,} in {span(one['period'])}"


@limits.command("set", short_help="Have other numbers count.")
@shared
@click.argument("name")
@click.argument("n", type=click.IntRange(0))
@click.option("--period", metavar="SPAN", help="So many starts in any such span: a rate.")
@click.option(
    "--full", type=click.Choice(["wait", "drop", "replace"]), default="wait", show_default=True, help="When it is full."
)
@click.option("--hold", is_flag=True, help="Slots are kept through retries and waits.")
@click.pass_obj
def set_limit(said: Said, name: str, n: int, *, period: str | None, full: Full, hold: bool) -> None:
    """Have these numbers count from now on, for all, until the code says others than it does now."""
    over = None if period is None else when.span(period, "period")
    carry_out(said, lambda session: _set(session, name, n, over, full, hold=hold))


async def _set(session: Session, name: str, n: int, period: float | None, full: Full, *, hold: bool) -> None:
    if period is not None and full == "replace":
        raise Invalid("full", full, "a rate has no holder to cancel")
    await session.app.limits.set(name, n=n, period=period, full=full, hold=hold)
    document = {"name": name, "n": n, "period": period, "full": full, "hold": hold}
    session.screen.done(document, f"limit {name} is {_number(document)}")


@limits.command("drop", short_help="Limit no more.")
@shared
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def drop(said: Said, name: str, *, yes: bool) -> None:
    """Limit no more: all that waits in its lines goes on."""
    carry_out(said, lambda session: _drop(session, name, yes=yes))


async def _drop(session: Session, name: str, *, yes: bool) -> None:
    agreed(f"Drop limit {name}?", yes=yes)
    if not await session.app.limits.drop(name):
        raise NotFound("limit", name)
    session.screen.done({"dropped": name}, f"limit {name} dropped")


@limits.command("pause", short_help="Start no more runs of one key.")
@shared
@click.argument("name")
@click.argument("key")
@click.pass_obj
def pause(said: Said, name: str, key: str) -> None:
    """Start no more runs for which the limit counts this value, like a tenant's. Running ones finish."""
    carry_out(said, lambda session: _pause(session, name, key))


async def _pause(session: Session, name: str, key: str) -> None:
    await session.app.limits.pause(name, key)
    session.screen.done({"limit": name, "key": key, "paused": True}, f"limit {name}: {key} paused")


@limits.command("resume", short_help="Start runs of one key again.")
@shared
@click.argument("name")
@click.argument("key")
@click.pass_obj
def resume(said: Said, name: str, key: str) -> None:
    """Start runs for which the limit counts this value again, in order."""
    carry_out(said, lambda session: _resume(session, name, key))


async def _resume(session: Session, name: str, key: str) -> None:
    await session.app.limits.resume(name, key)
    session.screen.done({"limit": name, "key": key, "paused": False}, f"limit {name}: {key} resumed")
