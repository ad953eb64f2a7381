"""The command line starts at once: what it imports, and no more. Figures depend on the machine, imports do not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROGRAM = """
import json, sys
from penstock.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
LIGHT = {
    "penstock",
    "penstock.cli",
    "penstock.cli.env_file",
    "penstock.cli.exits",
    "penstock.cli.failures",
    "penstock.cli.group",
    "penstock.cli.main",
    "penstock.cli.said",
    "penstock.cli.text",
    "penstock.core",
    "penstock.core.errors",
}


def imported(*words: str) -> set[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", PROGRAM, *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    return set(json.loads(ended.stderr.splitlines()[-1]))


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("frobnicate",)])
def test_help_imports_no_command_and_nothing_heavy(words: tuple[str, ...]) -> None:
    found = imported(*words)
    assert {name for name in found if name.partition(".")[0] == "penstock"} == LIGHT
    assert found & {"asyncio", "msgspec", "rich", "sqlite3", "logging", "cronsim"} == set()


def test_a_command_imports_no_other_and_no_extra() -> None:
    found = imported("runs", "list", "--url", "memory://")
    assert "penstock.cli.runs" in found
    assert found & {"penstock.cli.worker", "penstock.cli.doctor", "penstock.cli.enqueue"} == set()
    assert found & {"rich", "pydantic", "starlette", "cronsim"} == set()
