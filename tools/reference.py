"""Print the reference of all public names, made from their signatures and docstrings: a test compares it with the page.

`make reference` writes it to docs/reference/api.md.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from textwrap import dedent
from types import ModuleType
from typing import Any, Final, cast

import penstock

GROUPS: Final = {
    "The app": ("App", "Options", "options", "Codec", "Depends", "inject", "Outgoing", "Event"),
    "Tasks": ("Task", "AsyncTask", "ThreadTask", "Call", "NamedTask", "NamedCall", "Retry", "Keep"),
    "Runs": ("Run", "Status", "Attempted", "Line", "Reason", "State", "ErrorRecord", "Page", "Known", "Reconciled"),
    "In a task": ("Context", "context", "Never", "RetryIn", "Snooze", "Control", "Failure", "Success"),
    "Flows": ("FlowNode", "Tree", "Children", "Child"),
    "Workflows": (
        "Workflow",
        "AsyncWorkflow",
        "ThreadWorkflow",
        "Step",
        "AsyncStep",
        "ThreadStep",
        "step",
        "sleep",
        "Signal",
        "wait",
        "Token",
        "token",
        "call",
        "map",
        "gather",
        "wait_any",
        "now",
        "random",
        "uuid",
        "patched",
        "on_rollback",
        "continue_as_new",
        "History",
        "StepStatus",
        "Message",
        "Replayed",
        "Finding",
    ),
    "Graphs": (
        "Graph",
        "Placed",
        "Blueprint",
        "Node",
        "NodeConfig",
        "NodeRetry",
        "Edge",
        "Analysis",
        "Problem",
        "Stepper",
        "NodeOutcome",
        "GraphContext",
        "GraphResult",
        "NodeResult",
        "GraphEvent",
        "GraphMoment",
    ),
    "Workers": ("Worker", "Claimed"),
    "For code without a loop": ("SyncTask", "SyncRun", "SyncWorkflow", "SyncFlowNode", "SyncChildren"),
}
MODULES: Final = ("sync", "testing")
HEAD: Final = """\
# API

Every public name, `from penstock import ...`. Made from the code by `tools/reference.py`; what options there are and
their defaults is in [settings](settings.md), the tree of errors in [errors](errors.md). Durations are seconds, a
`timedelta`, or text like `"10m"`, `"1h30m"`, `"500ms"`; moments in results are unix seconds.
"""


def grouped() -> Iterator[tuple[str, list[str]]]:
    """The names by group; those of errors, and those without a group, come last."""
    names = [name for name in penstock.__all__ if name not in MODULES]
    placed = {name for members in GROUPS.values() for name in members}
    for title, members in GROUPS.items():
        yield title, [name for name in members if name in names]
    errors = [name for name in names if name not in placed and is_error(getattr(penstock, name))]
    yield "Errors", errors
    yield "Others", [name for name in names if name not in placed and name not in errors]


def is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


def docstring(node: ast.AST, otherwise: str = "") -> str:
    """The docstring, in paragraphs of one line each."""
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return otherwise
    return ast.get_docstring(node) or otherwise


def parsed(value: Any) -> tuple[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, list[str]]:
    source = dedent(inspect.getsource(value))
    node = ast.parse(source).body[0]
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        raise TypeError(f"{value!r} is neither a class nor a function")
    return node, source.splitlines()


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str | None = None) -> str:
    """As it is written, without `self`."""
    arguments = node.args
    for plain in (arguments.posonlyargs, arguments.args):
        if plain and plain[0].arg in {"self", "cls"}:
            del plain[0]
    text = f"{name or node.name}({ast.unparse(arguments)})"
    if node.returns is not None and name is None:
        text += f" -> {ast.unparse(node.returns)}"
    return tidy(text)


def tidy(text: str) -> str:
    """Without quotes around names, with blanks around defaults; what options there are is on another page."""
    text = re.sub(r"(?<=[\w\]])=(?=\S)", " = ", text.replace("(/, ", "("))
    text = re.sub(r"\*\*\w+: Unpack\[\w+\]|\*\*named: Any", "**options", text)
    return re.sub(r"(: |-> )'([\w\[\], ]+)'", r"\1\2", text)


def decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {ast.unparse(one).rpartition(".")[2] for one in node.decorator_list}


def fields(node: ast.ClassDef, lines: list[str]) -> Iterator[str]:
    """What the class says it holds, with the comments beside it."""
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            name, kind = one.target.id, ast.unparse(one.annotation)
            if name.startswith("_") or "KW_ONLY" in kind:
                continue
            default = "" if one.value is None else f" = {ast.unparse(one.value)}"
            comment = lines[one.lineno - 1].partition("  # ")[2]
            yield f"- `{name}: {kind}{default}`" + (f": {comment}" if comment else "")
        elif isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name) and one.targets[0].id.isupper():
            comment = lines[one.lineno - 1].partition("  # ")[2]
            yield f"- `{one.targets[0].id} = {ast.unparse(one.value)}`" + (f": {comment}" if comment else "")


def methods(kind: type) -> Iterator[tuple[str, str]]:
    """Signature and docstring of each public method, those of bases of ours included, each once."""
    seen: set[str] = set()
    for base in kind.__mro__:
        if not base.__module__.startswith("penstock."):
            continue
        node, _ = parsed(base)
        for one in node.body:
            if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) or one.name in seen:
                continue
            marks = decorators(one)
            if one.name.startswith("_") or marks & {"overload", "setter"}:
                continue
            seen.add(one.name)
            text = (
                f"{one.name}: {ast.unparse(one.returns) if one.returns else ''}"
                if "property" in marks
                else signature(one)
            )
            yield ("async " if isinstance(one, ast.AsyncFunctionDef) else "") + text, docstring(one)


def constructor(node: ast.ClassDef) -> str | None:
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and one.name == "__init__":
            return signature(one, node.name)
    return None


def carried(node: ast.ClassDef) -> list[str]:
    """The attributes that an error's constructor sets."""
    found = [
        target.attr
        for one in ast.walk(node)
        for target in (
            one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        )
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self" and target.attr != "args"
    ]
    return list(dict.fromkeys(found))


