"""Where the processes of a crash test meet: a file in the test's folder, or the Redis whose URL stands there.

BACKEND says which: sqlite (or nothing), redis, redis-cluster.
"""

import os
from pathlib import Path
from typing import Final

BACKEND: Final = os.environ.get("BACKEND") or "sqlite"
FILE: Final = "store.db"


def url_in(folder: Path) -> str:
    """The URL of the store, for every process of the test."""
    told = folder / "url"
    return told.read_text(encoding="utf-8") if told.exists() else f"sqlite:///{folder / FILE}"


def tell_url(folder: Path, url: str) -> None:
    """From now on this is where the store is."""
    (folder / "url").write_text(url, encoding="utf-8")
