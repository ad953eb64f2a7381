"""The other processes on a file: who listens has a socket in a folder beside it, and is told at once what was rung.

A hint only: whoever is not reached (another machine's container, a path too long, a full buffer) looks for himself, see
`writer`. Knows no database.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from penstock.ports.doorbell import log_topic, run_topic

MOST: Final = 8_192  # bytes of a message; beyond, it says that all of a kind were rung
FRESH: Final = 100_000_000  # nanoseconds; file systems count time in steps
LONGEST: Final = 100  # bytes of a socket's path that every system takes

_RUN: Final = run_topic("")
_LOG: Final = log_topic("")
_SUFFIX: Final = ".bell"
_STOP: Final = b""


class Neighbours:
    """Tells the others, and hears from them once `listen` was called. `heard`: topics, or None: any of ours."""

    def __init__(self, folder: Path, namespace: str, heard: Callable[[frozenset[str] | None], None]) -> None:
        self._folder: Final = folder
        self._namespace: Final = namespace
        self._heard: Final = heard
        self._place = folder / f"{os.getpid()}-{secrets.token_hex(6)}{_SUFFIX}"
        self._socket: socket.socket | None = None
        self._lock: Final = threading.Lock()
        self._thread: threading.Thread | None = None
        self._changed = -1  # when the folder was, in the file system's words
        self._fresh = False  # so lately that a second change may bear the same time
        self._others: list[str] = []

    def open(self) -> None:
        """Be able to tell. The folder is there."""
        if hasattr(socket, "AF_UNIX") and len(os.fsencode(self._place)) <= LONGEST:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)

    def listen(self) -> None:
        """Hear from now on. Asked twice, it does once."""
        with self._lock:
            if self._socket is None or self._thread is not None:
                return
            ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                ear.bind(os.fspath(self._place))
            except OSError:  # no sockets on this file system
                ear.close()
                return
            self._thread = threading.Thread(target=self._hear, args=(ear,), name="penstock-bell", daemon=True)
            self._thread.start()

    def tell(self, topics: Collection[str]) -> None:
        """The others shall hear that these were rung. For one thread."""
        others = self._found()
        if others and self._socket is not None:
            message = self._message(topics)
            for other in others:
                self._send(message, other)

    def close(self) -> None:
        """Neither tell nor hear any more."""
        with self._lock:
            if self._thread is not None and self._socket is not None:
                self._send(_STOP, os.fspath(self._place))
                self._thread.join(1.0)
                self._place.unlink(missing_ok=True)
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def _found(self) -> list[str]:
        """The others' sockets; looked for when one has come or gone."""
        try:
            changed = self._folder.stat().st_mtime_ns
            if changed != self._changed or self._fresh:
                self._others = [os.fspath(place) for place in self._folder.glob("*" + _SUFFIX) if place != self._place]
                self._changed, self._fresh = changed, time.time_ns() - changed < FRESH
        except OSError:
            self._others = []
        return self._others

    def _message(self, topics: Collection[str]) -> bytes:
        """The namespace, then a topic a line; a kind without a name stands for all of it."""
        text = "\n".join((self._namespace, *topics))
        if len(text) > MOST:
            text = "\n".join(
                (self._namespace, _RUN, *[topic for topic in topics if not topic.startswith((_RUN, _LOG))])
            )
        return text.encode()[:MOST] if len(text) <= MOST else self._namespace.encode()

    def _send(self, message: bytes, other: str) -> None:
        assert self._socket is not None
        try:
            self._socket.sendto(message, other)
        except ConnectionRefusedError:  # its process died
            with suppress(OSError):
                Path(other).unlink()
        except OSError:  # it is gone, or has more than enough to read
            return

    def _hear(self, ear: socket.socket) -> None:
        with ear:
            while (message := ear.recv(MOST)) != _STOP:
                namespace, *topics = message.decode(errors="replace").split("\n")
                if namespace == self._namespace:
                    self._heard(None if not topics or _RUN in topics else frozenset(topics))
