"""Queues on the command line: how they stand, pausing, resuming, and clearing them out."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from penstock.app.app import App
from penstock.cli import when
from penstock.cli.asking import agreed
from penstock.cli.progress import progress
from penstock.cli.said import Said, shared
from penstock.cli.screen import Column, Document, field
from penstock.cli.session import Session, carry_out
from penstock.cli.text import counted, span
from penstock.core.errors import Invalid
from penstock.core.state import State

REMOVABLE: Final = [state.value for state in State if state is not State.RUNNING]


@click.group()
def queues() -> None:
    """List, pause, resume, drain, clean and delete queues."""


@queues.command("list", short_help="List the queues and their runs by state.")
@shared
@click.pass_obj
def list_queues(said: Said) -> None:
    """List the queues: runs by state, whether paused, and how many live workers serve each."""
    carry_out(said, _list)


async def _list(session: Session) -> None:
    session.screen.listing("queues", await standings(session.app), columns())


async def standings(app: App) -> list[dict[str, Any]]:
    """Each known queue: runs by state (`capped` names states with at least so many), and how many workers serve it."""
    counts = await app.counts()
    workers = await app.workers()
    paused = {one.name for one in await app.paused() if one.kind == "queue"}
    served = [queue for worker in workers for queue in worker.queues]
    declared = {one.queue for one in await app.definitions()}
    names = sorted({one.queue for one in counts} | set(served) | paused | declared)
    found: dict[str, dict[str, Any]] = {
        name: {
            "queue": name,
            **{state.value: 0 for state in State},
            "capped": [],
            "paused": name in paused,
            "workers": served.count(name),
        }
        for name in names
    }
    for one in counts:
        found[one.queue][one.state.value] = one.n
        if one.capped:
            found[one.queue]["capped"].append(one.state.value)
    return list(found.values())


def columns() -> list[Column]:
    """Queues in a table."""
    return [
        field("queue"),
        *(Column(state.value, _counter(state.value), number=True) for state in State),
        field("paused"),
        field("workers", number=True),
    ]


def _counter(state: str) -> Callable[[Document], str]:
    return lambda one: f"{one[state]:,}{'+' if state in one['capped'] else ''}"


_named = click.argument("names", metavar="[QUEUE...]", nargs=-1)
_tasks = click.option("--task", "tasks", multiple=True, metavar="NAME", help="A task instead; may be repeated.")


@queues.command("pause", short_help="Start no more runs of queues or tasks.")
@shared
@_named
@_tasks
@click.pass_obj
def pause(said: Said, names: tuple[str, ...], tasks: tuple[str, ...]) -> None:
    """Start no more runs of queues (or tasks) until resumed. Running ones finish, new ones are kept."""
    carry_out(said, lambda session: _switch(session, names, tasks, paused=True))


@queues.command("resume", short_help="Start runs of queues or tasks again.")
@shared
@_named
@_tasks
@click.pass_obj
def resume(said: Said, names: tuple[str, ...], tasks: tuple[str, ...]) -> None:
    """Start runs of queues (or tasks) again, in the order in which they stand."""
    carry_out(said, lambda session: _switch(session, names, tasks, paused=False))


async def _switch(session: Session, names: Sequence[str], tasks: Sequence[str], *, paused: bool) -> None:
    if not names and not tasks:
        raise Invalid("QUEUE", "", "name at least one queue, or --task")
    app = session.app
    switch = app.pause if paused else app.resume
    known = {one["queue"] for one in await standings(app)}
    for name in names:
        await switch(queue=name)
        if name not in known:
            session.screen.note(f"No run or worker has used a queue named {name} yet.")
    for name in tasks:
        await switch(task=name)
    told = ", ".join([*names, *(f"task {name}" for name in tasks)])
    session.screen.done(
        {"queues": list(names), "tasks": list(tasks), "paused": paused},
        f"{told} {'paused' if paused else 'resumed'}",
    )


@queues.command("drain", short_help="Remove what waits to be started.")
@shared
@click.argument("queue")
@click.option("--delayed", is_flag=True, help="Also runs that are not due yet.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def drain(said: Said, queue: str, *, delayed: bool, yes: bool) -> None:
    """Remove what waits in a queue to be started. Running runs go on."""
    carry_out(said, lambda session: _drain(session, queue, delayed=delayed, yes=yes))


async def _drain(session: Session, queue: str, *, delayed: bool, yes: bool) -> None:
    states = [State.QUEUED, State.SCHEDULED] if delayed else [State.QUEUED]
    total = await _number(session.app, states, queue)
    agreed(f"Remove {total} from queue {queue}?", yes=yes)
    with progress("drain", total.n) as told:
        removed = await session.app.drain(queue, delayed=delayed, told=told)
    session.screen.done({"queue": queue, "removed": removed}, f"{counted(removed, 'run')} removed from queue {queue}")


@queues.command("clean", short_help="Remove old runs by state.")
@shared
@click.argument("queue", required=False)
@click.option("--all", "everywhere", is_flag=True, help="In all queues.")
@click.option("--older-than", required=True, metavar="SPAN", help="In their state for longer than this: 1d, 12h, 0.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(REMOVABLE),
    default=[State.SUCCEEDED.value],
    show_default=True,
    help="Runs in this state; may be repeated.",
)
@click.option("--limit", type=click.IntRange(1), help="At most so many.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def clean(said: Said, /, queue: str | None, *, everywhere: bool, older_than: str, yes: bool, **wanted: Any) -> None:
    """Remove runs that have been in a state, by default succeeded, for longer than a while."""
    if (queue is None) != everywhere:
        raise Invalid("QUEUE", queue, "name a queue, or say --all, one of them")
    age = when.span(older_than, "older-than")
    carry_out(said, lambda session: _clean(session, queue, age, yes=yes, **wanted))


async def _clean(
    session: Session, queue: str | None, age: float, *, yes: bool, states: Sequence[State], limit: int | None
) -> None:
    where = "all queues" if queue is None else f"queue {queue}"
    agreed(f"Remove runs of {where} that have been {' or '.join(states)} for more than {span(age)}?", yes=yes)
    total = await _number(session.app, states, queue)
    with progress("clean", total.n if limit is None else min(limit, total.n)) as told:
        removed = await session.app.clean(older_than=age, state=states, limit=limit, queue=queue, told=told)
    session.screen.done({"queue": queue, "removed": removed}, f"{counted(removed, 'run')} removed from {where}")


@queues.command("delete", short_help="Remove a queue with all its runs.")
@shared
@click.argument("queue")
@click.option("--force", is_flag=True, help="Cancel running runs first.")
@click.option("--timeout", default="1m", show_default=True, metavar="SPAN", help="How long --force lets them end.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(said: Said, queue: str, *, force: bool, timeout: str, yes: bool) -> None:
    """Remove all runs of a queue, whatever their state, and all below them.

    Refused while one is running, unless forced. The queue is paused meanwhile.
    """
    patience = when.span(timeout, "timeout")
    carry_out(said, lambda session: _delete(session, queue, force=force, timeout=patience, yes=yes))


async def _delete(session: Session, queue: str, *, force: bool, timeout: float, yes: bool) -> None:
    total = await _number(session.app, list(State), queue)
    agreed(f"Remove queue {queue} with {total}, whatever their state?", yes=yes)
    with progress("delete", total.n) as told:
        removed = await session.app.delete(queue, force=force, timeout=timeout, told=told)
    session.screen.done({"queue": queue, "removed": removed}, f"{counted(removed, 'run')} removed with queue {queue}")


class _Number:
    """How many runs there are, as far as they are counted."""

    def __init__(self, counts: Sequence[Document]) -> None:
        self.n = sum(one["n"] for one in counts)
        self.capped = any(one["capped"] for one in counts)

    def __str__(self) -> str:
        return counted(self.n, "run", capped=self.capped)


async def _number(app: App, states: Sequence[State], queue: str | None) -> _Number:
    counts = await app.counts()
    return _Number(
        [{"n": one.n, "capped": one.capped} for one in counts if one.state in states and queue in {None, one.queue}]
    )
