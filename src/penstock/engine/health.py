"""How a worker fares, for whoever asks: in the program, or over a very small HTTP endpoint."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from penstock.core.errors import Invalid
from penstock.core.record import Record

READ_WITHIN: Final = 5.0  # seconds for a client to say what it wants
LONGEST: Final = 8_192  # bytes of its request's head


class LoopHealth(Record, frozen=True, kw_only=True):
    """One loop of the worker. `late`: seconds by which its present round is too long."""

    name: str
    ok: bool
    late: float = 0.0
    trouble: str = ""  # the store does not answer: tried again for ever, and no fault of the loop
    restarts: int = 0


class Health(Record, frozen=True, kw_only=True):
    """The worker at one moment. `ok`: every loop completes its rounds in time."""

    ok: bool
    worker: str
    state: str  # "new", "running", "stopping", "stopped" or "failed"
    loops: tuple[LoopHealth, ...] = ()
    concurrency: int = 0
    running: int = 0
    waiting: int = 0  # claimed a few milliseconds ahead
    stuck: int = 0  # settled, and the handler does not end: each takes a slot
    loop_lag: float = 0.0  # seconds by which the event loop was late at its last tick
    beat_ago: float = 0.0  # seconds since all leases were last extended

    @property
    def stopped(self) -> tuple[str, ...]:
        """The names of the loops that do not complete their rounds."""
        return tuple(loop.name for loop in self.loops if not loop.ok)


def check_address(address: str) -> tuple[str, int]:
    """Host and port of "HOST:PORT", "[::1]:PORT", ":PORT" or "PORT"; without a host: loopback. Raises `Invalid`."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not port.isascii() or not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise Invalid("health", address, 'say "HOST:PORT", or "PORT" for this machine only')
    return host, int(port)


@asynccontextmanager
async def serve(health: Callable[[], Health], host: str, port: int) -> AsyncGenerator[int]:
    """Answer GET /health with 200 or 503 while the block runs; yields the port (a free one for 0)."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_WITHIN):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_response(head, health))
            await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # a client that does not speak HTTP, or has gone
        finally:
            writer.close()

    server = await asyncio.start_server(answer, host, port, limit=LONGEST)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def _response(head: bytes, health: Callable[[], Health]) -> bytes:
    method, _, rest = head.partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0]
    if path != b"/health":
        status, body = "404 Not Found", b'{"error":"only /health is here"}'
    elif method not in {b"GET", b"HEAD"}:
        status, body = "405 Method Not Allowed", b'{"error":"only GET is known here"}'
    else:
        now = health()
        status, body = ("200 OK" if now.ok else "503 Service Unavailable"), msgspec.json.encode(now)
    lines = (
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
    )
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if method == b"HEAD" else body)
