"""`penstock schedules create` and `edit`: schedules made at run time, said on the command line."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from penstock.app.schedules_terms import NamedBySchedule, ScheduleStatus
from penstock.cli import when
from penstock.cli.arguments import read_arguments
from penstock.cli.said import Said, shared
from penstock.cli.screen import Document
from penstock.cli.session import Session, carry_out
from penstock.core.errors import Invalid

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option("--cron", metavar="EXPRESSION", help='Minute, hour, day, month, weekday: "0 9 * * mon-fri".'),
    click.option("--every", metavar="SPAN", help="At every full interval since 1970, or since --anchor."),
    click.option("--at", metavar="DATE", help="Once: 2030-01-31T12:00Z, or unix seconds."),
    click.option("--tz", metavar="ZONE", help="Whose clocks count: Europe/Paris. Default: UTC."),
    click.option("--seconds", is_flag=True, default=None, help="The expression begins with a field for seconds."),
    click.option("--anchor", metavar="DATE", help="A moment at which an interval begins."),
    click.option("--start", metavar="DATE", help="No tick before."),
    click.option("--end", metavar="DATE", help="No tick after."),
    click.option("--count", type=int, help="So many ticks, skipped ones too."),
    click.option("--missed", metavar="POLICY", help="latest, skip, or how many of the newest are made good."),
    click.option("--overlap", metavar="POLICY", help="skip, allow, queue or replace."),
    click.option("--jitter", metavar="SPAN", help="Each run starts up to so much later than its tick."),
)
_DATES: Final = ("at", "anchor", "start", "end")
_SPANS: Final = ("every", "jitter")


def _described(command: F) -> F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("create", short_help="Make a schedule.", context_settings={"ignore_unknown_options": True})
@shared
@click.argument("name")
@click.argument("task")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@_described
@click.pass_context
def create(ctx: click.Context, /, name: str, task: str, args: tuple[str, ...], **said: Any) -> None:
    """Have a task carried out at each tick: one of --cron, --every and --at says when.

    Arguments of the task are said as for `penstock enqueue`. A schedule of that name becomes this one.
    """
    options = [one for parameter in ctx.command.params for one in parameter.opts if one.startswith("--")]
    positional, by_name = read_arguments(args, options)
    words = _words(said)

    async def work(session: Session) -> None:
        call = session.app.named(task).call(*positional, **by_name)
        _tell(session, await session.app.schedules.create(name, call, **words), "stands")

    carry_out(ctx.obj, work)


@click.command("edit", short_help="Change when a schedule ticks, or its policies.")
@shared
@click.argument("name")
@_described
@click.pass_obj
def edit(obj: Said, /, name: str, **said: Any) -> None:
    """Change what is said here of a schedule made at run time, and nothing else."""
    words = _words(said)
    if not words:
        raise Invalid("options", None, "say what shall change: --cron, --missed, ...")

    async def work(session: Session) -> None:
        _tell(session, await session.app.schedules.edit(name, **words), "changed")

    carry_out(obj, work)


def _words(said: dict[str, Any]) -> NamedBySchedule:
    """What the options say, those that say something."""
    found: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    found |= {name: when.date(found[name], name) for name in _DATES if name in found}
    found |= {name: when.span(found[name], name) for name in _SPANS if name in found}
    if str(found.get("missed", "")).isdecimal():
        found["missed"] = int(found["missed"])
    words: NamedBySchedule = found  # type: ignore[assignment]
    return words


def _tell(session: Session, status: ScheduleStatus, what: str) -> None:
    told: Document = {
        "schedule": status.name,
        "when": status.when,
        "next_at": status.next_at,
        "revision": status.revision,
    }
    session.screen.done(told, f"{status.name} {what}: {status.when}")
