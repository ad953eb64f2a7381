"""Every page does what it says: its code runs, its commands and links exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks, name_of, pages

LANGUAGES = {"python", "console", "output", "text", "json", "toml", "ini", "mermaid", "sql", "sh"}
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
MOST_NOT_RUN = 12


def all_blocks() -> list[Block]:
    return [block for page in pages() for block in blocks(page)]


def runnable() -> list[Path]:
    found = [page for page in pages() if any(block.language in {"python", "console"} for block in blocks(page))]
    return [page for page in found if page.name not in {"cli.md", "speed.md"}]  # made by programs


def anchors(page: Path) -> set[str]:
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


@pytest.mark.parametrize("page", runnable(), ids=name_of)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.run_page", str(page)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src"), str(tmp_path)])},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_block_says_its_language() -> None:
    assert [block.where for block in all_blocks() if block.language not in LANGUAGES] == []


def test_few_blocks_are_not_run_and_each_says_why() -> None:
    left_out = [f"{block.where}: {block.not_run}" for block in all_blocks() if block.not_run is not None]
    assert len(left_out) <= MOST_NOT_RUN, left_out


@pytest.mark.parametrize("page", [*pages(), *sorted((ROOT / "docs" / "decisions").glob("*.md"))], ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    lost: list[str] = []
    for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        place, _, anchor = target.partition("#")
        other = (page.parent / place).resolve() if place else page
        if not other.exists() or (anchor and other.suffix == ".md" and anchor not in anchors(other)):
            lost.append(target)
    assert lost == []


def test_every_page_can_be_reached_from_its_index() -> None:
    missing: list[str] = []
    for index in (ROOT / "docs").glob("*/index.md"):
        text = index.read_text(encoding="utf-8")
        missing += [
            name_of(page) for page in index.parent.glob("*.md") if f"({page.name}" not in text and page != index
        ]
    assert missing == []
