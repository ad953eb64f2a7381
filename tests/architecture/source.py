"""The source as the architecture tests read it: each module parsed once, each committed file listed once."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "src" / "penstock"
TRACES = {".git", ".venv", "__pycache__", "build", "dist"}


@dataclass(frozen=True)
class Module:
    path: Path
    text: str
    tree: ast.Module

    @property
    def where(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def name(self) -> str:
        """As an import statement says it."""
        parts = self.path.relative_to(ROOT / "src").with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package."""
    found = sorted(PACKAGE.rglob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in found]
    return tuple(Module(path, text, ast.parse(text)) for path, text in zip(found, texts, strict=True))


@cache
def committed() -> tuple[Path, ...]:
    """Every file that git knows or would add; without git, every file that is no trace of running the program."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=20,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        everything = (path for path in ROOT.rglob("*") if not TRACES.intersection(path.parts))
        return tuple(path for path in sorted(everything) if path.is_file())
    named = (ROOT / name for name in sorted(set(listing.split("\0"))) if name)
    return tuple(path for path in named if path.is_file())


def string_constants(tree: ast.Module) -> list[ast.Constant]:
    """The strings of a module that are not docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
