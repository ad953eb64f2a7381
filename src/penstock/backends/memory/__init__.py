"""The store in memory: the reference of the contract, and the store of tests."""

from penstock.backends.memory.store import MemoryStore, from_url

__all__ = ["MemoryStore", "from_url"]
