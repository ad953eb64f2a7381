"""Stored histories against the code of now: for a pipeline that must fail before a deploy does."""

from collections.abc import Iterable, Iterator
from typing import TextIO

import click
import msgspec

from penstock.app.app import App
from penstock.app.histories import History
from penstock.app.loops import run
from penstock.app.replaying import Replayed
from penstock.cli.documents import document
from penstock.cli.exits import Exit
from penstock.cli.locate import load_app
from penstock.cli.said import Said, shared
from penstock.cli.screen import Column, Screen, field
from penstock.core.errors import Invalid


@click.command(short_help="Check that workflows' code fits what runs have recorded.")
@shared
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.File(encoding="utf-8"))
@click.option("--version", metavar="NAME", help="Of the code to try; otherwise that of each run.")
@click.pass_obj
def replay(said: Said, files: tuple[TextIO, ...], version: str | None) -> Exit:
    """Check that workflows' code fits what runs have recorded.

    Calls the code of --app with histories that `penstock history export` has printed; FILE may be - for stdin. Nothing
    is carried out, and no store is asked. The exit status is 1 if the code does not fit one of them.
    """
    target = said.setting("app")[0]
    if target is None:
        raise Invalid("app", None, "whose workflows shall be replayed? Say --app MODULE:app")
    replayed = run(_replayed(load_app(target), list(_histories(files)), version))
    misfits = [one for one in replayed if not one.fits]
    screen = Screen(said.output)
    screen.listing(
        "misfits",
        [document(one) for one in misfits],
        [field("id"), field("task"), field("recorded"), Column("the code calls", lambda one: str(one["called"]))],
    )
    screen.note(f"{len(replayed) - len(misfits)} of {len(replayed)} histories fit")
    return Exit.FAILED if misfits else Exit.OK


def _histories(files: Iterable[TextIO]) -> Iterator[History]:
    for file in files:
        for number, line in enumerate(file, start=1):
            try:
                yield msgspec.json.decode(line, type=History)
            except msgspec.MsgspecError as error:
                raise Invalid("FILE", f"{file.name}:{number}", f"a history as exported: {error}") from error


async def _replayed(app: App, histories: list[History], version: str | None) -> list[Replayed]:
    return [await app.replay(one, version=version) for one in histories]
