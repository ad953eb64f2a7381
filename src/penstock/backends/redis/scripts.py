"""The scripts of this backend, put together from files: an operation's, and the parts that it needs.

A file begins with `-- parts: start args model`: these files (`_start.lua`, ...) stand before it, and it shares their
local names. Every other part holds functions of the table `M`, and comes along if it has one that the operation, or
another part of it, calls. It costs its text only: a part is a Lua function, which puts its functions into `M` when one
of them is called for the first time. Most calls need few, and a script defines anew, each time it is called, whatever
stands open in it.

`-- args: ...` says the arguments by name. A file that goes a straight way names another script in `-- otherwise: name`:
it becomes the function `otherwise`, which costs nothing until it is called.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

from penstock.backends.redis.script import Script

_FOLDER: Final = files("penstock.backends.redis") / "lua"
_HEADER: Final = re.compile(r"^-- (parts|args|otherwise):(.*)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^ *--.*\n| +-- .*$", re.MULTILINE)
_FIELDS: Final = re.compile(r"^local FIELDS = \{(.*?)^\}", re.MULTILINE | re.DOTALL)
_USED: Final = re.compile(r"\bM\.(\w+)")
_DEFINED: Final = re.compile(r"^function M\.(\w+)|^(M\.\w+(?:, M\.\w+)*) =", re.MULTILINE)

SHARED: Final = ("_start", "_args", "_model")  # those whose local names others use


@cache
def sources() -> dict[str, str]:
    """Every file as it is written, by name without its ending."""
    return {
        entry.name.removesuffix(".lua"): entry.read_text(encoding="utf-8")
        for entry in sorted(_FOLDER.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".lua")
    }


@cache
def header(name: str, kind: str) -> tuple[str, ...] | None:
    """What the file says at its top of its parts, its arguments, or what it does otherwise."""
    for found, said in _HEADER.findall(sources()[name]):
        if found == kind:
            return tuple(said.split())
    return None


def arguments(name: str) -> tuple[str, ...]:
    """The names of the operation's arguments."""
    own = header(name, "args")
    if own is not None:
        return own
    others = header(name, "otherwise")
    return arguments(others[0]) if others else ()


@cache
def defined(part: str) -> frozenset[str]:
    """What the part puts into M."""
    found = _DEFINED.findall(sources()[part])
    return frozenset(name.removeprefix("M.") for one, several in found for name in (one, *several.split(", ")) if name)


@cache
def parts(name: str) -> tuple[str, ...]:
    """The files that belong to this one: those that it shares names with, then those whose functions are called."""
    before = tuple(f"_{part}" for part in header(name, "parts") or ())
    if "_model" not in before:
        return before
    others = [part for part in sources() if part.startswith("_") and part not in SHARED]
    called = _called((name, "_model"))
    while more := called | _called(part for part in others if defined(part) & called):
        if more == called:
            break
        called = more
    return (*before, *(part for part in others if defined(part) & called))


def _called(names: Iterable[str]) -> frozenset[str]:
    return frozenset(found for name in names for found in _USED.findall(sources()[name]))


@cache
def script(name: str) -> Script:
    """The script of this name, ready to be sent."""
    before = _opened(parts(name))
    others = header(name, "otherwise")
    if others:
        inner = _opened(part for part in parts(others[0]) if part not in parts(name))
        before += f"local function otherwise(...)\n{inner}{sources()[others[0]]}end\n"
    return Script(name, _COMMENT.sub("", before + sources()[name]))


def _opened(names: Iterable[str]) -> str:
    """The text of these parts: what is shared as it is, the others as functions, each called when it is needed."""
    text = ""
    choices: list[str] = []
    for part in names:
        if part in SHARED:
            text += sources()[part]
            continue
        text += f"local function part{part}()\n{sources()[part]}end\n"
        asked = " or ".join(f"name == '{one}'" for one in sorted(defined(part)))
        choices.append(f"if {asked} then part{part}()\n")
    if not choices:
        return text
    choose = f"{'else'.join(choices)}end\nreturn rawget(M, name)\n"
    return f"{text}setmetatable(M, {{ __index = function(_, name)\n{choose}end }})\n"


@cache
def fields() -> tuple[str, ...]:
    """The fields of a row in their order, as _records.lua has them."""
    found = _FIELDS.search(sources()["_records"])
    assert found is not None
    return tuple(re.findall(r"'(\w+)'", found[1]))
