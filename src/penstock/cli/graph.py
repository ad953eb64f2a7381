"""Blueprints on the command line: what is wrong with one, and what it looks like. Asks no store."""

from collections.abc import Collection
from typing import Any

import click

from penstock.cli.exits import Exit
from penstock.cli.graph_back import rerun, rollback
from penstock.cli.graph_drawn import drawn
from penstock.cli.graph_events import events, nodes
from penstock.cli.graph_read import read
from penstock.cli.graph_run import run
from penstock.cli.locate import load_app
from penstock.cli.said import Said, shared
from penstock.cli.screen import Document, Screen
from penstock.cli.text import counted, escaped
from penstock.core.errors import InvalidBlueprint
from penstock.models.graph.parts import Problem


@click.group()
def graph() -> None:
    """Check, draw and run graphs."""


for command in (run, events, nodes, rerun, rollback):
    graph.add_command(command)


@graph.command("lint", short_help="Say what is wrong with a blueprint.")
@shared
@click.argument("file", metavar="FILE.json")
@click.option("--strict", is_flag=True, help="Warnings are a failure, too.")
@click.pass_obj
def lint(said: Said, file: str, *, strict: bool) -> Exit:
    """Say all that is wrong with a blueprint, and what looks wrong.

    With --app the names of its tasks are checked as well. FILE may be - for stdin. Exits with 1 if anything is wrong.
    """
    name, problems, doubts = _examined(file, _tasks(said))
    failed = bool(problems) or (strict and bool(doubts))
    document: Document = {
        "ok": not failed,
        "id": name,
        "problems": [_document(one) for one in problems],
        "warnings": [_document(one) for one in doubts],
    }
    Screen(said.output).one(document, lambda one: _lines(one, file))
    return Exit.FAILED if failed else Exit.OK


@graph.command("show", short_help="Draw a blueprint.")
@shared
@click.argument("file", metavar="FILE.json")
@click.option("--mermaid", is_flag=True, help="As a Mermaid flowchart.")
@click.pass_obj
def show(said: Said, file: str, *, mermaid: bool) -> Exit:
    """Draw a blueprint, as lines or as a Mermaid flowchart.

    FILE may be - for stdin. A blueprint that is wrong is not drawn: what is wrong is said as by `graph lint`.
    """
    screen = Screen(said.output)
    try:
        found, dropped = read(file, check=True)
    except InvalidBlueprint as error:
        document: Document = {"ok": False, "problems": [_document(one) for one in _problems(error)], "warnings": []}
        screen.one(document, lambda one: _lines(one, file))
        return Exit.FAILED
    for one in dropped:
        screen.note(one.message)
    if mermaid and screen.for_people:
        click.echo(found.to_mermaid(), nl=False)
        return Exit.OK
    shape = found.analyze()
    answer: dict[str, Any] = {
        "id": found.id,
        "version": found.version,
        "nodes": shape.nodes,
        "edges": shape.edges,
        "starts": list(shape.starts),
        "terminals": list(shape.terminals),
        "loops": {loop: list(body) for loop, body in shape.loops.items()},
        "mermaid": found.to_mermaid(),
    }
    screen.one(answer, lambda _: drawn(found))
    return Exit.OK


def _examined(file: str, tasks: Collection[str] | None) -> tuple[str | None, list[Problem], list[Problem]]:
    """The blueprint's id, what is wrong with it, and what looks wrong."""
    try:
        found, dropped = read(file, check=False)
    except InvalidBlueprint as error:
        return None, _problems(error), []
    problems = found.problems(tasks=tasks)
    return found.id, problems, [*dropped, *([] if problems else found.lint())]


def _problems(error: InvalidBlueprint) -> list[Problem]:
    return [one for one in error.problems if isinstance(one, Problem)]


def _tasks(said: Said) -> Collection[str] | None:
    target, origin = said.setting("app")
    return None if target is None or origin != "--app" else load_app(target).tasks


def _document(problem: Problem) -> Document:
    return {"code": problem.code, "message": problem.message, "node": problem.node, "edge": problem.edge}


def _lines(document: Document, file: str) -> list[str]:
    problems, doubts = document["problems"], document["warnings"]
    lines = [
        f"{click.style(kind, fg=colour)} {escaped(one['message'])} [{one['code']}]"
        for kind, colour, many in (("error:", "red", problems), ("warning:", "yellow", doubts))
        for one in many
    ]
    told = [counted(len(many), noun) for noun, many in (("problem", problems), ("warning", doubts)) if many]
    return [*lines, escaped(f"{file}: {' and '.join(told) if told else 'nothing is wrong'}")]