def of_error(kind: type) -> Iterator[str]:
    node, _ = parsed(kind)
    assert isinstance(node, ast.ClassDef)
    bases = ", ".join(f"`{base.__name__}`" for base in kind.__bases__)
    yield f"### {kind.__name__}\n"
    yield f"{docstring(node)} Is a {bases}."
    attributes = carried(node)
    if attributes:
        yield f"Carries {', '.join(f'`{name}`' for name in attributes)}."
    yield ""


def of_class(kind: type, *, made_by_users: bool) -> Iterator[str]:
    node, lines = parsed(kind)
    assert isinstance(node, ast.ClassDef)
    yield f"### {kind.__name__}\n"
    made = constructor(node) if made_by_users else None
    if made:
        yield f"```text\n{made}\n```\n"
    if docstring(node):
        yield f"{docstring(node)}\n"
    held = list(fields(node, lines))
    if held:
        yield "\n".join([*held, ""])
    other = kind.__name__.removeprefix("Sync")
    for heading, text in methods(kind):
        yield f"#### `{heading}`\n"
        yield f"{text or f'As that of `{other}`, and blocks.'}\n"


def of_function(value: Any) -> Iterator[str]:
    node, _ = parsed(value)
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    yield f"### {node.name}\n"
    yield f"```text\n{signature(node)}\n```\n"
    yield f"{docstring(node)}\n"


def of_name(module: ModuleType, name: str) -> Iterator[str]:
    value: Any = getattr(module, name)
    if not isinstance(value, type):
        yield from of_function(value)
    elif is_error(value) and not issubclass(value, penstock.Control):
        yield from of_error(cast("type[Exception]", value))
    else:
        yield from of_class(value, made_by_users=value is penstock.App or issubclass(value, penstock.Control))


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, names in grouped():
        if names:
            parts.append(f"## {title}\n")
            parts += [part for name in names for part in of_name(penstock, name)]
    for module_name in MODULES:
        module: ModuleType = getattr(penstock, module_name)
        parts.append(f"## penstock.{module_name}\n\n{module.__doc__ or ''}\n")
        names = [name for name in module.__all__ if name not in penstock.__all__]
        parts += [part for name in names for part in of_name(module, name)]
    return "\n".join(parts).rstrip() + "\n"


def main() -> None:
    sys.stdout.write(page())


if __name__ == "__main__":
    main()
