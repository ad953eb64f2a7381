"""Fixtures for pytest. `penstock_app = shop:app` in its configuration names the App, or a fixture so called gives it.

With pytest-asyncio or anyio installed, `rehearsal` is `async with app.testing()`.
"""

from collections.abc import AsyncIterator
from pkgutil import resolve_name
from typing import Any

import pytest

from penstock.app.app import App
from penstock.testing import Rehearsal

fixture: Any
try:
    from pytest_asyncio import fixture
except ImportError:  # anyio takes a plain one
    fixture = pytest.fixture


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the configuration may say."""
    parser.addini("penstock_app", "the App under test, as MODULE:app: for the fixtures penstock_app and rehearsal")


@pytest.fixture
def penstock_app(request: pytest.FixtureRequest) -> App:
    """The App that the configuration names; a fixture of your own of this name may give another."""
    name = str(request.config.getini("penstock_app"))
    if ":" not in name:
        raise pytest.UsageError(
            "say penstock_app = MODULE:app in pytest's configuration, or write a fixture penstock_app"
        )
    found: object = resolve_name(name)
    if not isinstance(found, App):
        raise pytest.UsageError(f"{name} is no App")
    return found


@fixture  # type: ignore[untyped-decorator]
async def rehearsal(penstock_app: App) -> AsyncIterator[Rehearsal]:
    """The app on a store in memory and a clock moved by hand; in the end the store is sound."""
    async with penstock_app.testing() as found:
        yield found
        assert await found.check() == []
