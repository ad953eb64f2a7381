"""A private Redis for one measurement: on a free port of the loopback, stopped by its process. Knows no contender."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final, Self

PROGRAM: Final = "redis-server"
NEWEST_TESTED: Final = 7
PATIENCE: Final = 10.0  # seconds until it must answer


def version() -> str:
    """Of the server that is installed. Raises `SystemExit` when none is, or one that is too old."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise SystemExit(
            f"{PROGRAM} is not installed: install Redis {NEWEST_TESTED} to measure on it, or BACKEND=sqlite"
        )
    said = subprocess.run([found, "--version"], check=True, capture_output=True, text=True, timeout=30).stdout
    number = said.split("v=", 1)[1].split()[0]
    if int(number.split(".")[0]) < NEWEST_TESTED:
        raise SystemExit(f"{PROGRAM} is {number}: the figures are of Redis {NEWEST_TESTED} or later")
    return number


class Private:
    """A server that runs in the block. Without an append-only file nothing of it outlives the block."""

    def __init__(self, folder: Path, aof: str = "no") -> None:
        self._folder = folder
        self._aof = aof
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        lasting = ("--appendonly", "no") if self._aof == "no" else ("--appendonly", "yes", "--appendfsync", self._aof)
        place = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder))
        self._process = subprocess.Popen(
            [PROGRAM, *place, "--save", "", *lasting],
            stdin=subprocess.DEVNULL,
            stdout=(self._folder / "redis.log").open("wb"),
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self) -> None:
        assert self._process is not None
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                    line.sendall(b"PING\r\n")
                    if line.recv(5) == b"+PONG":
                        return
            except OSError:
                pass
            time.sleep(0.01)
        said = (self._folder / "redis.log").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{PROGRAM} did not answer on port {self.port}:\n{said[-1000:]}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
