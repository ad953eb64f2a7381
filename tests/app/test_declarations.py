"""What calls by name remember of what workers have declared: how often they look, and when they look again."""

from pathlib import Path
from typing import cast

import pytest

from penstock import App, InvalidInput, UnknownTask
from penstock.core.registry import Definition
from penstock.ports.store import Store
from tests.clock import FakeClock
from tests.engine.tapped import Tapped

NUMBER = b'{"properties": {"n": {"type": "integer"}}, "required": ["n"]}'
TEXT = b'{"properties": {"n": {"type": "string"}}, "required": ["n"]}'


class Caller:
    """An app without the code, whose looks at what is declared are counted."""

    def __init__(self, url: str) -> None:
        self.app = App(url)
        self.clock = FakeClock()
        self.app._client.home.clock = self.clock
        stores = self.app._client.stores
        self._tap = Tapped(stores._new_store())
        stores._new_store = lambda: cast("Store", self._tap)

    @property
    def looks(self) -> int:
        return self._tap.calls["definitions"]

    async def declare(self, task: str, schema: bytes) -> None:
        """As a worker does."""
        store = await self.app._client.store()
        await store.register(None, [Definition(app="shop", task=task, schema=schema)])


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/shop.db?fast=1"


async def test_calls_by_name_look_once_in_a_while(url: str) -> None:
    caller = Caller(url)
    async with caller.app as app:
        await caller.declare("count", NUMBER)
        for _ in range(5):
            await app.enqueue("count", n=1)
        assert caller.looks == 1
        caller.clock.advance(4.9)
        await app.enqueue_many([app.named("count").call(n=n) for n in range(5)])
        assert caller.looks == 1
        caller.clock.advance(0.2)
        await app.enqueue("count", n=1)
        assert caller.looks == 2


async def test_what_is_declared_since_is_found_before_a_call_is_refused(url: str) -> None:
    caller = Caller(url)
    async with caller.app as app:
        await caller.declare("count", NUMBER)
        await app.enqueue("count", n=1)
        await caller.declare("other", NUMBER)
        await caller.declare("count", TEXT)
        await app.enqueue("other", n=1)
        await app.enqueue("count", n="one")


async def test_what_does_not_fit_is_refused_after_one_more_look(url: str) -> None:
    caller = Caller(url)
    async with caller.app as app:
        await caller.declare("count", NUMBER)
        await app.enqueue("count", n=1)
        with pytest.raises(InvalidInput):
            await app.enqueue("count", n="one")
        assert caller.looks == 2
        with pytest.raises(UnknownTask):
            await app.enqueue("nobody")
        assert caller.looks == 3
