"""What in a workflow's own code takes another way in a replay: clocks, chance, I/O, threads. Told from its syntax tree.

Looks at the function itself and what it defines inside; not into what it calls. Helpers that steps call are free.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from textwrap import dedent
from types import FunctionType, ModuleType
from typing import Any, Final

import msgspec

from penstock.app.client import Client

CALLS: Final[Mapping[str, str]] = {
    "time.time": "await penstock.now()",
    "time.time_ns": "await penstock.now()",
    "time.monotonic": "await penstock.now()",
    "time.perf_counter": "await penstock.now()",
    "time.sleep": "await penstock.sleep(...)",
    "asyncio.sleep": "await penstock.sleep(...)",
    "datetime.datetime.now": "await penstock.now()",
    "datetime.datetime.utcnow": "await penstock.now()",
    "datetime.datetime.today": "await penstock.now()",
    "datetime.date.today": "await penstock.now()",
    "uuid.uuid1": "await penstock.uuid()",
    "uuid.uuid4": "await penstock.uuid()",
    "os.getenv": "a step, or an argument",
    "os.urandom": "a step",
    "open": "a step",
    "input": "a signal",
    "print": "a step: it is said again with each replay",
    "asyncio.to_thread": "a step",
    "asyncio.open_connection": "a step",
}
MODULES: Final[Mapping[str, str]] = {
    "random": "await penstock.random()",
    "secrets": "a step",
    "requests": "a step",
    "httpx": "a step",
    "aiohttp": "a step",
    "urllib": "a step",
    "socket": "a step",
    "subprocess": "a step",
    "shutil": "a step",
    "threading": "a step; a thread loses the workflow",
    "concurrent": "a step; an executor loses the workflow",
    "multiprocessing": "a step",
    "tempfile": "a step",
}
ATTRIBUTES: Final[Mapping[str, str]] = {"os.environ": "a step, or an argument"}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One place in a workflow's code that a replay may not repeat."""

    file: str
    line: int
    task: str
    found: str  # what the code says
    instead: str


def lint(client: Client) -> list[Finding]:
    """What is found in the workflows that are registered, by file and line."""
    found = {
        one
        for handler, _ in client.versions.values()
        if handler.replays
        for one in of_function(handler.function, handler.ability.task)
    }
    return sorted(found, key=lambda one: (one.file, one.line, one.found))


def of_function(function: Any, task: str) -> Iterator[Finding]:
    """The same for one workflow."""
    if not isinstance(function, FunctionType):
        return
    try:
        lines, start = inspect.getsourcelines(function)
        tree = ast.parse(dedent("".join(lines)))
    except (OSError, SyntaxError):  # typed in, or made by a program: there is nothing to read
        return
    names = _names(function)
    local = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    body = tree.body[0]
    inside = body.body if isinstance(body, ast.FunctionDef | ast.AsyncFunctionDef) else []  # not its decorators
    for node in (one for part in inside for one in ast.walk(part)):
        said = _called(node, {name: full for name, full in names.items() if name not in local})
        if said is not None:
            found, instead = said
            line = start + getattr(node, "lineno", 1) - 1
            yield Finding(file=function.__code__.co_filename, line=line, task=task, found=found, instead=instead)


def _called(node: ast.AST, names: Mapping[str, str]) -> tuple[str, str] | None:
    if isinstance(node, ast.Attribute):
        read = _full(node, names) or ""
        return (read, ATTRIBUTES[read]) if read in ATTRIBUTES else None
    if not isinstance(node, ast.Call):
        return None
    full = _full(node.func, names)
    if full is None:
        return None
    module = full.partition(".")[0]
    instead = CALLS.get(full) or (MODULES.get(module) if "." in full else None)
    return None if instead is None else (f"{full}()", instead)


def _full(node: ast.expr, names: Mapping[str, str]) -> str | None:
    """What the expression names, as it would be imported."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        left = _full(node.value, names)
        return None if left is None else f"{left}.{node.attr}"
    return None


def _names(function: FunctionType) -> dict[str, str]:
    """What the names of the function's module stand for: modules, and what was imported from them."""
    found = {name: name for name in ("open", "input", "print") if name not in function.__globals__}
    for name, value in function.__globals__.items():
        if isinstance(value, ModuleType):
            found[name] = value.__name__
        elif inspect.isroutine(value) or inspect.isclass(value):
            module = getattr(value, "__module__", None)
            if isinstance(module, str) and module != function.__module__:
                found[name] = f"{module}.{value.__qualname__}"
    return found
