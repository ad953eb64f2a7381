"""Each module says what it is, and `__all__` tells the truth."""

import ast
from importlib import import_module

from tests.architecture.source import Module, modules

VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "data", "info"}


def declares_all(module: Module) -> bool:
    targets = [
        target
        for node in module.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


def public_names(module: Module) -> set[str]:
    """What a module defines at its top, or, as a package's front, takes from the modules behind it."""
    names: set[str] = set()
    for node in module.tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.ImportFrom(module=str(origin)) if module.path.name == "__init__.py":
                if origin.startswith("penstock"):
                    names.update(alias.asname or alias.name for alias in node.names)
            case _:
                pass
    return {name for name in names if not name.startswith("_")}


def test_every_module_says_what_it_is() -> None:
    assert [module.where for module in modules() if not ast.get_docstring(module.tree)] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [module.where for module in modules() if module.path.stem.strip("_") in VAGUE] == []


def untruths(module: Module) -> list[str]:
    """Names listed but not there, or public but not listed."""
    loaded = import_module(module.name)
    listed: list[str] = loaded.__all__
    dunders = {name for name in listed if name.startswith("__")}
    odd = (set(listed) - dunders) ^ public_names(module)
    missing = {name for name in listed if not hasattr(loaded, name)}
    return [f"{module.where}: {name}" for name in sorted(odd | missing)]


def test_all_lists_the_public_names_and_no_others() -> None:
    assert [found for module in modules() if declares_all(module) for found in untruths(module)] == []
