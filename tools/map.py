"""Print the tree of the source, each module with the first line of its docstring."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "penstock"


def first_line(module: Path) -> str:
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def lines(folder: Path, depth: int = 0) -> Iterator[str]:
    """One line for the folder, one for each module in it, then the folders below."""
    indent = "  " * depth
    yield f"{indent}{folder.name}/".ljust(32) + first_line(folder / "__init__.py")
    for module in sorted(folder.glob("*.py")):
        if module.name != "__init__.py":
            yield f"{indent}  {module.name}".ljust(32) + first_line(module)
    for below in sorted(path for path in folder.iterdir() if path.is_dir()):
        if (below / "__init__.py").exists():
            yield from lines(below, depth + 1)
        elif operations := sorted(below.glob("*.sql")):
            yield f"{indent}  {below.name}/".ljust(32) + ", ".join(path.stem for path in operations)


def main() -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines(SOURCE))


if __name__ == "__main__":
    main()
