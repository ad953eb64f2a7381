"""The store on a SQLite file: the embedded default, in one process or several."""

from penstock.backends.sqlite.store import SqliteStore, from_url

__all__ = ["SqliteStore", "from_url"]
