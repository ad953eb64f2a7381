"""Where an app's runs are: said by a URL, by what the program has already, or by the environment when it is opened."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from penstock import App, Closed, Invalid
from penstock.backends import address_of, open_store
from penstock.backends.sqlite import Address


def url_of(folder: Path, name: str) -> str:
    return f"sqlite:///{folder}/{name}"


async def test_the_environment_is_asked_when_the_app_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that says `App()` may be imported before its settings are there."""
    for name in ("PENSTOCK_URL", "PENSTOCK_NAMESPACE", "PENSTOCK_MODE"):
        monkeypatch.delenv(name, raising=False)
    app = App()
    assert (app.url, app.namespace, app.mode) == ("sqlite:///penstock.db", "penstock", "both")
    monkeypatch.setenv("PENSTOCK_URL", url_of(tmp_path, "one.db"))
    monkeypatch.setenv("PENSTOCK_NAMESPACE", "shop")
    monkeypatch.setenv("PENSTOCK_MODE", "enqueue")
    async with app:
        await app.enqueue("anything", unchecked=True)
        monkeypatch.setenv("PENSTOCK_URL", url_of(tmp_path, "two.db"))
        monkeypatch.setenv("PENSTOCK_MODE", "both")
        assert (app.url, app.namespace, app.mode) == (url_of(tmp_path, "one.db"), "shop", "enqueue")
        assert (await app.info()).namespace == "shop"
        assert len((await app.runs()).items) == 1
    assert (app.url, app.mode) == (url_of(tmp_path, "two.db"), "both")
    async with app:
        assert (await app.runs()).items == ()


async def test_what_the_code_says_stands_against_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_URL", url_of(tmp_path, "environment.db"))
    monkeypatch.setenv("PENSTOCK_NAMESPACE", "environment")
    app = App(url_of(tmp_path, "code.db"), namespace="code")
    assert (app.url, app.namespace) == (url_of(tmp_path, "code.db"), "code")


@pytest.mark.parametrize(
    ("variable", "value", "parameter"),
    [("PENSTOCK_URL", "nowhere://", "url"), ("PENSTOCK_NAMESPACE", "a b", "namespace"), ("PENSTOCK_MODE", "x", "mode")],
)
async def test_an_environment_that_makes_no_sense_is_refused_when_opened(
    variable: str, value: str, parameter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-28: before anything is connected to."""
    app = App()
    monkeypatch.setenv(variable, value)
    with pytest.raises(Invalid) as refused:
        await app.open()
    assert refused.value.parameter == parameter
    monkeypatch.setenv("PENSTOCK_URL", "memory://")
    for name in ("PENSTOCK_NAMESPACE", "PENSTOCK_MODE"):
        monkeypatch.delenv(name, raising=False)
    async with app:  # nothing has stuck
        assert (app.url, app.mode) == ("memory://", "both")


async def test_a_path_and_a_connection_lead_to_their_file(tmp_path: Path) -> None:
    file = tmp_path / "a shop #1.db"
    other = tmp_path / "other.db"
    connection = sqlite3.connect(file)
    try:
        connection.execute("attach ? as other", [str(other)])
        async with App(file) as by_path, App(connection) as by_connection, App(address_of(file)) as by_url:
            run = await by_path.enqueue("anything", unchecked=True)
            assert by_path.url == by_connection.url == by_url.url == f"sqlite:///{tmp_path}/a%20shop%20%231.db"
            for app in (by_connection, by_url):
                assert (await app.run(run.id).status()).state == "queued"
        assert connection.execute("select 1").fetchone() == (1,)  # the caller's own, as it was
    finally:
        connection.close()


def closed() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.close()
    return connection


def in_memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:")


async def test_an_address_says_what_its_url_would(tmp_path: Path) -> None:
    """A typed record instead of a text that has to be spelled."""
    app = App(Address(tmp_path / "a b.db", fast=True))
    assert app.url == f"sqlite:///{tmp_path}/a%20b.db?fast=1"
    async with app:
        assert (await app.info()).durable == "fast"
    with pytest.raises(Invalid, match="url="):
        App(open_store("memory://"))


@pytest.mark.parametrize("make", [closed, in_memory, object, dict], ids=lambda make: str(make.__name__))
def test_what_leads_to_no_store_is_refused(make: Any) -> None:
    client = make()
    with pytest.raises(Invalid, match="url="):
        App(client)
    if isinstance(client, sqlite3.Connection):
        client.close()


def test_a_program_without_a_loop_closes_what_it_opened(url: str) -> None:
    app = App(url)

    @app.task
    def task(n: int) -> int:
        return n

    with app.sync as jobs:
        assert task.sync.enqueue(1).status().state == "queued"
        assert sum(one.n for one in jobs.counts()) == 1
    with pytest.raises(Closed):
        task.sync.enqueue(2)
    with app.sync as jobs:
        assert sum(one.n for one in jobs.counts()) == (0 if url.startswith("memory:") else 1)
