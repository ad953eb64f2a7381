"""The fixtures of all suites: a fake clock, and a store on every backend, audited when the test ends."""

import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import pytest

from penstock.backends import BACKENDS as BACKEND_MODULES
from penstock.backends import open_store
from penstock.backends.memory import MemoryStore
from penstock.ports.store import Store
from tests.clock import FakeClock

BACKENDS = (os.environ.get("BACKEND") or "memory,sqlite").split(",")

NewStore: TypeAlias = Callable[[str], Awaitable[Store]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def new_store(clock: FakeClock, tmp_path: Path) -> AsyncIterator[NewStore]:
    """Opens as many empty stores as a test asks for; in the end each is sound, and closed."""
    stores: list[Store] = []
    numbers = itertools.count()

    async def opened(backend: str) -> Store:
        if backend == "memory":
            store: Store = MemoryStore(clock=clock)
        else:
            store = open_store(f"{backend}:///{tmp_path}/store-{next(numbers)}.db", clock=clock)
        await store.open()
        stores.append(store)
        return store

    yield opened
    found = [await store.check() for store in stores]
    for store in stores:
        await store.close()
    assert found == [[] for _ in stores]


@pytest.fixture(params=BACKENDS)
async def store(request: pytest.FixtureRequest, new_store: NewStore) -> Store:
    """An empty store of each backend."""
    if find_spec(BACKEND_MODULES[request.param]) is None:
        pytest.skip(f"{request.param} is not there yet")
    return await new_store(request.param)
