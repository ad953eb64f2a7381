"""The reference of commands, made of the commands; `python -m tests.cli.reference` writes it into the page."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click

from penstock.cli.exits import MEANINGS
from penstock.cli.main import main

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "cli.md"
BEGIN, END = "<!-- commands: made by tests/cli/reference.py -->", "<!-- end of commands -->"


def commands(command: click.Command, path: str = "penstock") -> Iterator[tuple[str, click.Command]]:
    """The command and all below it, each with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        ctx = click.Context(command, info_name=path)
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None
            yield from commands(below, f"{path} {name}")


def options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


SHARED = {one.name for one in options(main)} - {"version"}


def usage(path: str, command: click.Command) -> str:
    ctx = click.Context(command, info_name=path)
    return " ".join([path, *(piece for piece in command.collect_usage_pieces(ctx) if piece != "[OPTIONS]")])


def row(option: click.Option) -> str:
    """One option in a table: how it is said, and what it does."""
    named = ", ".join(f"`{one}`" for one in sorted(option.opts, key=len))
    metavar = "" if option.is_flag else f" {option.make_metavar(click.Context(main))}".replace("|", " \\| ")
    default = f" [{shown(option.default)}]" if option.show_default and option.default is not None else ""
    return f"| {named}{metavar} | {option.help}{default} |"


def shown(default: object) -> str:
    return ", ".join(cast("list[str]", default)) if isinstance(default, list | tuple) else str(default)


def paragraphs(command: click.Command) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))


def section(path: str, command: click.Command) -> str:
    lines = [f"### `{path}`", "", paragraphs(command), "", "```console", f"$ {usage(path, command)}", "```"]
    own = [row(option) for option in options(command) if path == "penstock" or option.name not in SHARED]
    if own:
        lines += ["", "| option | |", "|---|---|", *own]
    return "\n".join(lines)


def statuses() -> str:
    rows = [f"| {int(code)} | {meaning} |" for code, meaning in MEANINGS.items()]
    return "\n".join(["### Exit status", "", "| status | |", "|---|---|", *rows])


def reference() -> str:
    """All sections, as they stand between the page's two marks."""
    return "\n\n".join([*(section(path, command) for path, command in commands(main)), statuses()])


def page() -> str:
    """The page, its reference made anew."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n\n{reference()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
