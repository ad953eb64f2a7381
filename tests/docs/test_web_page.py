"""The page on sites shows the web example as it is."""

import ast

from tests.docs.pages import EXAMPLES, ROOT, blocks


def code_of(name: str) -> str:
    """The example's file without its docstring."""
    text = (EXAMPLES / "web" / name).read_text(encoding="utf-8")
    first = ast.parse(text).body[0]
    return "".join(text.splitlines(keepends=True)[first.end_lineno :]).lstrip("\n")


def test_the_page_on_sites_has_the_code_of_the_example() -> None:
    shown = {block.file: block.text.partition("\n")[2] for block in blocks(ROOT / "docs" / "how-to" / "web.md")}
    assert {name: shown[name] for name in ("tasks.py", "web.py")} == {
        name: code_of(name) for name in ("tasks.py", "web.py")
    }
