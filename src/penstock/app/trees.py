"""Flows as they stand: a run, what it waits for, and so on down. Reads only."""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.app import status
from penstock.app.client import Client
from penstock.app.status import Status
from penstock.core.errors import Invalid, NotFound
from penstock.core.run import Kind, Run
from penstock.core.views import Page
from penstock.ports.store import Views

PAGE: Final = 500  # children of one parent that are read at a time
TOGETHER: Final = 1_000  # parents whose children one call reads,
ROWS: Final = 20_000  # if these can't be more
DEEPEST: Final = 64
WIDEST: Final = 10_000


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it stood when asked, with the children that it depends on or has called, in order."""

    run: Status
    kind: str | None  # what it is to its parent: "dependency" or "call"
    name: str  # under which its parent reads it, if it was given one
    if_fails: str | None
    pending: int  # children that it waits for
    blocked_by: str | None  # the child that keeps it waiting, having ended badly under "block"
    children: tuple["Tree", ...] = ()
    more: bool = False  # there are children that are not shown


async def tree(client: Client, run_id: str, depth: object, per_node: object) -> Tree:
    """The run and what is below it, so many levels down, and at most so many children of each."""
    levels = DEEPEST if depth is None else _checked(depth, "depth", lowest=0, highest=DEEPEST)
    width = _checked(per_node, "per_node", lowest=1, highest=WIDEST)
    store = await client.store()
    (top,) = await store.get([run_id])
    if top is None:
        raise NotFound("run", run_id)
    rows: list[Run] = [top]
    below: dict[str, tuple[list[Run], bool]] = {}
    for level in range(levels + 1):
        found = await _of_all(store, rows, width if level < levels else 0)
        below |= zip((run.id for run in rows), found, strict=True)
        rows = [child for children, _ in found for child in children]
    return _drawn(client, top, below)


async def _of_all(store: Views, parents: Sequence[Run], width: int) -> list[tuple[list[Run], bool]]:
    """The children of each, many parents at a time."""
    found: list[tuple[list[Run], bool]] = []
    limit = min(PAGE, width + 1)
    many = min(TOGETHER, max(1, ROWS // limit))
    for start in range(0, len(parents), many):
        some = [parent.id for parent in parents[start : start + many]]
        pages = await store.children_of(some, limit=limit)
        found += [await _rest(store, one, page, width) for one, page in zip(some, pages, strict=True)]
    return found


async def _rest(store: Views, parent_id: str, page: Page[Run], width: int) -> tuple[list[Run], bool]:
    """The first children in order, without those that it has only started; whether there are more."""
    found = [run for run in page.items if run.kind is not Kind.STARTED]
    while len(found) <= width and page.after is not None:
        page = await store.children(parent_id, after=page.after, limit=min(PAGE, width + 1))
        found += [run for run in page.items if run.kind is not Kind.STARTED]
    return found[:width], len(found) > width


def _drawn(client: Client, top: Run, below: dict[str, tuple[list[Run], bool]]) -> Tree:
    children, more = below.get(top.id, ([], False))
    return Tree(
        run=status.status_of(top, client.home.codec),
        kind=None if top.kind is None else top.kind.value,
        name=top.name,
        if_fails=None if top.kind is not Kind.DEPENDENCY or top.if_fails is None else top.if_fails.value,
        pending=top.pending,
        blocked_by=top.blocked_by,
        children=_all(client, children, below),
        more=more,
    )


def _all(client: Client, runs: Sequence[Run], below: dict[str, tuple[list[Run], bool]]) -> tuple[Tree, ...]:
    return tuple(_drawn(client, run, below) for run in runs)


def _checked(value: object, parameter: str, *, lowest: int, highest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise Invalid(parameter, value, f"a whole number from {lowest:,} to {highest:,}")
    return value
