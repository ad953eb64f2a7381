"""The server as a process: who may reach it, how it stops, and what streams go through on the way."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.house import PATIENCE, House, events_of, memory, opened, until
from tests.web.visitor import Event

TOKEN = "a-token-of-enough-characters"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path)
    yield found
    found.close()


def refused(*options: str) -> str:
    """What the command says when it exits with the status of a bad command line."""
    done = subprocess.run(
        [sys.executable, "-m", "penstock.cli", "--url", "memory://", "web", *options],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2, done.stderr
    return done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_it_is_not_bound_elsewhere_without_a_token(host: str) -> None:
    assert "--token-file" in refused("--host", host, "--port", "0")


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "can't be bound" in refused("--port", str(taken.getsockname()[1]))


def test_a_weak_token_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2\n")
    said = refused("--token-file", str(tmp_path / "token"), "--port", "0")
    assert "at least 16" in said
    assert "hunter2" not in said


def test_with_a_token_file_everyone_brings_the_token(house: House) -> None:
    """S2-48."""
    (house.folder / "token").write_text(f"{TOKEN}\n")
    process = house.serve("--token-file", "token", "--host", "0.0.0.0", "--allow-host", "jobs.example.com")
    assert house.ask("GET", "/runs")[0] == 401
    assert house.ask("GET", "/runs", authorization="Bearer wrong")[0] == 401
    assert house.ask("GET", "/runs", authorization=f"Bearer {TOKEN}")[0] == 200
    assert house.ask("GET", "/runs", authorization=f"Bearer {TOKEN}", host="jobs.example.com")[0] == 200
    assert house.ask("GET", "/runs", authorization=f"Bearer {TOKEN}", host="evil.example.com")[0] == 421
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


async def test_a_stop_ends_the_streams_and_a_restart_loses_no_event(house: House) -> None:
    """S2-30: the reader comes back to another process with the number of the last event."""
    process = house.serve()
    worker = house.worker("--queues", "streams")
    run_id = house.enqueue("hang")
    seen: list[Event] = []
    began = 0.0
    async for event in house.events(run_id):
        seen.append(event)
        if event.kind == "chunk":
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert time.monotonic() - began < 5
    house.serve(port=house.port)
    house.ask("POST", f"/runs/{run_id}/cancel", {"reason": "enough"})
    seen += [event async for event in house.events(run_id, last=seen[-1].id)]
    assert [event.kind for event in seen][:3] == ["enqueued", "claimed", "chunk"]
    assert (seen[-1].kind, seen[-1].data["data"]) == ("finished", "cancelled")
    assert [event.id for event in seen] == list(range(1, len(seen) + 1))
    assert [event async for event in house.events(run_id, last=seen[-1].id)] == []
    worker.terminate()
    assert worker.wait(PATIENCE) == 0


async def test_a_stream_ends_when_its_worker_is_killed(house: House) -> None:
    """S2-26, S2-33: somebody who serves other queues finds the lease lost, and the run fails for good."""
    house.serve()
    house.worker("--queues", "default", "--lease", "1s")
    doomed = house.worker("--queues", "streams", "--lease", "1s")
    run_id = house.enqueue("hang")
    seen: list[Event] = []
    async for event in house.events(run_id):
        seen.append(event)
        if event.data.get("data") == "begun":
            doomed.kill()
    assert (seen[-1].kind, seen[-1].data["data"]) == ("finished", "failed")
    assert [event.id for event in seen] == sorted({event.id for event in seen})
    assert house.ask("GET", f"/runs/{run_id}")[1]["cause"] == "crashed"


@pytest.mark.slow
async def test_a_client_that_reads_nothing_costs_no_memory(house: House) -> None:
    """30 MB of lines: they stay in the store until they are read, and then they all come."""
    process = house.serve()
    house.worker("--queues", "streams")
    house.ask("GET", "/runs")
    before = memory(process.pid)
    run_id = house.enqueue("speak", count=6000, size=5000)
    async with house.connected(f"/runs/{run_id}/stream", limit=2**14) as (reader, head):
        assert house.ask("GET", f"/runs/{run_id}/result?timeout=30")[1]["state"] == "succeeded"
        assert memory(process.pid) - before < 16_000_000
        seen = [event async for event in events_of(reader, head)]
    chunks = [event.data["data"] for event in seen if event.kind == "chunk"]
    assert [int(chunk.split()[0]) for chunk in chunks] == list(range(6000))


@pytest.mark.slow
async def test_five_hundred_readers_share_four_connections_to_the_store(house: House) -> None:
    process = house.serve()
    run_id = house.enqueue("speak", count=100)
    seen: list[list[Event]] = [[] for _ in range(500)]

    async def read(mine: list[Event]) -> None:
        async for event in house.events(run_id):
            mine.append(event)  # noqa: PERF401 (looked at meanwhile)

    reading = [asyncio.create_task(read(mine)) for mine in seen]
    await until(lambda: all(mine for mine in seen))
    assert opened(process.pid, "jobs.db") <= 4
    house.worker("--queues", "streams")
    await asyncio.wait_for(asyncio.gather(*reading), PATIENCE)
    assert opened(process.pid, "jobs.db") <= 4
    assert all(mine == seen[0] for mine in seen)
    assert [event.id for event in seen[0]] == list(range(1, 104))
