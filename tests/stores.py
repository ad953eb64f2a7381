"""Empty stores of each backend, for the fixtures and for tests that open many.

A backend that is not ours is named by its scheme, BACKEND=acme, and URL says where its stores are; `{file}` in that
stands for a path that is not there yet.
"""

import os
import secrets
from pathlib import Path

from penstock.backends import BACKENDS, open_store
from penstock.backends.memory import MemoryStore
from penstock.ports.store import Store
from tests.clock import FakeClock
from tests.redis import service


async def open_empty(backend: str, clock: FakeClock, file: Path) -> Store:
    """An open store with nothing in it. `file` does not exist yet; backends that need none leave it so."""
    if backend == "memory":
        store: Store = MemoryStore(clock=clock)
    elif backend.startswith("redis"):
        store = open_store(service.url_of(backend), namespace=service.new_namespace(backend), clock=clock)
    elif backend not in BACKENDS:
        url = os.environ["URL"].format(file=file)
        store = open_store(url, namespace=f"t-{secrets.token_hex(6)}", clock=clock)
    else:
        store = open_store(f"{backend}:///{file}?fast=1", clock=clock)  # what survives a power cut is for other suites
    await store.open()
    return store
