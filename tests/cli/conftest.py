"""The command line in this process: an app in memory that outlives each command, and what a command said."""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner

from penstock import App
from penstock.backends import open_store
from penstock.backends.memory import MemoryStore
from penstock.cli.main import main
from penstock.ports.store import Store
from tests.cli import shop

T = TypeVar("T")

AT_THE_SHOP = ("--app", "tests.cli.shop:app")


@dataclass(frozen=True)
class Told:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class Line:
    """A command line: `line("runs", "list")`."""

    def __call__(self, *words: str, stdin: str | None = None) -> Told:
        """Anywhere: nothing is said of a store."""
        result = CliRunner().invoke(main, words, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Told(result.exit_code, result.stdout, result.stderr)

    def shop(self, *words: str, stdin: str | None = None) -> Told:
        """With the shop's app."""
        return self(*words, *AT_THE_SHOP, stdin=stdin)

    def json(self, *words: str, stdin: str | None = None) -> Any:
        """With the shop's app, read as a program would. The command must have ended well."""
        told = self.shop(*words, "-o", "json", stdin=stdin)
        assert told.status == 0, told.err
        return told.document

    def enqueued(self, task: str, *args: str) -> str:
        """The id of a new run."""
        told = self.shop("enqueue", task, *args)
        assert told.status == 0, told.err
        return told.out.strip()

    def work(self) -> None:
        """Carry out what there is."""
        told = self.shop("worker", "--burst")
        assert told.status == 0, told.err


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """The command line, and a shop without runs. The store is audited at the end."""

    async def stay(_: MemoryStore) -> None:
        """The store is all there is of the data: it must outlive the command."""

    def opened(url: object, *, namespace: str) -> Store:
        return store if url == "memory://" else open_store(url, namespace=namespace)

    store = MemoryStore()
    for name in [name for name in os.environ if name.startswith("PENSTOCK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(MemoryStore, "close", stay)
    monkeypatch.setattr("penstock.app.where.open_store", opened)
    monkeypatch.setattr(shop, "app", shop.stocked("memory://"))
    yield Line()
    assert at_the_shop(lambda app: app.check()) == []
    for name in [name for name in os.environ if name.startswith("PENSTOCK_")]:
        monkeypatch.delenv(name)  # what --url and --env-file have set


def at_the_shop(work: Callable[[App], Coroutine[Any, Any, T]]) -> T:
    """What the work returns, done with the shop's app behind the command line's back."""

    async def within() -> T:
        async with shop.app as app:
            return await work(app)

    return asyncio.run(within())


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input, wherever it comes from, counts as a terminal."""
    monkeypatch.setattr("penstock.cli.asking.at_a_terminal", lambda: True)
