"""What tells two versions of a workflow's code apart: a hash of it, and of what of its own package it names."""

import hashlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CodeType, FunctionType
from typing import Any, Final

LENGTH: Final = 16


def fingerprint(function: Callable[..., Any], version: str) -> str:
    """The same for the same code, in every process of one version of Python; comments and line numbers don't count."""
    digest = hashlib.sha256(version.encode())
    if not isinstance(function, FunctionType):
        return digest.hexdigest()[:LENGTH]
    package = function.__module__.partition(".")[0]
    seen: set[CodeType] = set()
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if one.__code__ in seen:
            continue
        seen.add(one.__code__)
        for part in _parts(one.__code__):
            digest.update(part)
        waiting += [other for other in _named(one) if other.__module__.partition(".")[0] == package]
    return digest.hexdigest()[:LENGTH]


def _parts(code: CodeType) -> Iterator[bytes]:
    yield code.co_name.encode()
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_freevars)).encode()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
        elif isinstance(constant, frozenset):
            yield repr(sorted(map(repr, constant))).encode()  # pyright: ignore[reportUnknownArgumentType]
        else:
            yield repr(constant).encode()


def _named(function: FunctionType) -> Iterator[FunctionType]:
    """The functions that the code names: of its module, of what encloses it, and those behind decorators."""
    names = sorted(_names(function.__code__))
    cells = dict(_cells(function))
    for name in names:
        found = inspect.unwrap(value) if callable(value := function.__globals__.get(name, cells.get(name))) else None
        if isinstance(found, FunctionType):
            yield found


def _cells(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What the code takes from around it; not what is not there yet, as its own name while it is decorated."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):
            yield name, cell.cell_contents


def _names(code: CodeType) -> set[str]:
    found = {*code.co_names, *code.co_freevars}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found
