"""The pages as the tests read them: each fenced block with its place, and what is said about it just above.

Knows nothing of how blocks are run.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"

_FENCE = re.compile(r"^```(\w*)\s*$")
_NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
_HIDDEN = re.compile(r"<!-- run$")
_FILE = re.compile(r"# ([\w/]+\.(?:py|env))$")


@dataclass(frozen=True)
class Block:
    """One block of a page. `not_run`: the reason given above it for not running it."""

    page: str
    line: int  # of its first line of code
    language: str
    text: str
    not_run: str | None = None

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The name of the file that the block is, if its first line says one."""
        found = _FILE.match(self.text.partition("\n")[0])
        return None if found is None else found[1]


@cache
def pages() -> tuple[Path, ...]:
    """README and every page of the docs, without those that tell of choices made."""
    found = [path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "decisions"]
    return (ROOT / "README.md", *found)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The page's blocks in order. A block in a comment, `<!-- run ... -->`, is Python that readers need not see."""
    found: list[Block] = []
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), start=1))
    reason: str | None = None
    for number, line in lines:
        fence, hidden, not_run = _FENCE.match(line), _HIDDEN.match(line), _NOT_RUN.match(line)
        if fence or hidden:
            end = "```" if fence else "-->"
            body: list[str] = []
            for _, inner in lines:
                if inner == end:
                    break
                body.append(inner)
            text = "\n".join([*body, ""])
            found.append(Block(name_of(page), number + 1, fence[1] if fence else "python", text, reason))
            reason = None
        elif not_run:
            reason = not_run[1]
        elif line.strip():
            reason = None
    return found
