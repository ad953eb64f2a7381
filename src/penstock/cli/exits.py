"""What the exit status of a command says. Stable, and the same for every command."""

from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """One number for each kind of answer; `MEANINGS` says which."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    UNAVAILABLE = 4
    TIMEOUT = 5
    REFUSED = 6
    NOT_LOADED = 7
    INTERRUPTED = 130


MEANINGS: Final = {
    Exit.OK: "done; of a question: yes",
    Exit.FAILED: "of a question: no; a run awaited ended badly; some of many could not be done",
    Exit.USAGE: "the command line, or a value in it, is refused; nothing was changed",
    Exit.NOT_FOUND: "no such run, queue, task or list; no store there",
    Exit.UNAVAILABLE: "the store did not answer",
    Exit.TIMEOUT: "what was waited for did not happen in time",
    Exit.REFUSED: "the state of the run, or a key that is taken, forbids it; nothing was changed",
    Exit.NOT_LOADED: "MODULE:app can't be imported, or is no App",
    Exit.INTERRUPTED: "interrupted from the keyboard",
}
