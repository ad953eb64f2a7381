"""One store in a folder, a web server and workers as processes of their own, and raw connections to the server."""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from tests.web.visitor import Event, parsed

ROOT: Final = Path(__file__).parent.parent.parent
PATIENCE: Final = 60.0  # seconds for anything; then the test fails
API: Final = "/api/v1"


class House:
    """What stands in one folder."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.environment = environment
        self.folder = folder
        self.url = f"sqlite:///{folder}/jobs.db"
        self.port = 0
        self.headers: dict[str, str] = {}
        self.processes: list[subprocess.Popen[str]] = []
        self._drains: list[threading.Thread] = []

    def serve(self, *options: str, port: int = 0) -> subprocess.Popen[str]:
        """A web server that is ready."""
        process = self._begin("web", "tests.web.site_tasks:app", "--port", str(port), *options)
        found = re.search(r"http://[^ ]*:(\d+)/", self._wait_for(process, "web started"))
        assert found is not None
        self.port = int(found[1])
        return process

    def worker(self, *options: str) -> subprocess.Popen[str]:
        """A worker that is ready."""
        process = self._begin("worker", "tests.web.site_tasks:app", *options)
        self._wait_for(process, " started: ")
        return process

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """One request: status and document."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        said = {**self.headers, **headers} | ({} if body is None else {"content-type": "application/json"})
        try:
            connection.request(method, API + path, None if body is None else json.dumps(body), said)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def enqueue(self, task: str, **arguments: object) -> str:
        """The id of a new run."""
        status, told = self.ask("POST", "/runs", {"task": task, "input": arguments})
        assert status == 201, told
        found: str = told["id"]
        return found

    @asynccontextmanager
    async def connected(
        self, path: str, *, last: int = 0, limit: int = 2**16
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, str]]:
        """A connection that has asked, and the head of its answer. What is read from it is the reader's choice."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=limit)
        try:
            head = f"GET {API}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: {last or ''}\r\n\r\n"
            writer.write(head.encode())
            async with asyncio.timeout(PATIENCE):
                yield reader, (await reader.readuntil(b"\r\n\r\n")).decode()
        finally:
            writer.close()

    async def events(self, run_id: str, *, last: int = 0) -> AsyncGenerator[Event]:
        """Those of a run's stream, until it ends."""
        async with self.connected(f"/runs/{run_id}/stream", last=last) as (reader, head):
            assert " 200 " in head or " 204 " in head, head
            async for event in events_of(reader, head):
                yield event

    def _begin(self, *command: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        environment |= self.environment | {
            "PENSTOCK_URL": self.url,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "penstock.cli", *command],
            env=environment,
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def _wait_for(self, process: subprocess.Popen[str], words: str) -> str:
        assert process.stderr is not None
        said: list[str] = []
        deadline = time.monotonic() + PATIENCE
        for line in process.stderr:
            said.append(line)
            if words in line:
                drain = threading.Thread(target=_drain, args=[process.stderr], daemon=True)
                drain.start()
                self._drains.append(drain)
                return line
            if time.monotonic() > deadline:
                break
        raise AssertionError(f"{words!r} was never said:\n{''.join(said)}")

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        for drain in self._drains:
            drain.join()
        for process in self.processes:
            if process.stderr is not None:
                process.stderr.close()


def _drain(lines: Any) -> None:
    for _ in lines:
        pass


async def events_of(reader: asyncio.StreamReader, head: str) -> AsyncGenerator[Event]:
    """The events in an answer that is sent in chunks."""
    if "204" in head.partition("\r\n")[0]:
        return
    text = b""
    while size := int(await reader.readline(), 16):
        text += await reader.readexactly(size)
        await reader.readline()
        whole, found, text = text.rpartition(b"\n\n")
        for event in parsed(whole + found):
            yield event


def opened(pid: int, name: str) -> int:
    """How many open files of the process have this name."""
    folder = Path(f"/proc/{pid}/fd")
    return sum(1 for one in folder.iterdir() if one.is_symlink() and one.readlink().name == name)


def memory(pid: int) -> int:
    """Bytes of the process that are in memory."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1]) * 1024


async def until(there: Callable[[], bool]) -> None:
    """Return when that is so."""
    async with asyncio.timeout(PATIENCE):
        while not there():  # noqa: ASYNC110 (a condition of another process)
            await asyncio.sleep(0.02)
