"""Reads where a store is from what users have: a path, an address, a connection to its file. Opens nothing."""

import sqlite3
from pathlib import Path
from urllib.parse import quote

from penstock.backends.sqlite.address import Address
from penstock.backends.sqlite.store import SqliteStore, from_url
from penstock.core.clock import Clock
from penstock.core.errors import Invalid


def address_of(client: object) -> str:
    """The URL of the file. Raises `Invalid` for a connection to none, or one of another thread."""
    if isinstance(client, Address):
        return f"sqlite:///{quote(str(client.path.absolute()))}{'?fast=1' if client.fast else ''}"
    path = _file_of(client) if isinstance(client, sqlite3.Connection) else Path(str(client))
    return f"sqlite:///{quote(str(path.absolute()))}"


def from_client(client: object, *, namespace: str, clock: Clock) -> SqliteStore:
    """A store on that file, with connections of its own."""
    return from_url(address_of(client), namespace=namespace, clock=clock)


def _file_of(connection: sqlite3.Connection) -> Path:
    try:
        rows = connection.execute("pragma database_list").fetchall()
    except sqlite3.Error as error:
        raise Invalid("url", connection, f"it does not say where its file is ({error}); name the file") from error
    found = next((str(file) for _, name, file in rows if name == "main"), "")
    if not found:
        raise Invalid("url", connection, "it leads to no file: several connections share a store. memory:// has none")
    return Path(found)
