"""A flow in the terminal: a line for each run, drawn as the tree that it is. Everything from data is escaped."""

from typing import Any

import click

from penstock.app.trees import Tree
from penstock.cli.documents import document, error_line
from penstock.cli.said import Said, shared
from penstock.cli.screen import Document
from penstock.cli.session import Session, carry_out
from penstock.cli.text import ago, escaped


@click.command("tree", short_help="Draw a run and all that it waits for.")
@shared
@click.argument("run_id", metavar="RUN")
@click.option("--depth", type=click.IntRange(0, 64), metavar="N", help="Only so many levels below it.")
@click.option(
    "--children", "per_node", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Of each run."
)
@click.pass_obj
def tree(said: Said, run_id: str, *, depth: int | None, per_node: int) -> None:
    """Draw a run and all that it waits for, each with its state; what is left out is marked."""
    carry_out(said, lambda session: _tree(session, run_id, depth, per_node))


async def _tree(session: Session, run_id: str, depth: int | None, per_node: int) -> None:
    found = await session.app.tree(run_id, depth=depth, per_node=per_node)
    now = (await session.app.info()).now
    session.screen.one(tree_document(found), lambda top: tree_lines(top, now))


def tree_document(found: Tree) -> dict[str, Any]:
    """The tree as nested documents, every field always there."""
    return {
        "run": document(found.run),
        "kind": found.kind,
        "name": found.name,
        "if_fails": found.if_fails,
        "pending": found.pending,
        "blocked_by": found.blocked_by,
        "children": [tree_document(child) for child in found.children],
        "more": found.more,
    }


def tree_lines(top: Document, now: float) -> list[str]:
    """A line for each run, children below their parent."""
    return [_line(top, now), *_below(top, "", now)]


def _below(node: Document, indent: str, now: float) -> list[str]:
    lines: list[str] = []
    children: list[Document] = node["children"]
    for n, child in enumerate(children):
        last = n == len(children) - 1 and not node["more"]
        lines.append(f"{indent}{'└─ ' if last else '├─ '}{_line(child, now)}")
        lines += _below(child, indent + ("   " if last else "│  "), now)
    if node["more"]:
        lines.append(f"{indent}└─ ... more")
    return lines


def _line(node: Document, now: float) -> str:
    run: Document = node["run"]
    name = f" as {node['name']}" if node["name"] else ""
    policy = f" ({node['if_fails']})" if node["if_fails"] not in {None, "fail"} else ""
    said = [f"{run['task']}{name}{policy}", run["id"], run["state"], f"since {ago(run['since_at'], now)}"]
    if node["blocked_by"]:
        said.append(f"blocked by {node['blocked_by']}")
    elif node["pending"] and run["state"] == "waiting":
        said.append(f"waits for {node['pending']:,}")
    if run["error"] is not None:
        said.append(error_line(run, 80))
    return escaped("  ".join(said))
