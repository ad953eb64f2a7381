"""Graph runs that are brought back, on the command line: to a node, or on from one with other input."""

from typing import Any

import click
import msgspec
from msgspec import UNSET

from penstock.cli.exits import Exit
from penstock.cli.said import Said, shared
from penstock.cli.session import Session, carry_out
from penstock.core.errors import Invalid


@click.command("rerun", short_help="Run a node of a graph, and what is below it, once more.")
@shared
@click.argument("run_id", metavar="RUN")
@click.argument("node", metavar="NODE")
@click.option("--input", "given", metavar="JSON", help="What the node is given; otherwise what it would be anyway.")
@click.pass_obj
def rerun(said: Said, run_id: str, node: str, given: str | None) -> Exit:
    """Run a node of a graph that has ended, and all that may come after it, once more.

    Nodes before it and beside it are not run again. `penstock graph nodes RUN` says how they stand.
    """
    value: Any = UNSET
    if given is not None:
        try:
            value = msgspec.json.decode(given)
        except msgspec.DecodeError as error:
            raise Invalid("input", given, f"JSON, such as 7, '\"text\"' or '{{\"a\": 1}}': {error}") from error

    async def act(session: Session) -> None:
        await session.app.graph_run(run_id).rerun(node, input=value)
        session.screen.done({"run_id": run_id, "node": node}, f"brought back: {node} and what is below it run again")

    carry_out(said, act)
    return Exit.OK


@click.command("rollback", short_help="Bring a graph run back to the start of a node.")
@shared
@click.argument("run_id", metavar="RUN")
@click.argument("node", metavar="NODE")
@click.pass_obj
def rollback(said: Said, run_id: str, node: str) -> Exit:
    """Bring a graph run that has ended back to the moment when a node was first started.

    Whatever happened later, beside the node as well, runs again.
    """

    async def act(session: Session) -> None:
        await session.app.graph_run(run_id).rollback(node)
        session.screen.done({"run_id": run_id, "node": node}, f"brought back to the start of {node}")

    carry_out(said, act)
    return Exit.OK
