"""Health: which loop stands still, over HTTP too; and signals that stop gently."""

import asyncio
import os
import signal
import socket

import msgspec
import pytest

from penstock.backends.memory import MemoryStore
from penstock.core.errors import Invalid
from penstock.engine.health import Health, LoopHealth, check_address, serve
from penstock.engine.signals import SIGNALS, stop_on_signals
from tests.engine.support import TestHandler, enqueue, new_store, real_worker, until_finished, worker_of
from tests.engine.tapped import tapped
from tests.engine.virtual import passes, virtual


@virtual
async def test_a_loop_that_completes_no_round_is_named() -> None:
    tap, store = tapped(new_store())
    async with worker_of(store, TestHandler()) as worker:
        await passes(100)
        assert worker.health().ok
        assert (worker.health().state, worker.health().stopped) == ("running", ())
        tap.gates["tend"] = asyncio.Event()  # a connection half open: the call never returns
        await passes(40)
        health = worker.health()
        assert not health.ok
        assert health.stopped == ("upkeep",)
        tap.gates.pop("tend").set()
        await passes(1)
        assert worker.health().ok


@virtual
async def test_long_runs_in_all_slots_are_no_standstill() -> None:
    store = new_store()

    async def long(attempt: object) -> bytes:
        await asyncio.sleep(3600)
        return b"1"

    run_ids = await enqueue(store, 4)
    async with worker_of(store, TestHandler(long), concurrency=2) as worker:
        await passes(1800)
        health = worker.health()
        assert health.ok, health
        assert (health.running, health.concurrency, health.stuck) == (2, 2, 0)
        assert health.beat_ago <= 10
        await until_finished(store, run_ids)
    assert worker.health().state == "stopped"


async def ask(port: int, request: bytes) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


async def test_health_is_told_over_http() -> None:
    store = MemoryStore()
    worker = real_worker(store, TestHandler())
    async with asyncio.timeout(20), worker, serve(worker.health, "127.0.0.1", 0) as port:
        status, body = await ask(port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        health = msgspec.json.decode(body, type=Health)
        assert (status, health.ok, health.worker, health.state) == (200, True, worker.identity, "running")
        assert (await ask(port, b"HEAD /health HTTP/1.1\r\n\r\n")) == (200, b"")
        assert (await ask(port, b"GET /health?x=1 HTTP/1.1\r\n\r\n"))[0] == 200
        assert (await ask(port, b"POST /health HTTP/1.1\r\n\r\n"))[0] == 405
        assert (await ask(port, b"GET /runs HTTP/1.1\r\n\r\n"))[0] == 404


async def test_a_worker_that_is_not_well_answers_503() -> None:
    sick = Health(ok=False, worker="w", state="running", loops=(LoopHealth(name="claim", ok=False, late=3.0),))
    async with asyncio.timeout(20), serve(lambda: sick, "127.0.0.1", 0) as port:
        status, body = await ask(port, b"GET /health HTTP/1.1\r\n\r\n")
    assert status == 503
    assert msgspec.json.decode(body, type=Health) == sick
    assert sick.stopped == ("claim",)


async def test_clients_that_speak_no_http_are_let_go() -> None:
    async with asyncio.timeout(20), serve(lambda: Health(ok=True, worker="w", state="new"), "127.0.0.1", 0) as port:
        for nonsense in (b"", b"\x00" * 100, b"x" * 20_000):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(nonsense)
        assert (await ask(port, b"GET /health HTTP/1.1\r\n\r\n"))[0] == 200


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("8080", ("127.0.0.1", 8080)),
        (":8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:80", ("::1", 80)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_an_address_without_host_is_this_machine_only(said: str, meant: tuple[str, int]) -> None:
    assert check_address(said) == meant


@pytest.mark.parametrize("said", ["", "host", "host:", "host:port", "host:70000", "host:-1"])
def test_an_address_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(Invalid, match=r"^health="):
        check_address(said)


async def test_a_signal_stops_gently_and_handlers_are_put_back() -> None:
    """S0-64: SIGTERM, then again: hurry."""
    before = [signal.getsignal(number) for number in SIGNALS]
    store = MemoryStore()
    started = asyncio.Event()

    async def long(attempt: object) -> bytes:
        started.set()
        await asyncio.sleep(3600)
        return b"1"

    await enqueue(store)
    worker = real_worker(store, TestHandler(long), grace=3600.0)
    stopping = asyncio.Event()
    worker.observers.on("worker.stopping", lambda _event: stopping.set())
    async with asyncio.timeout(20):
        with stop_on_signals(worker.stop):
            worker.start()
            await started.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            await stopping.wait()
            os.kill(os.getpid(), signal.SIGINT)
            await worker.stopped()
    assert worker.health().state == "stopped"
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert await store.workers() == []


async def test_signals_outside_the_main_thread_are_left_alone() -> None:
    async def inside() -> None:
        with stop_on_signals(lambda: None):
            await asyncio.sleep(0)

    await asyncio.to_thread(asyncio.run, inside())
