"""A store that counts its calls, fails when told to, and can hold a call until the test lets it go."""

import asyncio
import inspect
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from penstock.ports.store import Store


class Tapped:
    """Passes everything on."""

    def __init__(self, store: Store) -> None:
        self.calls = Counter[str]()
        self.arguments: list[tuple[str, tuple[Any, ...]]] = []
        self.faults: dict[str, deque[Exception]] = {}
        self.after: dict[str, deque[Exception]] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.held_back: dict[str, asyncio.Event] = {}  # answers
        self._store = store

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return partial(self._call, name, found) if inspect.iscoroutinefunction(found) else found

    def fail(self, name: str, *errors: Exception, applied: bool = False) -> None:
        """The next calls of this operation raise these; `applied`: after they were carried out."""
        (self.after if applied else self.faults).setdefault(name, deque()).extend(errors)

    async def _call(self, name: str, call: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        self.calls[name] += 1
        self.arguments.append((name, args))
        if name in self.gates:
            await self.gates[name].wait()
        if self.faults.get(name):
            raise self.faults[name].popleft()
        answer = await call(*args, **kwargs)
        if name in self.held_back:
            await self.held_back[name].wait()
        if self.after.get(name):
            raise self.after[name].popleft()
        return answer


def tapped(store: Store) -> tuple[Tapped, Store]:
    """The tap, and the same as a store."""
    tap = Tapped(store)
    return tap, cast("Store", tap)
