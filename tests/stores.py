"""Empty stores of each backend, for the fixtures and for tests that open many."""

from pathlib import Path

from penstock.backends import open_store
from penstock.backends.memory import MemoryStore
from penstock.ports.store import Store
from tests.clock import FakeClock


async def open_empty(backend: str, clock: FakeClock, file: Path) -> Store:
    """An open store with nothing in it. `file` does not exist yet; backends that need none leave it so."""
    if backend == "memory":
        store: Store = MemoryStore(clock=clock)
    else:
        store = open_store(f"{backend}:///{file}?fast=1", clock=clock)  # what survives a power cut is for other suites
    await store.open()
    return store
