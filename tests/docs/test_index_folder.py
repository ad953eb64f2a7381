"""The program of the README, on real folders: odd files, a kill in the middle, a second start."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import EXAMPLES, ROOT

PROGRAM = EXAMPLES / "index_folder.py"
PATIENCE = 60.0  # seconds


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    return {**kept, "PYTHONPATH": str(ROOT / "src")}


def started(folder: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(PROGRAM), str(folder), "--out", str(out), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def indexed(folder: Path, out: Path, *options: str) -> tuple[int, str, str]:
    """Exit status, output and errors of the whole program."""
    program = started(folder, out, *options)
    output, errors = program.communicate(timeout=PATIENCE)
    return program.returncode, output, errors


def index_of(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "index.json").read_text(encoding="utf-8"))
    return found


def problems_of(out: Path) -> dict[str, str]:
    return {one["path"]: one["error"] for one in index_of(out)["problems"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "notes"
    found.mkdir()
    return found


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_our_own_docs_are_indexed(out: Path) -> None:
    status, output, errors = indexed(ROOT / "docs", out)
    assert (status, errors.count("Traceback")) == (0, 0), errors
    index = index_of(out)
    assert index["files"]["reference/contract.md"]["title"] == "The storage contract"
    assert len(index["files"]) == len(list((ROOT / "docs").rglob("*.md")))
    assert index["broken"] == []
    assert "| reference/contract.md | The storage contract |" in (out / "index.md").read_text(encoding="utf-8")
    assert f"{len(index['files'])} read now, 0 known from before, 0 not indexed" in output


def test_a_second_start_reads_only_what_has_changed(folder: Path, out: Path) -> None:
    for name in ("a.md", "b.md", "c.md"):
        (folder / name).write_text(f"# {name}\n\nSee [c](c.md).\n")
    assert "3 read now, 0 known" in indexed(folder, out)[1]

    (folder / "b.md").write_text("# Another title\n")
    (folder / "c.md").unlink()
    status, output, _ = indexed(folder, out)
    assert status == 0
    assert "1 read now, 1 known from before, 0 not indexed" in output
    assert index_of(out)["broken"] == [["a.md", 3, "c.md"]]  # although a.md has not changed
    assert index_of(out)["files"]["b.md"]["title"] == "Another title"


def test_odd_files_are_read_or_listed_and_never_stop_the_program(folder: Path, out: Path) -> None:
    (folder / "empty.md").touch()
    (folder / "latin.txt").write_bytes("Grüße aus Köln".encode("cp1252"))
    (folder / "windows.txt").write_bytes("Überschrift\r\nzwei".encode("utf-16"))
    (folder / "marked.md").write_bytes(b"\xef\xbb\xbf# Marked\n")
    (folder / "one line.md").write_text("word " * 200_000)
    (folder / "brackets.md").write_text("[" * 100_000 + "](" * 100_000)
    (folder / "a|b*\x1b[31m.md").write_text("# A title with \x07 a bell\n")
    (folder / "binary.txt").write_bytes(bytes(range(256)))
    (folder / "lost.md").symlink_to("nowhere.md")
    (folder / "loop.md").symlink_to("loop.md")
    (folder / "circle").symlink_to(folder, target_is_directory=True)
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "secret.md").write_text("# Secret\n")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    os.mkfifo(folder / "pipe.txt")
    (Path(os.fsencode(folder).decode()) / os.fsdecode(b"not-utf8-\xff.md")).write_text("# Name\n")

    status, output, errors = indexed(folder, out)

    assert (status, errors.count("Traceback")) == (1, 0), errors
    files = index_of(out)["files"]
    assert (files["empty.md"]["words"], files["empty.md"]["lines"], files["empty.md"]["title"]) == (0, 0, "")
    assert (files["latin.txt"]["title"], files["latin.txt"]["encoding"]) == ("Grüße aus Köln", "cp1252")
    assert (files["windows.txt"]["title"], files["windows.txt"]["encoding"]) == ("Überschrift", "utf-16")
    assert (files["marked.md"]["title"], files["one line.md"]["words"]) == ("Marked", 200_000)
    assert files["a|b*\x1b[31m.md"]["title"] == "A title with  a bell"
    assert "\x1b" not in output
    assert "a\\|b\\*" in (out / "index.md").read_text(encoding="utf-8")
    assert set(problems_of(out)) == {"binary.txt", "lost.md", "loop.md", os.fsdecode(b"not-utf8-\xff.md")}
    assert not set(files) & {".hidden/secret.md", "picture.png", "pipe.txt", "circle/empty.md"}


def test_an_unreadable_file_is_tried_three_times_and_again_at_the_next_start(folder: Path, out: Path) -> None:
    (folder / "fine.md").write_text("# Fine\n")
    (folder / "lost.md").symlink_to("later.md")
    status, output, _ = indexed(folder, out)
    assert status == 1
    assert [(one["path"], one["attempts"]) for one in index_of(out)["problems"]] == [("lost.md", 3)]
    assert "FileNotFoundError" in output

    (folder / "later.md").write_text("# Here now\n")
    assert indexed(folder, out)[0] == 0
    assert index_of(out)["files"]["lost.md"]["title"] == "Here now"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_listed(folder: Path, out: Path) -> None:
    (folder / "mine.md").write_text("# Mine\n")
    (folder / "mine.md").chmod(0)
    assert indexed(folder, out)[0] == 1
    assert "PermissionError" in problems_of(out)["mine.md"]


def test_killed_in_the_middle_it_goes_on_where_it_was(folder: Path, out: Path) -> None:
    number = 400
    for n in range(number):
        (folder / f"{n:03}.md").write_text(f"# File {n}\n\n" + "some words here\n" * 300)
    program = started(folder, out, "--workers", "1")
    assert program.stderr is not None
    watch = threading.Timer(PATIENCE, program.kill)
    watch.start()
    for line in program.stderr:
        if line.startswith("indexed"):
            break
    program.send_signal(signal.SIGKILL)
    watch.cancel()
    program.communicate()
    assert program.returncode == -signal.SIGKILL
    assert not (out / "index.json").exists()

    status, output, errors = indexed(folder, out)
    assert (status, errors.count("Traceback")) == (0, 0), errors
    assert "The program was stopped before" in output
    files = index_of(out)["files"]
    assert len(files) == number
    read_now = int(output.partition(" read now")[0].split()[-1])
    assert 0 < read_now < number


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is no folder"),
        ([".", "--workers", "0"], "--workers is 1 to 1000"),
        ([".", "--workers", "many"], "invalid int value"),
        ([".", "--out", "/dev/null/out"], "--out /dev/null/out"),
    ],
)
def test_what_it_can_not_do_is_said_in_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=tmp_path,
        env=environment(),
    )
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
