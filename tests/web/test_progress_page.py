"""The example of a page with live progress: a site and its workers as processes, asked as a browser does."""

import ast
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from json import dumps, loads
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import blocks
from tests.web.house import PATIENCE, ROOT
from tests.web.visitor import Event, parsed

PAGE = ROOT / "examples" / "progress_page"


class Workshop:
    """The site on a port of its own, and workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[str]] = []
        self._drains: list[threading.Thread] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def site(self) -> None:
        command = ["-m", "uvicorn", "page:site", "--fd", str(self._socket.fileno()), "--no-access-log"]
        self._begin(command, "Application startup complete", PENSTOCK_MODE="enqueue")

    def worker(self) -> subprocess.Popen[str]:
        return self._begin(["-m", "penstock.cli", "worker", "workshop:app", "--lease", "1s"], " started: ")

    def _begin(self, command: list[str], ready: str, **more: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        environment |= {"PENSTOCK_URL": f"sqlite:///{self.folder}/jobs.db", **more}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(PAGE)])
        process = subprocess.Popen(
            [sys.executable, *command],
            env=environment,
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[self._socket.fileno()],
        )
        self.processes.append(process)
        assert process.stderr is not None
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if ready in line:
                drain = threading.Thread(target=process.stderr.read, daemon=True)
                drain.start()
                self._drains.append(drain)
                return process
        raise AssertionError("".join(said))

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, None if body is None else dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def order(self, **wanted: object) -> str:
        status, text = self.ask("POST", "/orders", wanted)
        assert status == 202
        found: str = loads(text)["id"]
        return found

    def events(self, run_id: str, last: int = 0) -> Iterator[Event]:
        """Those of the order, until it is ready. Whoever stops reading has gone away."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", f"/orders/{run_id}/events", headers={"Last-Event-ID": str(last or "")})
            answer = connection.getresponse()
            assert answer.status == 200
            block = b""
            while line := answer.readline():
                block += line
                if line == b"\n":
                    yield from parsed(block)
                    block = b""
        finally:
            connection.close()

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        for drain in self._drains:
            drain.join()
        for process in self.processes:
            if process.stderr is not None:
                process.stderr.close()
        self._socket.close()


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    found = Workshop(tmp_path)
    yield found
    found.close()


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def progress(events: list[Event]) -> list[tuple[Any, str]]:
    return [(event.data["done"], event.data["message"]) for event in events if event.kind == "progress"]


def test_the_page_shows_progress_from_a_worker_elsewhere(workshop: Workshop) -> None:
    """S2-02, S2-29, S2-30: followed before anybody works, left in the middle, taken up again, and over."""
    workshop.site()
    assert b"<progress" in workshop.ask("GET", "/")[1]
    assert b"EventSource" in workshop.ask("GET", "/page.js")[1]
    run_id = workshop.order(thing="chair", seconds=0.05)
    seen: list[Event] = []
    for event in workshop.events(run_id):
        seen.append(event)
        if event.kind == "enqueued":
            workshop.worker()
        if len(progress(seen)) == 2:
            break  # the browser loses the site
    seen += list(workshop.events(run_id, seen[-1].id))
    assert [event.id for event in seen] == list(range(1, len(seen) + 1))
    steps = ["cut the boards", "plane them", "join them", "sand the top", "oil it", "ready"]
    assert progress(seen) == list(enumerate(steps))
    assert (kinds(seen)[:2], kinds(seen)[-1], seen[-1].data) == (["enqueued", "claimed"], "finished", "succeeded")
    assert workshop.ask("GET", "/orders/nobody/events")[0] == 204


def test_an_order_whose_worker_is_killed_is_made_by_another(workshop: Workshop) -> None:
    """S2-26: the page goes on showing it, with the same stream."""
    workshop.site()
    first = workshop.worker()
    run_id = workshop.order(thing="chair", seconds=0.3)
    seen: list[Event] = []
    for event in workshop.events(run_id):
        seen.append(event)
        if event.kind == "log" and first.poll() is None:
            first.send_signal(signal.SIGKILL)
            first.wait()
            workshop.worker()
    assert "crash" in kinds(seen)
    assert (seen[-1].kind, seen[-1].data) == ("finished", "succeeded")
    assert [event.id for event in seen] == sorted({event.id for event in seen})


def test_the_page_on_live_progress_has_the_code_of_the_example() -> None:
    shown = {
        block.file: block.text.partition("\n")[2] for block in blocks(ROOT / "docs" / "how-to" / "live-progress.md")
    }
    for name in ("workshop.py", "page.py"):
        text = (PAGE / name).read_text(encoding="utf-8")
        first = ast.parse(text).body[0]
        assert shown[name] == "".join(text.splitlines(keepends=True)[first.end_lineno :]).lstrip("\n")
