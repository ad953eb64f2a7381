"""`penstock dev MODULE:app`: a worker that begins anew when its code changes, one generation at a time."""

import signal
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import click

from penstock.cli import when
from penstock.cli.exits import Exit
from penstock.cli.generation import Generation
from penstock.cli.said import Said, shared
from penstock.cli.text import counted, escaped
from penstock.cli.watching import Looks, changed, look
from penstock.core.errors import Invalid

LOOK: Final = 0.3  # seconds between two looks at the files
BEYOND: Final = 2.0  # seconds after the grace for which a worker may take to go


@click.command("dev")
@shared
@click.argument("target", metavar="MODULE:APP", required=False)
@click.option("--watch", "folders", multiple=True, metavar="FOLDER", help="Below here; may be repeated. [this folder]")
@click.option("--queues", metavar="NAMES", help="mail,default: served in this order. [those of the app's tasks]")
@click.option("--concurrency", "-c", type=int, help="Runs at once, 1 to 10000. [10]")
@click.option(
    "--lease", default="5s", show_default=True, metavar="SPAN", help="After which a killed worker's runs go on."
)
@click.option("--grace", default="2s", show_default=True, metavar="SPAN", help="For which runs may go on at a reload.")
@click.pass_obj
def dev(
    said: Said,
    /,
    target: str | None,
    *,
    folders: tuple[str, ...],
    queues: str | None,
    concurrency: int | None,
    lease: str,
    grace: str,
) -> Exit:
    """Work, and begin anew when the code changes.

    The worker of the old code is gone before that of the new code is started. Asked to stop, it lets its runs end for
    the grace and hands back the rest; one that hangs is killed, and its runs begin again when their leases have run
    out.
    """
    wanted = target or said.setting("app")[0]
    if wanted is None:
        raise Invalid("MODULE:APP", "", "say which app, as in `penstock dev shop:app`")
    where = [Path(folder) for folder in folders or (".",)]
    for folder in where:
        if not folder.is_dir():
            raise Invalid("watch", str(folder), "a folder that is there")
    patience = when.span(grace, "grace") + BEYOND
    options = [wanted, "--lease", lease, "--grace", grace, *_shared(said)]
    options += [] if queues is None else ["--queues", queues]
    options += [] if concurrency is None else ["--concurrency", str(concurrency)]
    with _stopped_by_signals() as stopped:
        _generations(where, patience, lambda: Generation(options), stopped)
    return Exit.OK


def _shared(said: Said) -> list[str]:
    """The shared options, for another process. What a file has set is in the environment already."""
    named = {"--url": said.url, "--namespace": said.namespace}
    return [word for name, value in named.items() if value is not None for word in (name, value)] + [
        *(["-o", said.output] if said.output != "table" else []),
        *(["--debug"] if said.debug else []),
    ]


def _generations(
    folders: Sequence[Path], patience: float, begin: Callable[[], Generation], stopped: threading.Event
) -> None:
    """One after the other, until stopped."""
    while not stopped.is_set():
        before = look(folders)
        generation = begin()
        files = _wait(folders, before, generation, stopped)
        if not generation.end(patience):
            _tell("the worker did not stop in time: it was killed, its runs begin again when their leases are over")
        if files:
            shown = ", ".join(str(Path(file)) for file in files[:3])
            _tell(f"{counted(len(files), 'file')} changed ({shown}{', ...' if len(files) > 3 else ''}): reloading")


def _wait(folders: Sequence[Path], before: Looks, generation: Generation, stopped: threading.Event) -> list[str]:
    """Return when files have changed: which; or, with none, when stopped."""
    told = False
    while not stopped.wait(LOOK):
        files = changed(before, look(folders))
        if files:
            return files
        if generation.over is not None and not told:
            told = True
            _tell(f"the worker has ended with {generation.over}: it begins anew when a file changes")
    return []


@contextmanager
def _stopped_by_signals() -> Generator[threading.Event]:
    stopped = threading.Event()

    def caught(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopped.set()

    before = {number: signal.signal(number, caught) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(sentence: str) -> None:
    click.echo(escaped(f"dev: {sentence}"), err=True)
