"""A site and its workers as processes of their own, and customers who ask until they have an answer.

The ledger that the tasks write is the witness: it is outside of the store, and each charge is a line in it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent.parent
SHOP: Final = ROOT / "examples" / "web"
PATIENCE: Final = 60.0  # seconds for anything; then the test fails
STOPPED_BY_TERM: Final = {0, -signal.SIGTERM}  # uvicorn ends by the signal itself, after it has shut down


class Street:
    """What stands in one folder: a store, a ledger, a port, and processes."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/jobs.db"
        self.ledger = folder / "ledger.txt"
        self.processes: list[subprocess.Popen[str]] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._port: int = self._socket.getsockname()[1]

    def site(self) -> subprocess.Popen[str]:
        """A web server that is ready. Several accept from one socket: a restart turns nobody away."""
        command = ["-m", "uvicorn", "web:site", "--fd", str(self._socket.fileno()), "--no-access-log"]
        return self._begin(command, "Application startup complete", {"PENSTOCK_MODE": "enqueue"})

    def worker(self, *options: str) -> subprocess.Popen[str]:
        """A worker that is ready."""
        return self._begin(["-m", "penstock.cli", "worker", "tasks:app", *options], " started: ", {})

    def stop(self, process: subprocess.Popen[str]) -> int:
        """SIGTERM, as a deploy does it; how it ended."""
        process.terminate()
        return process.wait(PATIENCE)

    def ask(self, method: str, path: str, body: object = None, key: str | None = None) -> tuple[int, Any, str | None]:
        """One request: status, document, and where to ask again. Raises `OSError` or `HTTPException`."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        headers = {"Connection": "close"} | ({} if key is None else {"Idempotency-Key": key})
        try:
            connection.request(method, path, json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), answer.getheader("location")
        finally:
            connection.close()

    def order(self, name: str, **more: object) -> Any:
        """Ask for an order until it is done, as a patient customer does; its receipt."""
        until = time.monotonic() + PATIENCE
        method, path = "POST", "/orders"
        body: dict[str, object] | None = {"order": name, "cents": 100, **more}
        while time.monotonic() < until:
            try:
                status, told, place = self.ask(method, path, body, key=name)
            except (OSError, HTTPException):
                continue  # nobody can say whether it was heard: the key makes asking again harmless
            if status == 200:
                return told["result"]
            assert status == 202, told
            assert place is not None
            method, path, body = "GET", place, None
        raise TimeoutError(name)

    def charged(self) -> list[str]:
        """The orders that the ledger has, in the order of charging."""
        return [line.split()[0] for line in self.ledger.read_text().splitlines()]

    def close(self) -> None:
        """End what is left."""
        for process in self.processes:
            process.kill()
            process.wait(PATIENCE)
            if process.stderr is not None:
                process.stderr.close()
        self._socket.close()

    def _begin(self, command: list[str], ready: str, more: dict[str, str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=SHOP,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[self._socket.fileno()],
            env={
                **os.environ,
                "PENSTOCK_URL": self.url,
                "LEDGER": str(self.ledger),
                "PYTHONPATH": str(ROOT / "src"),
                **more,
            },
        )
        self.processes.append(process)
        said: list[str] = []
        heard = threading.Event()
        threading.Thread(target=_listen, args=(process, ready, said, heard.set), daemon=True).start()
        assert heard.wait(PATIENCE), "".join(said)
        assert process.poll() is None, "".join(said)
        return process


def _listen(process: subprocess.Popen[str], ready: str, said: list[str], heard: Callable[[], None]) -> None:
    """Read all that the process says, so that it never waits for a reader."""
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if ready in line:
            heard()
    heard()
