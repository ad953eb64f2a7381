"""The store on a SQLite file: the embedded default, in one process or several."""

from penstock.backends.sqlite.address import Address, missing
from penstock.backends.sqlite.client import address_of, from_client
from penstock.backends.sqlite.store import SqliteStore, from_url

__all__ = ["Address", "SqliteStore", "address_of", "from_client", "from_url", "missing"]
