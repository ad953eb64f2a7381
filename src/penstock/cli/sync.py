"""`penstock sync MODULE:app`: a store in step with an app's code, or what would have to be changed for that."""

from typing import Any

import click
import msgspec

from penstock.app.synchronising import Changes
from penstock.cli.exits import Exit
from penstock.cli.said import Said, shared
from penstock.cli.session import Session, carry_out
from penstock.cli.text import escaped
from penstock.core.errors import Invalid

_KINDS = ("definitions", "limits", "schedules")


@click.command("sync")
@shared
@click.argument("target", metavar="MODULE:APP", required=False)
@click.option("--dry-run", is_flag=True, help="Change nothing: say what would be.")
@click.pass_obj
def sync(said: Said, target: str | None, *, dry_run: bool) -> Exit:
    """Bring the store in step with an app's code.

    What it declares of tasks, limits and schedules is stored, what it no longer declares is removed. Only what this app
    owned is removed, and not what was declared within 30 seconds, what a live worker declares, or a task with runs that
    wait. For deploys: workers do the same when they start, but take no task away.
    """
    if target is not None:
        said.app = target
    if said.setting("app")[0] is None:
        raise Invalid("MODULE:APP", "", "say which app, as in `penstock sync shop:app`")
    return carry_out(said, lambda session: _sync(session, dry=dry_run), makes=not dry_run)


async def _sync(session: Session, *, dry: bool) -> Exit:
    changes = await session.app.synchronise(dry_run=dry)
    document = {"dry_run": dry, **msgspec.to_builtins(changes)}
    session.screen.one(document, lambda _: [escaped(line) for line in _lines(changes, dry=dry)])
    return Exit.OK


def _lines(changes: Changes, *, dry: bool) -> list[str]:
    would = "would be " if dry else ""
    lines: list[str] = []
    for kind in _KINDS:
        found: Any = getattr(changes, kind)
        lines += [f"{kind.removesuffix('s')} {name} {would}stored" for name in found.stored]
        lines += [f"{kind.removesuffix('s')} {name} {would}removed" for name in found.removed]
    return lines or ["nothing to change: the store is in step with the code"]
