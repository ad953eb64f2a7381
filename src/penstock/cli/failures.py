"""From errors to an exit status and one line on stderr. Knows the errors, and no command."""
# ruff: noqa: N818 (as in `core/errors.py`: the names say what happened)

import json
import os
import sys
import traceback
from typing import TextIO

import click

from penstock.cli.exits import Exit
from penstock.cli.text import escaped
from penstock.core.errors import (
    Blocking,
    Cascading,
    Duplicate,
    Invalid,
    KeyConflict,
    NotFound,
    PenstockError,
    Purged,
    ResultTimeout,
    Unavailable,
    UnknownTask,
    WrongState,
)


class NotLoaded(PenstockError):
    """MODULE:app does not lead to an App: what was looked for, where, and what is there instead."""

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(f"can't load {escaped(target)}: {reason}")
        self.target = target


class NoStore(PenstockError):
    """There is no store where one was looked for: most likely this is the wrong folder, or the wrong setting."""

    def __init__(self, place: str, origin: str) -> None:
        super().__init__(
            f"no store at {escaped(place)} (by {escaped(origin)}): say --url or --app, or go to the folder in which it "
            "is. A worker makes one, and so does `penstock enqueue --app MODULE:APP`"
        )
        self.place = place


class Failed(PenstockError):
    """The answer is no, and this sentence says why."""


def exit_for(error: BaseException) -> Exit:
    """The exit status that stands for the error."""
    match error:
        case NotLoaded():
            return Exit.NOT_LOADED
        case NotFound() | NoStore() | Purged() | UnknownTask():
            return Exit.NOT_FOUND
        case ResultTimeout():
            return Exit.TIMEOUT
        case Unavailable():
            return Exit.UNAVAILABLE
        case WrongState() | Cascading() | KeyConflict() | Duplicate() | Blocking():
            return Exit.REFUSED
        case Invalid() | click.UsageError():
            return Exit.USAGE
        case click.Abort() | KeyboardInterrupt():
            return Exit.INTERRUPTED
        case _:
            return Exit.FAILED


def sentence_for(error: BaseException) -> str:
    """What happened and what to do next, on one line, without anything that could steer a terminal."""
    match error:
        case click.Abort() | KeyboardInterrupt():
            return "interrupted"
        case click.UsageError():
            path = error.ctx.command_path if error.ctx is not None else "penstock"
            said = " ".join(error.format_message().split())
            return escaped(f"{said} `{path} --help` says what is possible")
        case UnknownTask():
            return escaped(str(error).replace("pass unchecked=True", "say --unchecked"))
        case click.ClickException():
            return escaped(error.format_message())
        case PenstockError():
            return escaped(str(error))
        case OSError():
            return escaped(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        case _:
            return escaped(f"unexpected {type(error).__name__}: {error}. --debug shows where")


def report(error: BaseException, *, as_json: bool, debug: bool) -> Exit:
    """Print the error to stderr, with `debug` after its traceback; the exit status to end with."""
    status = exit_for(error)
    if debug:
        traceback.print_exception(error)
    sentence = sentence_for(error)
    if as_json:
        told = {"error": {"type": type(error).__name__, "message": sentence, "exit": int(status)}}
        click.echo(json.dumps(told), err=True)
    else:
        click.echo(f"{click.style('error:', fg='red')} {sentence}", err=True, color=coloured(sys.stderr))
    return status


def coloured(stream: TextIO) -> bool:
    """Whether to write colours there: to a terminal, unless NO_COLOR is set to anything."""
    return stream.isatty() and not os.environ.get("NO_COLOR")
