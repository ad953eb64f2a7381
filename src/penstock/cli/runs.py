"""Runs on the command line: list, show, and steer one or several by their ids."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import click

from penstock.app.handle import Run
from penstock.app.selection import Selected
from penstock.cli import when
from penstock.cli.arguments import read_arguments
from penstock.cli.documents import document, run_columns
from penstock.cli.each import ids_of, on_each
from penstock.cli.exits import Exit
from penstock.cli.runs_workflows import fork, signal
from penstock.cli.said import Said, shared
from penstock.cli.session import Session, carry_out
from penstock.cli.shown import run_lines
from penstock.cli.tree import tree
from penstock.core.errors import Invalid
from penstock.core.state import State

STATES: Final = [state.value for state in State]
Act: TypeAlias = Callable[[Run[Any]], Awaitable[object]]


@click.group()
def runs() -> None:
    """List, show and steer runs."""


@runs.command("list")
@shared
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only these; may be repeated.")
@click.option("--task", metavar="NAME", help="Only runs of this task.")
@click.option("--queue", metavar="NAME", help="Only runs of this queue.")
@click.option("--tag", metavar="TAG", help="Only runs that carry this tag.")
@click.option("--parent", metavar="RUN", help="Only children of this run.")
@click.option("--root", metavar="RUN", help="Only runs of the tree below this run.")
@click.option("--since", metavar="WHEN", help="Enqueued not before: 2h (ago), or 2030-01-31T12:00Z.")
@click.option("--until", metavar="WHEN", help="Enqueued before: 2h (ago), or 2030-01-31T12:00Z.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="At most so many.")
@click.option("--after", metavar="CURSOR", help="Go on where a list ended: the cursor that it printed.")
@click.pass_obj
def list_runs(said: Said, /, limit: int, after: str | None, **wanted: Any) -> None:
    """List runs, the latest enqueued first."""
    carry_out(said, lambda session: _list(session, limit, after, wanted))


async def _list(session: Session, limit: int, after: str | None, wanted: dict[str, Any]) -> None:
    now = (await session.app.info()).now
    selected = _selected(wanted, now)
    found: list[dict[str, Any]] = []
    while True:
        page = await session.app.runs(after=after, limit=min(1000, limit - len(found)), **selected)
        found += [document(status) for status in page.items]
        after = page.after
        if after is None or len(found) >= limit:
            break
    session.screen.listing("runs", found, run_columns(now), after=after)


def _selected(wanted: dict[str, Any], now: float) -> Selected:
    """What the options say, those that say something."""
    selected = Selected()
    if wanted["states"]:
        selected["state"] = wanted["states"]
    for option, name in (
        ("task", "task"),
        ("queue", "queue"),
        ("tag", "tag"),
        ("parent", "parent_id"),
        ("root", "root_id"),
    ):
        if wanted[option] is not None:
            selected[name] = wanted[option]  # type: ignore[literal-required]
    for option in ("since", "until"):
        if wanted[option] is not None:
            selected[option] = when.past(wanted[option], option, now)  # type: ignore[literal-required]
    return selected


@runs.command("show", short_help="Show all that is known of a run.")
@shared
@click.argument("run_id", metavar="RUN")
@click.option("--log", "with_log", is_flag=True, help="Also what the run has logged.")
@click.option("--reveal", is_flag=True, help="Also values of fields named like secrets.")
@click.pass_obj
def show(said: Said, run_id: str, *, with_log: bool, reveal: bool) -> None:
    """Show all that is known of a run: how it stands, why, its attempts, input, result and error."""
    carry_out(said, lambda session: _show(session, run_id, with_log=with_log, reveal=reveal))


async def _show(session: Session, run_id: str, *, with_log: bool, reveal: bool) -> None:
    run = session.app.run(run_id)
    status = await run.status()
    now = (await session.app.info()).now
    why = await run.why()
    shown = document(status, reveal=reveal)
    shown["why"] = None if why is None else document(why)
    shown["failed_attempts"] = [document(attempt) for attempt in await run.attempts()]
    steps = (await run.history()).steps
    shown["steps"] = [document(step, reveal=reveal) for step in steps]
    shown["log"] = [document(line, reveal=reveal) for line in await run.log()] if with_log else None
    session.screen.one(shown, lambda one: run_lines(one, now))


runs.add_command(tree)
runs.add_command(signal)
runs.add_command(fork)

_ids = click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
_yes = click.option("--yes", is_flag=True, help="Do not ask, although ids are read from stdin.")


@runs.command("cancel", short_help="End runs.")
@shared
@_ids
@_yes
@click.option("--reason", default="", metavar="TEXT", help="Kept with the run, and told to who waits for it.")
@click.option("--no-cascade", is_flag=True, help="Spare the runs that it has started.")
@click.option("--terminate", is_flag=True, help="Skip the rollbacks that it has registered.")
@click.pass_obj
def cancel(said: Said, run_ids: tuple[str, ...], *, yes: bool, reason: str, no_cascade: bool, terminate: bool) -> Exit:
    """End runs: at once if nobody runs them, else within a heartbeat of their worker. RUN may be - for stdin."""

    async def act(run: Run[Any]) -> bool:
        return await run.cancel(reason, cascade=not no_cascade, terminate=terminate)

    return _on_each(said, run_ids, "cancel", act, yes=yes)


@runs.command("redrive", short_help="Begin another life of finished runs.")
@shared
@_ids
@_yes
@click.pass_obj
def redrive(said: Said, run_ids: tuple[str, ...], *, yes: bool) -> Exit:
    """Begin another life of finished runs, with fresh counters. RUN may be - for ids from stdin."""
    return _on_each(said, run_ids, "redrive", lambda run: run.redrive(), yes=yes)


@runs.command("remove", short_help="Leave no trace of runs.")
@shared
@_ids
@_yes
@click.option("--keep-children", is_flag=True, help="Leave what is below it.")
@click.pass_obj
def remove(said: Said, run_ids: tuple[str, ...], *, yes: bool, keep_children: bool) -> Exit:
    """Leave no trace of runs and of all below them. RUN may be - for ids from stdin."""
    return _on_each(said, run_ids, "remove", lambda run: run.remove(children=not keep_children), yes=yes)


@runs.command("promote")
@shared
@_ids
@_yes
@click.pass_obj
def promote(said: Said, run_ids: tuple[str, ...], *, yes: bool) -> Exit:
    """Make scheduled runs ready now. RUN may be - for ids from stdin."""
    return _on_each(said, run_ids, "promote", lambda run: run.promote(), yes=yes)


@runs.command("reschedule")
@shared
@click.argument("run_id", metavar="RUN")
@click.option("--at", metavar="DATE", help="To this moment: 2030-01-31T12:00Z, or unix seconds.")
@click.option("--delay", metavar="SPAN", help="To so long from now: 10m, 1h30m.")
@click.pass_obj
def reschedule(said: Said, run_id: str, at: str | None, delay: str | None) -> Exit:
    """Move the due time of a scheduled or queued run."""
    if (at is None) == (delay is None):
        raise Invalid("at", at, "say --at or --delay, one of them")
    due = None if at is None else when.date(at, "at")
    later = None if delay is None else when.span(delay, "delay")
    return _on_each(said, (run_id,), "reschedule", lambda run: run.reschedule(at=due, delay=later), yes=True)


@runs.command("reprioritise", short_help="Give a run another priority.")
@shared
@click.argument("run_id", metavar="RUN")
@click.argument("priority", type=int)
@click.pass_obj
def reprioritise(said: Said, run_id: str, priority: int) -> Exit:
    """Give an unfinished run another priority, -1000 to 1000; higher ones run first."""
    return _on_each(said, (run_id,), "reprioritise", lambda run: run.reprioritise(priority), yes=True)


@runs.command("update", short_help="Give a run other arguments.", context_settings={"ignore_unknown_options": True})
@shared
@click.argument("run_id", metavar="RUN")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def update(said: Said, run_id: str, args: tuple[str, ...]) -> Exit:
    """Give a run that has not been claimed yet other arguments: all of them.

    Arguments as those of `penstock enqueue`: 7 or '"text"' by position, as JSON; name=text; name:=json. By position,
    and checked in full, where the task's code is: with --app.
    """
    positional, named = read_arguments(args, ())
    return _on_each(said, (run_id,), "update", lambda run: run.update_input(*positional, **named), yes=True)


@runs.command("clear-log", short_help="Drop what runs have logged.")
@shared
@_ids
@_yes
@click.pass_obj
def clear_log(said: Said, run_ids: tuple[str, ...], *, yes: bool) -> Exit:
    """Drop what runs have logged; what their records tell stays. RUN may be - for ids from stdin."""
    return _on_each(said, run_ids, "clear the log of", lambda run: run.clear_log(), yes=yes)


def _on_each(said: Said, run_ids: tuple[str, ...], verb: str, act: Act, *, yes: bool) -> Exit:
    ids = ids_of(run_ids, verb, yes=yes)
    return carry_out(said, lambda session: on_each(session, ids, verb, act))
