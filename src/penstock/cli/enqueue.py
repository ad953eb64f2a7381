"""`penstock enqueue TASK ...`: one run by the task's name, and with --wait its result."""

import re
from typing import Any, Final

import click

from penstock.app.options import NamedByCall
from penstock.cli import when
from penstock.cli.arguments import read_arguments
from penstock.cli.exits import Exit
from penstock.cli.said import Said, shared
from penstock.cli.screen import as_json
from penstock.cli.session import Session, carry_out
from penstock.core.errors import Invalid

_SPANS: Final = ("delay", "expires", "deadline", "attempt_timeout", "keep", "key_ttl")
_PLAIN: Final = ("queue", "priority", "key", "id", "crashes")
_APP: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")  # as `penstock worker` takes it
_WORDS_OF_JSON: Final = ("true", "false", "null")


@click.command("enqueue", context_settings={"ignore_unknown_options": True})
@shared
@click.argument("task")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option("--queue", metavar="NAME", help="Not the task's own queue, but this one.")
@click.option("--priority", type=int, help="-1000 to 1000; higher ones run first.")
@click.option("--delay", metavar="SPAN", help="Not before so long from now: 10m.")
@click.option("--at", metavar="DATE", help="Not before this moment: 2030-01-31T12:00Z, or unix seconds.")
@click.option("--key", metavar="TEXT", help="One run per task and key; a second call finds the first one's run.")
@click.option("--key-ttl", metavar="SPAN", help="How long the key outlives its run.")
@click.option("--id", metavar="ID", help="The run's id.")
@click.option("--expires", metavar="SPAN", help="Fails if not started so long after it was due.")
@click.option("--deadline", metavar="SPAN", help="Fails if not finished so long from now.")
@click.option("--attempt-timeout", metavar="SPAN", help="For each attempt.")
@click.option("--crashes", type=int, help="Lost workers that fail the run.")
@click.option("--keep", metavar="SPAN", help="How long the run is kept once it has finished.")
@click.option("--dead-letter", metavar="NAME", help="The list on which it stands when it has failed for good.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="May be repeated.")
@click.option("--unchecked", is_flag=True, help="Although no worker has declared the task yet.")
@click.option("--wait", is_flag=True, help="Wait for the result and print it, as JSON.")
@click.option("--timeout", metavar="SPAN", help="How long --wait waits.")
@click.pass_context
def enqueue(
    ctx: click.Context, /, task: str, args: tuple[str, ...], *, wait: bool, unchecked: bool, **named: Any
) -> Exit:
    """Store a run of a task, by the task's name.

    Prints the run's id. Arguments: 7 or '"text"' by position, as JSON; name=text; name:=json; or --name value,
    JSON if it can be read so, else text. What the workers have declared of the task decides what fits. For a name
    that is also an option here, use name=text.
    """
    if named["timeout"] is not None and not wait:
        raise Invalid("timeout", named["timeout"], "it says how long --wait waits: say --wait, or --attempt-timeout")
    if _APP.fullmatch(task) and args and args[0].isidentifier() and args[0] not in _WORDS_OF_JSON:
        raise Invalid("task", task, f"it looks like an app: say penstock enqueue {args[0]} ... --app {task}")
    options = [one for parameter in ctx.command.params for one in parameter.opts if one.startswith("--")]
    positional, by_name = read_arguments(args, options)
    opts = _opts(named)
    timeout = None if named["timeout"] is None else when.span(named["timeout"], "timeout")

    async def work(session: Session) -> Exit:
        run = await session.app.named(task, unchecked=unchecked).opts(**opts).enqueue(*positional, **by_name)
        told: dict[str, Any] = {"id": run.id, "task": task, "created": run.created}
        if not run.created:
            session.screen.note("It was there already: a run with this id or key.")
        if wait:
            await run.result(timeout)
            told["result"] = (await run.status()).result  # as JSON has it, whatever the task's own types
            session.screen.one(told, lambda one: [as_json(one["result"])])
        else:
            session.screen.one(told, lambda one: [one["id"]])
        return Exit.OK

    said: Said = ctx.obj
    # where there is no store nobody has declared anything: without the task's code this is the wrong place
    return carry_out(said, work, makes=unchecked or said.setting("app")[0] is not None)


def _opts(named: dict[str, Any]) -> NamedByCall:
    """What the options say about the run, those that say something."""
    found: dict[str, Any] = {name: named[name] for name in _PLAIN if named[name] is not None}
    for name in _SPANS:
        if named[name] is not None:
            found["timeout" if name == "attempt_timeout" else name] = when.span(named[name], name.replace("_", "-"))
    if named["at"] is not None:
        found["at"] = when.date(named["at"], "at")
    if named["dead_letter"] is not None:
        found["dead_letter"] = named["dead_letter"]
    if named["tags"]:
        found["tags"] = named["tags"]
    opts: NamedByCall = found  # type: ignore[assignment]
    return opts
