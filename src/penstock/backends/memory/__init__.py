"""The store in memory: the reference of the contract, and the store of tests."""

from penstock.backends.memory.store import MemoryStore
from penstock.core.clock import Clock
from penstock.core.errors import Invalid

__all__ = ["MemoryStore", "from_url"]


def from_url(url: str, *, namespace: str, clock: Clock) -> MemoryStore:
    """A new, empty store; `memory://` takes no options."""
    if url != "memory://":
        raise Invalid("url", url, "must be memory:// and nothing else")
    return MemoryStore(clock=clock, namespace=namespace)
