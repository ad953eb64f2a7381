"""Graph runs on the command line: what has happened in one, and how it stands or stood."""

from typing import Any

import click

from penstock.app.graph_documents import event_document, moment_document
from penstock.app.redaction import names, redaction
from penstock.cli import text
from penstock.cli.exits import Exit
from penstock.cli.said import Said, shared
from penstock.cli.screen import Column, Document, as_json, field
from penstock.cli.session import Session, carry_out

_WIDTH = 60  # characters of what an event brings along


@click.command("events", short_help="List what has happened in a graph run.")
@shared
@click.argument("run_id", metavar="RUN")
@click.option("--after", default=0, type=click.IntRange(0), metavar="NUMBER", help="Only events after this number.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="At most so many.")
@click.pass_obj
def events(said: Said, run_id: str, after: int, limit: int) -> None:
    """List what has happened in a graph run, in order: nodes that started, ended, were skipped, and how it ended."""

    async def work(session: Session) -> None:
        found = await session.app.graph_run(run_id).events(after=after, limit=limit + 1)
        more = str(found[limit - 1].seq) if len(found) > limit else None
        redact = redaction(names())
        documents = [event_document(one, redact) for one in found[:limit]]
        session.screen.listing("events", documents, _COLUMNS, after=more)

    carry_out(said, work)


@click.command("nodes", short_help="Say how the nodes of a graph run stand.")
@shared
@click.argument("run_id", metavar="RUN")
@click.option(
    "--at", type=click.IntRange(1), metavar="NUMBER", help="How they stood at this event; otherwise the last."
)
@click.pass_obj
def nodes(said: Said, run_id: str, at: int | None) -> Exit:
    """Say how a graph run stands, or stood at one of its events: its status, its nodes, its context."""

    async def work(session: Session) -> Exit:
        moment = await session.app.graph_run(run_id).moment(at)
        session.screen.one(moment_document(moment, redaction(names())), _lines)
        return Exit.OK

    return carry_out(said, work)


def _lines(moment: Document) -> list[str]:
    stands: dict[str, dict[str, Any]] = moment["nodes"]
    width = max(len(node) for node in stands)
    at = f"at event {moment['seq']}, {text.moment(moment['at'])}" if moment["seq"] else "and not begun"
    lines = [f"{moment['status']} {at}", ""]
    for node, one in stands.items():
        error = one["error"]
        why = "" if error is None else f"  {error['type']}: {error['message']}"
        lines.append(text.shortened(f"{node:<{width}}  {one['status']}{why}", 120))
    return [*lines, "", text.escaped(f"context: {as_json(moment['context'])}")]


def _detail(event: Document) -> str:
    """What an event brings along, in short."""
    if event["error"] is not None:
        return text.shortened(f"{event['error']['type']}: {event['error']['message']}", _WIDTH)
    said = [] if event["action"] is None else [f"action {event['action']}"]
    if event["data"] is not None:
        said.append(as_json(event["data"]))
    if event["until_at"] is not None:
        said.append(f"until {text.moment(event['until_at'])}")
    return text.shortened(", ".join(said), _WIDTH) or "-"


_COLUMNS = [
    Column("number", lambda one: str(one["seq"]), number=True),
    Column("at", lambda one: text.moment(one["at"])),
    field("kind", title="what"),
    field("key", title="node"),
    Column("detail", _detail),
]
