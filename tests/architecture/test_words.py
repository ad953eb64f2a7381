"""Products are named in `backends/` only, and nothing committed points at somebody's machine."""

import ast
import re
from pathlib import Path

from tests.architecture.source import ROOT, Module, committed, modules, string_constants

PRODUCT = re.compile(r"sqlite|redis|valkey|postgres|psycopg|rabbit|amqp", re.IGNORECASE)
INNER = ("penstock.core", "penstock.ports", "penstock.engine", "penstock.models")
URL = re.compile(r"https?://(?:[^\s/@\"'<>]*@)?\[?([\w.:-]*\w)")
HOSTS = {"localhost", "127.0.0.1", "example.com", "example.org", "docs.python.org", "json-schema.org"}
MACHINE = re.compile(r"(?<![\w.~:/])/(?:home|root|Users|work|workspace|builds?)/\w")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.(?:com|org|net|io|dev)\b")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
THESE = "tests/architecture/"  # they name what they look for


def text_of(path: Path) -> str:
    """A committed text; nothing of what is no text, of these tests themselves, and of lists of hashes."""
    if path.relative_to(ROOT).as_posix().startswith((THESE, "requirements/")):
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def lines_with(pattern: re.Pattern[str], *, allowed: frozenset[str] = frozenset()) -> list[str]:
    """Where a committed text has the pattern, unless its first group (or all of it) is allowed."""
    return [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, hit.start()) + 1}: {hit.group()}"
        for path in committed()
        for text in [text_of(path)]
        for hit in pattern.finditer(text)
        if hit.group(hit.lastindex or 0).partition(":")[0] not in allowed
    ]


def identifiers(tree: ast.Module) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.alias(name=name):
                names.append(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.append(name)
            case ast.ImportFrom(module=str(name)):
                names.append(name)
            case _:
                pass
    return names


def is_inner(module: Module) -> bool:
    return module.name.startswith(INNER)


def test_the_inner_layers_know_no_product() -> None:
    """Not even in a comment."""
    found = [
        f"{module.where}:{number}: {line.strip()}"
        for module in modules()
        if is_inner(module)
        for number, line in enumerate(module.text.splitlines(), start=1)
        if PRODUCT.search(line)
    ]
    assert found == []


def test_no_code_above_the_backends_names_a_product() -> None:
    """Docstrings for users may: a URL is an example there."""
    found = [
        f"{module.where}: {word}"
        for module in modules()
        if not is_inner(module) and not module.name.startswith("penstock.backends")
        for word in [*identifiers(module.tree), *(str(node.value) for node in string_constants(module.tree))]
        if PRODUCT.search(word)
    ]
    assert found == []


def test_no_committed_file_names_a_host_it_need_not() -> None:
    assert lines_with(URL, allowed=frozenset(HOSTS)) == []


def test_no_requirement_names_a_host() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "requirements").glob("*")}
    assert [name for name, text in texts.items() if "://" in text] == []


def test_no_committed_file_names_a_path_of_one_machine() -> None:
    assert lines_with(MACHINE) == []


def test_no_committed_file_holds_an_address() -> None:
    assert lines_with(ADDRESS) == []


def test_nothing_is_left_for_later() -> None:
    assert lines_with(UNFINISHED) == []
