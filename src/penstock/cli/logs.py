"""`penstock logs RUN`: what a run has logged; with -f also what it logs from now on, to its end."""

from contextlib import aclosing

import click

from penstock.app.status import Line
from penstock.cli.documents import document
from penstock.cli.said import Said, shared
from penstock.cli.screen import as_json
from penstock.cli.session import Session, carry_out
from penstock.cli.shown import log_line

PAGE = 1000  # lines of one read


@click.command("logs")
@shared
@click.argument("run_id", metavar="RUN")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until the run has ended.")
@click.option("--after", default=0, type=click.IntRange(0), metavar="NUMBER", help="Only lines after this number.")
@click.pass_obj
def logs(said: Said, run_id: str, *, follow: bool, after: int) -> None:
    """Print what runs have logged, and what they log now.

    A line each: attempts, progress, log lines, chunks; with -o as JSON lines. With -f it may be asked before the run
    starts, and ends with the run. The number of the last line seen goes on with --after where a call was cut off.
    """
    carry_out(said, lambda session: _print(session, run_id, after, follow=follow))


async def _print(session: Session, run_id: str, after: int, *, follow: bool) -> None:
    run = session.app.run(run_id)
    if follow:
        async with aclosing(run.stream(after=after)) as lines:
            async for line in lines:
                _say(session, line)
        return
    await run.status()  # raises if there is no such run
    while found := await run.log(after=after, limit=PAGE):
        for line in found:
            _say(session, line)
        after = found[-1].seq


def _say(session: Session, line: Line) -> None:
    shown = document(line)
    click.echo(log_line(shown).strip() if session.screen.for_people else as_json(shown))
