"""Workflows' code looked through for what a replay can't repeat."""

import os

import click

from penstock.cli.documents import document
from penstock.cli.exits import Exit
from penstock.cli.locate import load_app
from penstock.cli.said import Said, shared
from penstock.cli.screen import Column, Screen, field
from penstock.core.errors import Invalid


@click.command(short_help="Look for clocks, chance and I/O in workflows' code.")
@shared
@click.pass_obj
def lint(said: Said) -> Exit:
    """Look for clocks, chance and I/O in workflows' code.

    What takes another way in a replay is listed, with what to call instead. Steps are not looked at: there all of it is
    fine. The exit status is 1 if something was found.
    """
    target = said.setting("app")[0]
    if target is None:
        raise Invalid("app", None, "whose workflows shall be looked through? Say --app MODULE:app")
    found = load_app(target).lint()
    Screen(said.output).listing(
        "findings",
        [document(one) for one in found],
        [
            Column("where", lambda one: f"{os.path.relpath(one['file'])}:{one['line']}"),
            field("task"),
            field("found"),
            field("instead"),
        ],
    )
    return Exit.FAILED if found else Exit.OK
