"""Every command that a page names, in a block or within a sentence, is one that the command line knows."""

import re

import click

from penstock.cli.main import main
from tests.docs.pages import blocks, name_of, pages

INLINE = re.compile(r"`penstock ([^`]+)`")


def commands() -> list[tuple[str, list[str]]]:
    """Where each command stands, and its words."""
    found: list[tuple[str, list[str]]] = []
    for page in pages():
        if page.name == "cli.md":  # made from the commands themselves
            continue
        text = page.read_text(encoding="utf-8")
        found += [
            (name_of(page), words.split()) for words in INLINE.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        ]
        for block in blocks(page):
            if block.language in {"console", "ini"}:
                found += [(block.where, words.split()) for words in re.findall(r"penstock ([^\n#|]+)", block.text)]
    return found


def problem(words: list[str]) -> str | None:
    """What the command line does not know of this; None if it knows all."""
    command: click.Command = main
    with click.Context(command) as context:
        for word in words:
            if word.startswith("-"):
                known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
                if word.partition("=")[0] not in known | {"--help", "-h", "-o"}:
                    return word
            elif isinstance(command, click.Group):
                found = command.get_command(context, word)
                if found is None:
                    return word
                command = found
    return None


def test_every_command_on_the_pages_exists() -> None:
    assert commands()
    assert [(where, " ".join(words), wrong) for where, words in commands() if (wrong := problem(words))] == []


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert problem(["runs", "dance"]) == "dance"
    assert problem(["runs", "list", "--pretty"]) == "--pretty"
    assert problem(["worker", "shop:app", "--burst"]) is None
