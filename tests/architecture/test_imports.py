"""Imports are visible at the top of a file, and nothing reaches code by a string."""

import ast

from tests.architecture.source import Module, modules

FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle"}
# the public names; the web, which stands above the app; the table of URLs; MODULE:app on the command line; the code of
# a handler, in a worker's child
IMPORTS_BY_NAME = ("penstock", "penstock.app.surfaces", "penstock.backends", "penstock.cli", "penstock.engine.child")


def imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            return ["." * node.level + (node.module or "")]
        case _:
            return []


def called(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name
        case _:
            return ""


def is_builtin_call(node: ast.AST) -> bool:
    """A call by bare name: `re.compile` is somebody's method, `compile` is not."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS


def may_import_by_name(module: Module) -> bool:
    return module.name in IMPORTS_BY_NAME or module.name.startswith("penstock.cli.")


def test_no_module_imports_for_type_checkers_only() -> None:
    assert [module.where for module in modules() if "TYPE_CHECKING" in module.text] == []


def test_no_function_imports_a_module_of_ours() -> None:
    hidden = [
        f"{module.where}:{statement.lineno} in {function.name}"
        for module in modules()
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in ast.walk(function)
        if isinstance(statement, ast.Import | ast.ImportFrom)
        if any(name.startswith((".", "penstock")) for name in imported(statement))
    ]
    assert hidden == []


def test_our_own_imports_are_absolute() -> None:
    relative = [
        f"{module.where}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_nothing_stored_can_be_executed() -> None:
    """No pickle, no eval, no import of a string but the two that a user types."""
    found = [
        f"{module.where}:{getattr(node, 'lineno', 0)}"
        for module in modules()
        for node in ast.walk(module.tree)
        if is_builtin_call(node)
        or any(name.partition(".")[0] in FORBIDDEN_IMPORTS for name in imported(node))
        or (called(node) == "import_module" and not may_import_by_name(module))
    ]
    assert found == []
