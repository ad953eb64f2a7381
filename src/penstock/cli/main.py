"""The command `penstock`: knows its commands by name only, and turns errors into one line and an exit status."""

import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from penstock.cli.exits import MEANINGS, Exit
from penstock.cli.failures import report
from penstock.cli.group import LazyGroup
from penstock.cli.said import Said, shared

COMMANDS: Final = {
    "worker": ("penstock.cli.worker:worker", "Carry out the runs of an app's tasks."),
    "dev": ("penstock.cli.dev:dev", "Work, and begin anew when the code changes."),
    "web": ("penstock.cli.web:web", "Serve an app over HTTP."),
    "enqueue": ("penstock.cli.enqueue:enqueue", "Store a run of a task, by the task's name."),
    "runs": ("penstock.cli.runs:runs", "List, show and steer runs."),
    "history": ("penstock.cli.history:history", "Export what workflows have recorded."),
    "replay": ("penstock.cli.replay:replay", "Check that workflows' code fits what runs have recorded."),
    "lint": ("penstock.cli.lint:lint", "Look for clocks, chance and I/O in workflows' code."),
    "queues": ("penstock.cli.queues:queues", "List, pause, resume, drain, clean and delete queues."),
    "schedules": (
        "penstock.cli.schedules:schedules",
        "Create, edit, list and steer schedules.",
    ),
    "limits": ("penstock.cli.limits:limits", "List, show, set, drop, pause and resume limits."),
    "graph": ("penstock.cli.graph:graph", "Check, draw and run graphs."),
    "workers": ("penstock.cli.workers:workers", "List the workers that are alive."),
    "dead": ("penstock.cli.dead:dead", "List, redrive and delete dead letters."),
    "why": ("penstock.cli.why:why", "Say why a run has not finished, or how it ended."),
    "logs": ("penstock.cli.logs:logs", "Print what runs have logged, and what they log now."),
    "top": ("penstock.cli.top:top", "Watch queues, workers and tasks."),
    "metrics": ("penstock.cli.metrics:metrics", "Say what the last minutes saw."),
    "sync": ("penstock.cli.sync:sync", "Bring the store in step with an app's code."),
    "reconcile": ("penstock.cli.reconcile:reconcile", "Look once after all that workers look after."),
    "doctor": ("penstock.cli.doctor:doctor", "Examine store, workers and configuration."),
    "migrate": ("penstock.cli.migrate:migrate", "Bring the store's schema up to this version."),
    "check": ("penstock.cli.check:check", "Audit the store: its indexes against its rows."),
    "completion": ("penstock.cli.completion:completion", "Print what makes a shell complete commands and options."),
    "config": ("penstock.cli.config:config", "Print the settings in force, and where each comes from."),
}

EPILOG: Final = "\b\nExit status:\n" + "\n".join(f"  {int(code):3}  {meaning}" for code, meaning in MEANINGS.items())


class Penstock(LazyGroup):
    """The root of all commands."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 (click's way)
        **extra: Any,
    ) -> Any:
        """Run the command that the arguments name, and exit with its status."""
        del standalone_mode
        said = extra.setdefault("obj", Said())
        try:
            status = super().main(args, prog_name or "penstock", complete_var, standalone_mode=False, **extra)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 (this is where all errors are told)
            status = report(error, as_json=said.output != "table", debug=said.debug)
        sys.exit(int(status or 0))

    def invoke(self, ctx: click.Context) -> Any:
        """Carry out the command. A reader that has read enough and gone, as `head` does, is no failure."""
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.OK
        return status


def _version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 (click's way)
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 (slow, and seldom asked for)

        click.echo(f"penstock {version('penstock')}")
        ctx.exit()


@click.group(
    cls=Penstock, commands_at=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@shared
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
@click.pass_context
def main(ctx: click.Context) -> None:
    """Durable jobs on the database you already run.

    The shared options may stand before a command's name or after it.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False
