"""`penstock graph run`: start a blueprint, and if asked for wait until it has ended and draw how its nodes have."""

from contextlib import AsyncExitStack
from typing import Any

import click
import msgspec

from penstock.app.options import NamedByCall
from penstock.cli import when
from penstock.cli.exits import Exit
from penstock.cli.graph_drawn import drawn
from penstock.cli.graph_read import read
from penstock.cli.said import Said, shared
from penstock.cli.screen import Document, as_json
from penstock.cli.session import Session, carry_out
from penstock.cli.text import escaped
from penstock.core.errors import Invalid, RunFailed
from penstock.models.graph.blueprint import Blueprint


@click.command("run", short_help="Start a blueprint.")
@shared
@click.argument("file", metavar="FILE.json")
@click.option("--input", "given", metavar="JSON", default="null", help="For the nodes with which it begins.")
@click.option("--context", metavar="JSON", default="{}", help="What all its nodes may read and write: an object.")
@click.option("--id", metavar="ID", help="The run's id.")
@click.option("--key", metavar="TEXT", help="One run per key; a second call finds the first one's run.")
@click.option("--queue", metavar="NAME", help="In which it is planned. Its nodes have the queues of their tasks.")
@click.option("--here", is_flag=True, help="Carry it out in this process, with the tasks of --app, and --wait.")
@click.option("--wait", is_flag=True, help="Wait for its end, then draw how its nodes have ended.")
@click.option("--timeout", metavar="SPAN", help="How long --wait waits.")
@click.pass_obj
def run(
    said: Said, /, file: str, given: str, context: str, *, here: bool, wait: bool, timeout: str | None, **named: Any
) -> Exit:
    """Start a blueprint. Prints the run's id; with --wait or --here its nodes and its output, once it has ended.

    FILE may be - for stdin. Its tasks are those of the workers, or with --here of --app. Exits with 1 if it fails.
    """
    if timeout is not None and not (wait or here):
        raise Invalid("timeout", timeout, "it says how long --wait waits: say --wait")
    if here and said.setting("app")[0] is None:
        raise Invalid("here", here, "this process has no tasks: say --app MODULE:app, or leave it to your workers")
    blueprint, dropped = read(file, check=True)
    start = _json(given, "input")
    beginning = _object(context)
    patience = None if timeout is None else when.span(timeout, "timeout")
    options: NamedByCall = {name: value for name, value in named.items() if value is not None}  # type: ignore[assignment]

    async def work(session: Session) -> Exit:
        for one in dropped:
            session.screen.note(one.message)
        async with AsyncExitStack() as stack:
            if here:
                blueprint.check(tasks=session.app.tasks)  # nobody else has them: it would wait for ever
                await stack.enter_async_context(session.app.worker())
            found = await session.app.start(blueprint, input=start, context=beginning, **options)
            if not (here or wait):
                session.screen.one({"id": found.id, "created": found.created}, lambda one: [one["id"]])
                return Exit.OK
            try:
                result = await found.result(patience)
            except RunFailed as error:
                told: dict[str, Any] = {"id": found.id, "ok": False, "output": None, "error": str(error)}
            else:
                told = {"id": found.id, "ok": True, "output": msgspec.to_builtins(result.output), "error": None}
            told["context"] = await found.context()
            told["nodes"] = msgspec.to_builtins(await found.nodes())
        session.screen.one(told, lambda one: _lines(one, blueprint))
        return Exit.OK if told["ok"] else Exit.FAILED

    return carry_out(said, work, makes=here)


def _lines(told: Document, blueprint: Blueprint) -> list[str]:
    nodes: dict[str, dict[str, Any]] = told["nodes"]
    end = f"output: {as_json(told['output'])}" if told["ok"] else f"failed: {escaped(told['error'])}"
    return [*drawn(blueprint, {name: one["status"] for name, one in nodes.items()}), "", end]


def _object(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Invalid("context", text, f'a JSON object, such as {{"tenant": "a"}}: {error}') from error


def _json(text: str, parameter: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Invalid(parameter, text, f"JSON, such as 7, '\"text\"' or '{{\"a\": 1}}': {error}") from error
