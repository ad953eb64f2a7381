"""The reference says what the code says: every public name, option and default, the moves, the errors."""

import inspect
import re
from collections.abc import Iterable
from difflib import unified_diff
from typing import Any

import penstock
from penstock import App, Keep, Retry
from penstock.app.layers import CRASHES, KEY_TTL, QUEUE
from penstock.app.options import Named, NamedByCall
from penstock.app.registration import NamedByTask
from penstock.app.steps import NamedByStep
from penstock.app.worker_options import NamedByWorker
from penstock.app.workflows import NamedByWorkflow
from penstock.backends import DEFAULT_URL
from penstock.cli.exits import Exit
from penstock.cli.said import ENVIRONMENT
from penstock.core import codec, errors
from penstock.core.state import MOVES, State
from penstock.engine.settings import Settings
from tests.docs.pages import ROOT
from tools.diagram import mermaid, name
from tools.reference import page

REFERENCE = ROOT / "docs" / "reference"


def text_of(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def table(title: str) -> dict[str, str]:
    """What the table below this heading, or this line, says of each option if nothing is said."""
    _, _, below = text_of("settings.md").partition(f"{title}\n")
    rows = re.match(r".*?\n((?:\|[^\n]*\n)+)", below, re.DOTALL)
    assert rows is not None, title
    cells = [row.split("|")[1:-1] for row in rows[1].splitlines()[2:]]
    return {cell[0].strip().strip("`"): cell[1].strip().strip("`") for cell in cells}


def names(kind: Any) -> set[str]:
    return set(kind.__annotations__)


def test_the_api_is_as_the_code_has_it() -> None:
    """If this fails, `make reference` writes the page anew."""
    assert list(unified_diff(text_of("api.md").splitlines(), page().splitlines(), "the page", "the code", n=0)) == []


def test_every_public_name_and_method_is_in_the_reference() -> None:
    text = text_of("api.md")
    missing = [one for one in penstock.__all__ if one not in {"sync", "testing"} and f"### {one}\n" not in text]
    for kind in (App, penstock.Run, penstock.Task, penstock.Worker, penstock.Context):
        missing += [
            f"{kind.__name__}.{one}"
            for one, value in inspect.getmembers(kind)
            if not one.startswith("_") and (callable(value) or isinstance(value, property)) and f"{one}" not in text
        ]
    assert missing == []


def test_every_option_is_in_the_settings() -> None:
    assert set(table("overrides only what it names; tags add up.")) == names(Named)
    assert set(table("Only a call can say:")) == names(NamedByCall) - names(Named)
    assert set(table("Only a task can say:")) == names(NamedByTask) - names(Named) | {"name"}
    assert set(table("Only a workflow can say:")) == names(NamedByWorkflow) - names(NamedByTask)
    assert set(table("A step can say:")) == names(NamedByStep)
    assert set(table("## Workers")) == names(NamedByWorker)


def test_the_defaults_of_runs_are_those_of_the_code() -> None:
    said = table("overrides only what it names; tags add up.")
    days, hours = 86_400.0, 3_600.0
    assert said["queue"] == QUEUE
    assert said["retry"] == f"Retry({Retry().attempts})"
    assert (Retry().delay, Retry().factor, Retry().cap) == (1.0, 2, 600.0)
    assert said["keep"] == f"{Keep().succeeded / hours:g} h, others {Keep().failed / days:g} d"
    assert Keep().newest == 100_000
    assert said["key_ttl"] == f"{KEY_TTL / days:g} d"
    assert said["crashes"] == str(CRASHES)
    assert (codec.LIMIT, codec.DEPTH) == (1_048_576, 64)


def test_the_defaults_of_workers_are_those_of_the_code() -> None:
    said, settings = table("## Workers"), Settings()
    assert said["concurrency"] == str(settings.concurrency)
    assert (said["lease"], said["grace"]) == (f"{settings.lease:g} s", f"{settings.grace:g} s")
    assert (said["fair_queues"], said["burst"], said["name"]) == (
        str(settings.fair_queues),
        str(settings.burst),
        settings.name,
    )


def test_every_variable_of_the_environment_is_in_the_settings() -> None:
    used = {
        found
        for path in (ROOT / "src").rglob("*.py")
        for found in re.findall(r"PENSTOCK_[A-Z_]+[A-Z]", path.read_text("utf-8"))
    }
    assert set(table("## The environment")) == used >= set(ENVIRONMENT.values())
    assert DEFAULT_URL in text_of("settings.md")


def test_the_diagram_is_printed_from_the_moves() -> None:
    """If this fails, `make diagram` prints the new one."""
    assert f"```mermaid\n{mermaid()}```" in text_of("states.md")


def test_the_small_diagram_shows_moves_that_there_are() -> None:
    small = text_of("states.md").partition("```mermaid\n")[2].partition("```")[0]
    shown = set(re.findall(r"(\S+) --> (\w+):", small))
    moves = {
        (name(before), name(after))
        for operation in MOVES.values()
        for before, afterwards in operation.items()
        for after in afterwards
    }
    assert shown
    assert shown <= moves
    assert {f"`{state}`" for state in State} <= set(re.findall(r"`\w+`", text_of("states.md")))


def test_the_tree_of_errors_is_that_of_the_code() -> None:
    tree = inspect.getdoc(errors)
    assert tree is not None
    assert f"```text\n{tree.partition(chr(10) * 2)[2]}\n```" in text_of("errors.md")


def test_every_error_is_in_the_tree() -> None:
    assert _missing(one for one in penstock.__all__ if isinstance(getattr(penstock, one), type)) == []


def test_every_exit_status_is_in_the_reference() -> None:
    text = text_of("cli.md")
    assert [int(code) for code in Exit if not re.search(rf"^\| *`?{int(code)}`? *\|", text, re.MULTILINE)] == []


def _missing(found: Iterable[str]) -> list[str]:
    tree = text_of("errors.md")
    kinds = {one: getattr(penstock, one) for one in found}
    ours = {one for one, kind in kinds.items() if issubclass(kind, penstock.PenstockError)}
    steering = {one for one in ours if issubclass(kinds[one], penstock.Control)}
    return sorted(
        one for one in ours if not re.search(rf"(?:─ |`|^){one}\b", tree, re.MULTILINE) and one not in steering
    )
