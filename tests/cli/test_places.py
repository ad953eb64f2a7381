"""Where a command looks for a store, and what it does where there is none; what a shell completes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Line

ROOT = Path(__file__).parent.parent.parent
ASKING = [
    ("runs", "list"),
    ("runs", "show", "r"),
    ("runs", "cancel", "r"),
    ("queues", "list"),
    ("queues", "pause", "mail"),
    ("queues", "delete", "mail", "--yes"),
    ("dead", "list"),
    ("why", "r"),
    ("check",),
    ("reconcile",),
]


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_asking_in_the_wrong_folder_makes_no_store(
    words: tuple[str, ...], line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = line(*words)
    assert told.status == 3
    assert str(tmp_path / "penstock.db") in told.err
    assert "--url" in told.err
    assert list(tmp_path.iterdir()) == []


def test_a_doctor_says_so_too(line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = line("doctor")
    assert told.status == 4
    assert str(tmp_path / "penstock.db") in told.out
    assert list(tmp_path.iterdir()) == []


def test_to_migrate_makes_the_store_and_changes_nothing_a_second_time(line: Line, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    first = line("migrate", "--url", url)
    assert (first.status, first.out.rstrip("0123456789\n")) == (0, f"{url}, namespace penstock: schema ")
    assert (tmp_path / "shop.db").exists()
    assert line("migrate", "--url", url) == first


def test_the_message_says_who_named_the_place(line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    assert "(by --url)" in line("runs", "list", "--url", url).err
    monkeypatch.setenv("PENSTOCK_URL", url)
    assert "(by PENSTOCK_URL)" in line("runs", "list").err
    assert list(tmp_path.iterdir()) == []


def test_enqueueing_what_nobody_has_declared_makes_no_store(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert line("enqueue", "add", "a:=1").status == 3
    assert list(tmp_path.iterdir()) == []
    assert line("runs", "list", "--url", "nowhere://").status == 2


def test_enqueueing_makes_the_store_that_is_asked_then(line: Line, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    assert line("enqueue", "anything", "--unchecked", "--url", url).status == 0
    assert line("runs", "list", "--url", url).status == 0
    assert line("doctor", "--url", url).status == 1  # a run, and nobody to carry it out


@pytest.mark.parametrize(("shell", "telling"), [("bash", "complete "), ("zsh", "compdef"), ("fish", "complete ")])
def test_a_shell_is_told_how_to_complete(shell: str, telling: str, line: Line) -> None:
    told = line("completion", shell)
    assert told.status == 0
    assert telling in told.out
    assert "_PENSTOCK_COMPLETE" in told.out
    assert line("completion", "tcsh").status == 2


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("penstock qu", {"queues"}),
        ("penstock runs re", {"redrive", "remove", "reprioritise", "reschedule"}),
        ("penstock runs list --state su", {"succeeded"}),
    ],
)
def test_commands_options_and_values_are_completed(typed: str, found: set[str]) -> None:
    asked = {"_PENSTOCK_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    command = [sys.executable, "-m", "penstock.cli"]
    environment = {**os.environ, **asked, "PYTHONPATH": str(ROOT / "src")}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)
    assert ended.stderr == ""
    assert {one.partition(",")[2] for one in ended.stdout.splitlines()} == found
