"""A task's arguments as a command line says them. Knows no task: the declared types decide what fits.

`7` or `'"text"'` is JSON, by position; `name=text` is text as it stands; `name:=json` is JSON; `--name value` is JSON
if it can be read as such, else text.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final

from penstock.core.errors import InvalidInput

_NAMED: Final = re.compile(r"([A-Za-z_]\w*)(:?=)(.*)", re.DOTALL)
_TELLING: Final = 4  # letters of a name that is no option, from which on it may be a misspelt one
_OPTION: Final = re.compile(r"--([A-Za-z_][\w-]*)(?:=(.*))?", re.DOTALL)


def read_arguments(words: Sequence[str], options: Collection[str]) -> tuple[list[Any], dict[str, Any]]:
    """Arguments by position and by name. Raises `InvalidInput` for what is neither, and for a misspelt option."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            name, value = _option(word, rest, options)
        elif match := _NAMED.fullmatch(word):
            name, value = match[1], match[3] if match[2] == "=" else _json(match[3], match[1])
        else:
            positional.append(_json(word, "args"))
            continue
        if name in named:
            raise InvalidInput(name, value, "it is given twice")
        named[name] = value
    return positional, named


def _option(word: str, rest: Iterator[str], options: Collection[str]) -> tuple[str, Any]:
    match = _OPTION.fullmatch(word)
    if match is None:
        raise InvalidInput("args", word, "say --name value for an argument of the task")
    name = match[1].replace("-", "_")
    if len(match[1]) >= _TELLING:
        near = get_close_matches(match[1], [option.removeprefix("--") for option in options], n=1, cutoff=0.8)
        if near:
            raise InvalidInput("args", word, f"did you mean the option --{near[0]}? For an argument say {name}=...")
    value = match[2] if match[2] is not None else next(rest, None)
    if value is None:
        raise InvalidInput(name, "", "say its value after it")
    return name, _json_or_text(value)


def _json(text: str, parameter: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise InvalidInput(parameter, text, "it is no JSON: say name=text for text, '\"text\"' by position") from error


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        return text


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
