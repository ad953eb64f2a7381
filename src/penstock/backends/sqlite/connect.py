"""Connections to the file: how they are set up, and which files are refused. Knows no table."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from penstock.core.errors import Applied, Invalid, Unavailable

OLDEST: Final = (3, 35, 0)
PATIENCE: Final = 5.0  # seconds that a statement waits for SQLite's lock
CHECKPOINT: Final = 2_000  # pages in the log before a commit copies them to the file
WRITER: Final = 16_000  # KiB of the file that a connection keeps in memory
READER: Final = 4_000  # ... for there are several, and most of what is read is read once
NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afs", "ceph", "fuse.sshfs", "9p"})
_STATEMENTS: Final = 512

# What leaves the transaction as it was; after any other error at a commit nobody knows.
_REFUSED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY})


def connect(path: Path, *, fast: bool, reads: bool) -> sqlite3.Connection:
    """A connection to the file, which comes into being if need be. Raises typed errors for what can't be a store."""
    if sqlite3.sqlite_version_info < OLDEST:
        version = ".".join(map(str, OLDEST))
        raise Invalid("sqlite", sqlite3.sqlite_version, f"at least SQLite {version} is needed")
    check_place(path)
    try:
        connection = sqlite3.connect(
            path, timeout=PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS
        )
        try:
            _set_up(connection, fast=fast, reads=reads)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise refusal(error, path) from error
    return connection


def _set_up(connection: sqlite3.Connection, *, fast: bool, reads: bool) -> None:
    mode = connection.execute("pragma journal_mode = wal").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError(f"the journal mode is {mode}, not wal")
    connection.execute(f"pragma synchronous = {'normal' if fast else 'full'}")
    connection.execute("pragma temp_store = memory")
    connection.execute(f"pragma cache_size = -{READER if reads else WRITER}")
    connection.execute("pragma recursive_triggers = on")
    # Only who has the turn to write copies the log to the file: there is one checkpointer at any time.
    connection.execute(f"pragma wal_autocheckpoint = {0 if reads else CHECKPOINT}")
    connection.execute(f"pragma journal_size_limit = {CHECKPOINT * 4_120}")  # what a burst has left behind is cut off
    if reads:
        connection.execute("pragma query_only = on")


def fold(connection: sqlite3.Connection) -> bool:
    """Copy the log to the file and begin it anew, if nobody is reading from it. Whoever calls has the turn to write.

    It keeps its size: to write over what is there takes half the time of making a file longer.
    """
    try:
        connection.execute("pragma busy_timeout = 0")  # a writer has no time to wait for readers
        busy = connection.execute("pragma wal_checkpoint(restart)").fetchone()[0]
    except sqlite3.Error:  # the disk is full, or fails: the log keeps what is in it
        return False
    finally:
        connection.execute(f"pragma busy_timeout = {PATIENCE * 1000:.0f}")
    return not busy


def check_place(path: Path) -> None:
    """Raises `Invalid` where no store can be: no such folder, a folder itself, a network file system."""
    if not path.parent.is_dir():
        raise Invalid("url", str(path), f"there is no folder {path.parent}: make it first")
    if path.is_dir():
        raise Invalid("url", str(path), "this is a folder: name a file in it")
    kind = file_system(path.parent)
    if kind in NETWORK:
        raise Invalid(
            "url", str(path), f"it lies on {kind}, where locks do not hold: use a local disk or a database server"
        )


def file_system(folder: Path) -> str:
    """The kind of file system that holds the folder, as Linux names it; "" where nobody says."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    wanted, best, kind = os.path.realpath(folder), "", ""
    for mount in mounts:
        fields, _, rest = mount.partition(" - ")
        point = fields.split(" ")[4].encode().decode("unicode_escape")
        inside = wanted == point or wanted.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.split(" ")[0]
    return kind


def refusal(error: sqlite3.Error, path: Path) -> Exception:
    """The typed error for a file that can't be opened."""
    code = primary(error)
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Invalid(
            "url", str(path), f"this file is no sound SQLite database ({error}); restore it, or name another"
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return Invalid(
            "url", str(path), f"it can't be opened for writing ({error}); see to the rights of file and folder"
        )
    return unavailable(error, committing=False)


def primary(error: sqlite3.Error) -> int:
    """The error's code without its details."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def unavailable(error: sqlite3.Error, *, committing: bool) -> Unavailable:
    """The store did not answer; whether it may have been applied."""
    applied: Applied = "unknown" if committing and primary(error) not in _REFUSED else "no"
    return Unavailable(f"{getattr(error, 'sqlite_errorname', type(error).__name__)}: {error}", applied=applied)
