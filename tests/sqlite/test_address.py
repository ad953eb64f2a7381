"""What a sqlite:/// URL may say."""

from pathlib import Path

import pytest

from penstock.backends import open_store
from penstock.backends.sqlite.address import Address, parse
from penstock.core.errors import Invalid


def test_three_slashes_are_relative_and_four_absolute() -> None:
    assert parse("sqlite:///shop.db") == Address(Path("shop.db").absolute())
    assert parse("sqlite:////var/lib/shop.db") == Address(Path("/var/lib/shop.db"))


def test_a_path_may_have_spaces() -> None:
    assert parse("sqlite:////var/a%20shop.db").path == Path("/var/a shop.db")


def test_commits_may_be_fast() -> None:
    assert parse("sqlite:///shop.db?fast=1").fast
    assert not parse("sqlite:///shop.db?fast=0").fast


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://shop.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///shop.db?mode=ro",
        "sqlite:///shop.db?fast=yes",
        "sqlite:///shop.db?fast",
        "sqlite:///shop.db#here",
        "sqlite:///shop%00.db",
    ],
)
def test_what_nobody_understands_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="url="):
        open_store(url)
