"""The project's own files agree with each other."""

import re
import tomllib
from typing import Any

from tests.architecture.source import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PIN = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def bare(requirement: str) -> str:
    return re.split(r"[\[<>=;~! ]", requirement, maxsplit=1)[0]


def test_the_pinned_base_is_what_an_installation_needs() -> None:
    asked = {line for line in text_of("requirements/base.in").splitlines() if line and not line.startswith("#")}
    assert asked == {bare(requirement) for requirement in PROJECT["dependencies"]}


def test_every_pin_has_a_hash_and_one_version_everywhere() -> None:
    versions: dict[str, set[str]] = {}
    for name in ("base", "dev", "bench", "bench-redis"):
        text = text_of(f"requirements/{name}.txt")
        pins = PIN.findall(text)
        assert len(re.findall(r"==[^\n]*\\\n    --hash=", text)) == len(pins)
        if name != "bench-redis":  # an environment of its own, whose packages want older ones
            for package, version in pins:
                versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


def test_dependencies_have_lower_bounds_and_no_caps() -> None:
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    requirements = [*PROJECT["dependencies"], *(one for name, many in extras.items() if name != "all" for one in many)]
    assert [one for one in requirements if ">=" not in one or "<" in one or "==" in one.partition(";")[0]] == []


def test_the_extra_named_all_is_all_of_them() -> None:
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    assert extras["all"] == [f"penstock[{','.join(name for name in extras if name != 'all')}]"]


def test_the_changelog_tells_of_this_version_or_of_what_comes() -> None:
    headings = re.findall(r"^## \[(.+?)\]", text_of("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] in {"Unreleased", PROJECT["version"]}


def test_every_decision_is_listed() -> None:
    listed = text_of("docs/decisions/index.md")
    pages = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [page for page in pages if f"({page})" not in listed] == []


def test_make_lists_every_target_the_docs_name() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", text_of("Makefile"), re.MULTILINE))
    named = {
        name for file in ("README.md", "CONTRIBUTING.md") for name in re.findall(r"`make ([a-z-]+)", text_of(file))
    }
    assert named <= targets
