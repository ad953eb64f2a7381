"""Scripts beside the modules: one file per operation, fragments with an underscore, arguments by name.

A file may begin with comments; `-- args: a b c` names what it is called with, `-- each: a b c` what each of many rows
has, `-- on: event` what sets it off. A line `-- @include _name` stands for that fragment. Knows no language beyond
that, and no store.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

_INCLUDE: Final = re.compile(r"^ *-- @include (\w+)$", re.MULTILINE)
_HEADER: Final = re.compile(r"^-- (args|each|on):(.*)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^ *--.*\n?| +-- .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One file, its fragments put in and its comments taken out."""

    name: str  # of the file, without its ending
    text: str
    args: tuple[str, ...] | None  # as its header names them; None: it names none
    each: tuple[str, ...] | None = None
    on: str | None = None


def load(package: str, folder: str) -> dict[str, Script]:
    """All scripts in a folder of the package, by name."""
    found = files(package) / folder
    raw = {
        entry.name.partition(".")[0]: entry.read_text(encoding="utf-8")
        for entry in sorted(found.iterdir(), key=lambda entry: entry.name)
        if entry.is_file()
    }
    return {name: _script(name, raw) for name in raw}


def _script(name: str, raw: dict[str, str]) -> Script:
    headers = {kind: rest.strip() for kind, rest in _HEADER.findall(raw[name])}
    args, each = (tuple(headers[kind].split()) if kind in headers else None for kind in ("args", "each"))
    return Script(name, _COMMENT.sub("", _put_in(raw[name], raw)).strip(), args, each, headers.get("on"))


def _put_in(text: str, raw: dict[str, str]) -> str:
    """The text with the fragments it names, and those that they name."""
    return _INCLUDE.sub(lambda line: _put_in(raw[line[1]], raw).rstrip("\n"), text)
