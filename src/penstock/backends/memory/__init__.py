"""The store in memory: the reference of the contract, and the store of tests."""

from penstock.backends.memory.store import MemoryStore

__all__ = ["MemoryStore"]
