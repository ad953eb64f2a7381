"""What the measured Redis says of itself: memory, processor time, the commands that clients sent.

Standard library only, over connections of its own, so that it costs no contender anything.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Final, Self
from urllib.parse import urlsplit

URL: Final = "PENSTOCK_BENCH_REDIS"  # environment variable: the private server, without what only Penstock understands
EMPTY: Final = "PENSTOCK_BENCH_REDIS_EMPTY"  # another one, for what is done beside delayed runs

Reply = str | int | None


def url(name: str = URL) -> str:
    """Of the private server."""
    return os.environ[name]


class Asked:
    """A connection on which plain commands are asked, one by one."""

    def __init__(self, of: str = "") -> None:
        place = urlsplit(of or url())
        self._socket = socket.create_connection((place.hostname, place.port), timeout=30)
        self._read = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._read.close()
        self._socket.close()

    def send(self, *words: str | int | bytes) -> None:
        """Send without waiting for the answer."""
        self.send_coded(self.coded(*words))

    def send_coded(self, calls: bytes) -> None:
        """The same, of what `coded` made."""
        self._socket.sendall(calls)

    @staticmethod
    def coded(*words: str | int | bytes) -> bytes:
        """A command as it travels."""
        coded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        return b"*%d\r\n" % len(coded) + b"".join(b"$%d\r\n%b\r\n" % (len(one), one) for one in coded)

    def ask(self, *words: str | int | bytes) -> Reply:
        """Of one command that answers with a line, a number or a string. Raises `RuntimeError` for a refusal."""
        self.send(*words)
        return self.answer()

    def answer(self) -> Reply:
        """The next one."""
        line = self._read.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        match kind:
            case b"+":
                return rest.decode()
            case b":":
                return int(rest)
            case b"$":
                length = int(rest)
                return None if length < 0 else self._read.read(length + 2)[:-2].decode(errors="replace")
            case _:
                raise RuntimeError(f"Redis says {line.decode(errors='replace')}")

    def number(self, *words: str | int | bytes) -> int:
        """As `ask`, for what counts."""
        found = self.ask(*words)
        return int(found or 0)

    def info(self, section: str) -> dict[str, str]:
        """A section of INFO."""
        lines = str(self.ask("INFO", section)).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def processor(self) -> float:
        """Seconds of processor that the server has used."""
        said = self.info("cpu")
        return float(said["used_cpu_user"]) + float(said["used_cpu_sys"])

    def memory(self) -> int:
        """Bytes that the server has used, but for its clients' buffers and the append-only file's."""
        said = self.info("memory")
        return int(said["used_memory"]) - int(said["mem_clients_normal"]) - int(said.get("mem_aof_buffer", 0))

    def lines(self) -> Iterator[str]:
        """What comes in from now on, line by line."""
        for line in self._read:
            yield line.decode(errors="replace")


def calls_of_clients(seconds: float) -> dict[str, float]:
    """Commands a second that reach the server from outside, and the scripts among them, not what these call."""
    commands, scripts = 0, 0
    with Asked() as monitor:
        monitor.ask("MONITOR")

        def count() -> None:
            nonlocal commands, scripts
            try:
                for line in monitor.lines():
                    if " lua] " not in line:
                        commands += 1
                        scripts += '] "EVAL' in line.upper()
            except (OSError, ValueError):  # the connection was closed
                return

        threading.Thread(target=count, daemon=True).start()
        time.sleep(seconds)
        return {"calls_per_s": scripts / seconds, "commands_per_s": commands / seconds}
