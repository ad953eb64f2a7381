"""The fixtures of all suites: a fake clock, and a store on every backend, audited when the test ends."""

import os
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from penstock.backends import BACKENDS as MODULES
from penstock.ports.store import Store
from tests.clock import FakeClock
from tests.stores import open_empty

BACKENDS = (os.environ.get("BACKEND") or "memory,sqlite").split(",")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of each backend."""
    name: str = request.param
    if find_spec(MODULES[name]) is None:
        pytest.skip(f"{name} is not there yet")
    return name


@pytest.fixture
async def store(backend: str, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store; in the end it is sound."""
    opened = await open_empty(backend, clock, tmp_path / "store.db")
    yield opened
    found = await opened.check()
    await opened.close()
    assert found == []
