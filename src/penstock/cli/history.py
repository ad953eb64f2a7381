"""Histories on the command line: exported as JSON, a line for each run, for `penstock replay` to read."""

from pathlib import Path

import click
import msgspec

from penstock.app.histories import History
from penstock.app.selection import Selected
from penstock.cli.exits import Exit
from penstock.cli.said import Said, shared
from penstock.cli.session import Session, carry_out
from penstock.core.errors import Invalid
from penstock.core.state import State

PAGE = 100


@click.group()
def history() -> None:
    """Export what workflows have recorded."""


@history.command("export", short_help="Print histories as JSON, one a line.")
@shared
@click.argument("run_ids", metavar="[RUN]...", nargs=-1)
@click.option("--task", metavar="NAME", help="The latest runs of this workflow, instead of some by their ids.")
@click.option("--state", "states", multiple=True, type=click.Choice([one.value for one in State]), help="Only these.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="At most so many.")
@click.option(
    "--to", "target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write them here."
)
@click.pass_obj
def export(  # noqa: PLR0917 (click's way)
    said: Said, run_ids: tuple[str, ...], task: str | None, states: tuple[str, ...], limit: int, target: Path | None
) -> Exit:
    """Print what runs have recorded as JSON, one a line, for `penstock replay`: with all values, secrets included.

    Values that a codec has encrypted are read with --app, and printed as they are.
    """
    if bool(run_ids) == (task is not None):
        raise Invalid("RUN", " ".join(run_ids), "say ids, or --task")
    found = carry_out(said, lambda session: _found(session, run_ids, task, states, limit))
    lines = "".join(msgspec.json.encode(one).decode() + "\n" for one in found)
    if target is None:
        click.echo(lines, nl=False)
    else:
        target.write_text(lines, encoding="utf-8")
        click.echo(f"{len(found)} histories in {target}", err=True)
    return Exit.OK


async def _found(
    session: Session, run_ids: tuple[str, ...], task: str | None, states: tuple[str, ...], limit: int
) -> list[History]:
    app = session.app
    ids = list(run_ids)
    selected: Selected = {"task": task or ""}
    if states:
        selected["state"] = states
    after: str | None = None
    while task is not None and len(ids) < limit:
        page = await app.runs(after=after, limit=PAGE, **selected)
        ids += [one.id for one in page.items]
        after = page.after
        if after is None:
            break
    return [await app.run(run_id).history() for run_id in ids[:limit]]
