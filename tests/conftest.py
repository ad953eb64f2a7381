"""The fixtures of all suites: a fake clock, and a store on every backend, audited when the test ends."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from penstock.ports.store import Store
from tests.clock import FakeClock
from tests.redis import service
from tests.stores import open_empty

BACKENDS = (os.environ.get("BACKEND") or "memory,sqlite,redis").split(",")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(autouse=True)
def _swept() -> Iterator[None]:
    """Nothing is left in a Redis that others use too."""
    yield
    service.clean()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of each backend."""
    name: str = request.param
    return name


@pytest.fixture
async def store(backend: str, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store; in the end it is sound."""
    opened = await open_empty(backend, clock, tmp_path / "store.db")
    yield opened
    found = await opened.check()
    await opened.close()
    assert found == []
