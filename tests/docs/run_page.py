"""Runs one page as its reader would, from top to bottom, in the present folder: `python run_page.py PAGE`.

Python is run in one namespace; a bare `await` is allowed. A block that begins with `# name.py` is saved as that file.
In console blocks the lines after `$ ` are run, and what they print is compared with the lines that follow; so is what a
Python block prints with an `output` block after it. `...` in what is expected stands for anything, and a
blank for any number of blanks.
"""

import ast
import asyncio
import inspect
import os
import subprocess
import sys
import time
from contextlib import redirect_stdout
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from io import StringIO
from pathlib import Path
from types import CodeType
from typing import Any

from tests.docs.pages import Block, blocks

CHECKER = OutputChecker()
COMMAND = 60.0  # seconds


class PageError(Exception):
    """A block does not do what the page says."""


class Reader:
    """Follows one page."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.namespace: dict[str, Any] = {"__name__": "page", "__builtins__": __builtins__}
        self.printed: str | None = None

    def follow(self, page: Path) -> None:
        """Run the page's blocks. Raises `PageError` for the first that does something else than the page says."""
        for block in blocks(page):
            if block.language == "output":
                self._compare(block)
                continue
            self.printed = None
            if block.not_run is not None:
                continue
            if block.file is not None:
                Path(block.file).write_text(block.text, encoding="utf-8")
            elif block.language == "python":
                self._run(block)
            elif block.language == "console":
                self._type_in(block)

    def _run(self, block: Block) -> None:
        code = compile(block.text, block.where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        out = StringIO()
        try:
            with redirect_stdout(out):
                self._execute(code)
        except BaseException as error:
            raise PageError(f"{block.where}: {type(error).__name__}: {error}") from error
        self.printed = out.getvalue()

    def _execute(self, code: CodeType) -> None:
        if code.co_flags & inspect.CO_COROUTINE:
            self.loop.run_until_complete(eval(code, self.namespace))  # the code of our own pages
        else:
            exec(code, self.namespace)

    def _compare(self, block: Block) -> None:
        if self.printed is None:
            raise PageError(f"{block.where}: no Python was run just before this output")
        _check(block.where, block.text, self.printed)
        self.printed = None

    def _type_in(self, block: Block) -> None:
        command, expected = "", list[str]()
        for line in [*block.text.splitlines(), "$ "]:
            if not line.startswith("$ "):
                expected.append(line)
                continue
            if command:
                _check(f"{block.where}: {command}", "\n".join([*expected, ""]) if expected else None, _output(command))
            command, expected = line[2:].partition("  #")[0], []

    def leave(self) -> None:
        """Close what the page has left open."""
        for value in list(self.namespace.values()):
            if type(value).__name__ == "App":
                self.loop.run_until_complete(value.close())
        self.loop.close()


def _output(command: str) -> str:
    """What the command prints, errors included. Raises `PageError` unless it succeeds, or says `|| true`."""
    bin_folder = Path(sys.executable).parent
    done = subprocess.run(
        command,
        shell=True,  # the commands of our own pages
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND,
        env={**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120"},
    )
    if done.returncode != 0:
        raise PageError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def _check(where: str, expected: str | None, printed: str) -> None:
    if expected is None:
        return
    if not CHECKER.check_output(expected, printed, ELLIPSIS | NORMALIZE_WHITESPACE):
        raise PageError(f"{where}: expected\n{expected}\nbut it printed\n{printed}")


def main() -> None:
    began = time.monotonic()
    reader = Reader()
    try:
        reader.follow(Path(sys.argv[1]))
        reader.leave()
    except PageError as error:
        sys.stdout.write(f"{error}\n")
        sys.exit(1)
    sys.stdout.write(f"{sys.argv[1]}: {time.monotonic() - began:.1f} s\n")


if __name__ == "__main__":
    main()
