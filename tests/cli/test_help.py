"""Every command explains itself, and the reference says the same."""

import click
import pytest

from penstock.cli.main import COMMANDS, main
from tests.cli import reference
from tests.cli.conftest import Line

EVERY = dict(reference.commands(main))


def test_the_list_of_commands_says_what_the_commands_say(line: Line) -> None:
    told = line("--help").out
    for name, (_, first_line) in COMMANDS.items():
        assert (EVERY[f"penstock {name}"].help or "").splitlines()[0] == first_line
        assert f"{name}  " in told
        assert first_line in told


@pytest.mark.parametrize("path", EVERY)
def test_every_command_has_help(line: Line, path: str) -> None:
    command = EVERY[path]
    assert command.help
    told = line(*path.split()[1:], "--help")
    assert told.status == 0
    assert command.help.split("\n", 1)[0].split()[0] in told.out


@pytest.mark.parametrize("path", EVERY)
def test_every_option_has_help_and_every_command_the_shared_options(path: str) -> None:
    command = EVERY[path]
    named = {option.name for option in reference.options(command)}
    assert [option.name for option in reference.options(command) if not option.help] == []
    if not isinstance(command, click.Group):
        assert named >= reference.SHARED


def test_no_short_help_is_cut(line: Line) -> None:
    groups = [path for path, command in EVERY.items() if isinstance(command, click.Group)]
    listed = {path: line(*path.split()[1:], "--help").out.partition("Commands:")[2] for path in groups}
    assert [path for path, text in listed.items() if "..." in text] == []


def test_a_group_without_a_verb_shows_its_help(line: Line) -> None:
    for group in ("runs", "queues", "dead"):
        assert "Commands:" in (line(group).out + line(group).err)


def test_the_reference_is_what_the_commands_say() -> None:
    """If not: `python -m tests.cli.reference` writes it anew."""
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page()


def test_shared_options_may_stand_before_the_command_or_after_it(line: Line) -> None:
    before = line("-o", "json", "--url", "memory://", "runs", "list")
    after = line("runs", "list", "-o", "json", "--url", "memory://")
    assert before == after
    assert line("--url", "memory://a", "runs", "list", "--url", "memory://").status == 0
