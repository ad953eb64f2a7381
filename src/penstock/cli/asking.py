"""Asking before much is changed at once. Knows no work."""

import sys

import click

from penstock.cli.failures import Failed
from penstock.cli.text import escaped
from penstock.core.errors import Invalid


def at_a_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def agreed(question: str, *, yes: bool) -> None:
    """Return if `yes` was said, or is said now at the terminal.

    Raises `Failed` for a no, and `Invalid` where there is no terminal to ask at.
    """
    if yes:
        return
    if not at_a_terminal():
        raise Invalid("yes", False, f"{question} There is no terminal to ask at: repeat with --yes")
    if not click.confirm(escaped(question), err=True):
        raise Failed("nothing was changed")
