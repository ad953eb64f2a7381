"""Runs of workflows on the command line: signals and forks."""

import click
import msgspec

from penstock.cli.exits import Exit
from penstock.cli.said import Said, shared
from penstock.cli.session import Session, carry_out
from penstock.core.errors import Invalid


@click.command("signal", short_help="Leave a message in a run's mailbox.")
@shared
@click.argument("run_id", metavar="RUN")
@click.argument("name", metavar="SIGNAL")
@click.argument("value", metavar="[JSON]", default="null")
@click.option("--once", metavar="TEXT", help="Drop it if a message of this signal with the same text was there before.")
@click.pass_obj
def signal(said: Said, run_id: str, name: str, value: str, once: str | None) -> Exit:
    """Leave a message in a run's mailbox: a workflow gets it when it waits for it, now or later."""
    try:
        data = msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        raise Invalid("JSON", value, f"JSON, such as true, 7 or '\"text\"': {error}") from error

    async def act(session: Session) -> None:
        new = await session.app.run(run_id).signal(name, data, once=once)
        said = "sent" if new else "there was one with that --once before: dropped"
        session.screen.done({"run_id": run_id, "signal": name, "new": new}, said)

    carry_out(said, act)
    return Exit.OK


@click.command("fork", short_help="Begin another run in the middle of a workflow.")
@shared
@click.argument("run_id", metavar="RUN")
@click.option("--from-step", metavar="NAME", help="With what was recorded before this step; otherwise with all.")
@click.option("--version", metavar="NAME", help="Of the code that carries it out; otherwise the same.")
@click.option("--id", "new_id", metavar="ID", help="The id of the new run; otherwise one is made.")
@click.pass_obj
def fork(said: Said, run_id: str, from_step: str | None, version: str | None, new_id: str | None) -> Exit:
    """Begin another run of the same workflow and input in the middle: print its id. The first run stays as it is."""

    async def act(session: Session) -> None:
        run = await session.app.run(run_id).fork(from_step=from_step, version=version, new_id=new_id)
        session.screen.one({"id": run.id}, lambda one: [str(one["id"])])

    carry_out(said, act)
    return Exit.OK
