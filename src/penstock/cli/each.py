"""One verb on several runs, each by its id: what went, what was refused and why, and one exit status for all."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from penstock.app.handle import Run
from penstock.cli.asking import agreed
from penstock.cli.exits import Exit
from penstock.cli.failures import exit_for, sentence_for
from penstock.cli.progress import progress
from penstock.cli.session import Session
from penstock.cli.text import counted
from penstock.core.errors import Invalid, PenstockError, Unavailable, WrongState
from penstock.core.ids import check_run_id

TOGETHER: Final = 100  # runs acted on at a time: their moves share commits
PAST: Final = {
    "cancel": "cancelled, or asked to end",
    "redrive": "redriven",
    "remove": "removed",
    "promote": "promoted",
    "reschedule": "rescheduled",
    "reprioritise": "reprioritised",
    "update": "updated",
    "clear the log of": "left without a log",
}


def ids_of(named: Sequence[str], verb: str, *, yes: bool) -> list[str]:
    """The ids in order, each once; those of stdin, one a line, if - was said, after asking. Raises `Invalid`."""
    ids = list(named)
    if "-" in ids:
        if ids != ["-"]:
            raise Invalid("RUN", "-", "say ids, or - alone for ids from stdin")
        ids = [line.strip() for line in sys.stdin if line.strip()]
        if ids:
            agreed(f"{verb.capitalize()} {counted(len(ids), 'run')}?", yes=yes)
    return [check_run_id(one, "RUN") for one in dict.fromkeys(ids)]


async def on_each(
    session: Session, ids: Sequence[str], verb: str, act: Callable[[Run[Any]], Awaitable[object]]
) -> Exit:
    """Act on each run; an answer of False says that it has finished already. A lone run's refusal is raised."""
    done: list[str] = []
    refused: list[dict[str, Any]] = []

    async def one(run_id: str) -> PenstockError | None:
        try:
            answer = await act(session.app.run(run_id))
        except Unavailable:
            raise  # nothing can be said of the others either
        except PenstockError as error:
            return error
        return WrongState(verb, run_id, "finished") if answer is False else None

    with progress(verb, len(ids)) as told:
        for start in range(0, len(ids), TOGETHER):
            part = ids[start : start + TOGETHER]
            errors: list[PenstockError | None] = await asyncio.gather(*[one(run_id) for run_id in part])
            for run_id, error in zip(part, errors, strict=True):
                if error is None:
                    done.append(run_id)
                elif len(ids) == 1:
                    raise error
                else:
                    refused.append({"id": run_id, "exit": int(exit_for(error)), "message": sentence_for(error)})
            told(start + len(part))
    return _tell(session, verb, done, refused)


def _tell(session: Session, verb: str, done: list[str], refused: list[dict[str, Any]]) -> Exit:
    for one in refused:
        session.screen.note(one["message"])
    named = done[0] if len(done) == 1 and not refused else counted(len(done), "run")
    left = f", {counted(len(refused), 'run')} refused" if refused else ""
    session.screen.done({"verb": verb, "done": done, "refused": refused}, f"{named} {PAST[verb]}{left}")
    return Exit.FAILED if refused else Exit.OK
