"""`penstock completion SHELL`: what a shell needs to complete commands and options. Knows no command of ours."""

from typing import Final

import click
from click.shell_completion import get_completion_class

from penstock.cli.failures import Failed
from penstock.cli.said import shared

_NAME: Final = "penstock"
SHELLS: Final = ("bash", "zsh", "fish")


@click.command("completion")
@shared
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and options.

    For bash, eval "$(penstock completion bash)" belongs in ~/.bashrc; for zsh the same with zsh in ~/.zshrc; for fish,
    penstock completion fish | source in ~/.config/fish/config.fish.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise Failed(f"nothing is known of completion in {shell}")
    root = ctx.find_root()
    click.echo(kind(root.command, {}, _NAME, f"_{_NAME.upper()}_COMPLETE").source())
