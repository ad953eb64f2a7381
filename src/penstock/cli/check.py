"""`penstock check`: the store's own audit, with an exit status."""

import click

from penstock.cli.exits import Exit
from penstock.cli.said import Said, shared
from penstock.cli.session import Session, carry_out, masked
from penstock.cli.text import counted, escaped


@click.command("check")
@shared
@click.pass_obj
def check(said: Said) -> Exit:
    """Audit the store: its indexes against its rows.

    Exits with 1, and names what is wrong, if anything is.
    """
    return carry_out(said, _check)


async def _check(session: Session) -> Exit:
    problems = await session.app.check()
    store = masked(session.app.url)
    told = f"{store} is sound" if not problems else f"{counted(len(problems), 'problem')} in {store}"
    session.screen.one(
        {"ok": not problems, "problems": problems},
        lambda one: [*map(escaped, one["problems"]), escaped(told)],
    )
    return Exit.FAILED if problems else Exit.OK
