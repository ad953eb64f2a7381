"""Which files of a program have changed. Looks at names, sizes and times; knows no process."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

Looks: TypeAlias = dict[str, tuple[int, int]]  # path -> when it was written, and its size

SKIPPED: Final = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"})
SUFFIXES: Final = (".py", ".toml")


def look(folders: Sequence[Path]) -> Looks:
    """How the files below these folders look now; not in hidden folders, nor in those that hold what is installed."""
    found: Looks = {}
    for folder in folders:
        for path in _files(str(folder)):
            try:
                stat = os.stat(path)  # noqa: PTH116 (looked at many times a second)
            except OSError:  # gone between listing and looking
                continue
            found[path] = stat.st_mtime_ns, stat.st_size
    return found


def changed(before: Looks, now: Looks) -> list[str]:
    """What was written, made or removed."""
    return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))


def _files(folder: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith(".") and entry.name not in SKIPPED:
                yield from _files(entry.path)
        elif entry.name.endswith(SUFFIXES):
            yield entry.path
