"""How a connection comes about: the socket, TLS, and what is said at the door. Knows nothing of what is asked later."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from penstock.backends.redis.address import Address, Node
from penstock.backends.redis.refusals import error
from penstock.backends.redis.wire import REPLY, ErrorReply, Lost, Pushed, Wire, pack
from penstock.core.errors import Invalid, Unavailable

CONNECTING: Final = 5.0  # seconds until the server has let us in
IDLE: Final = 15  # seconds of silence after which the system asks whether the other side is still there ...
EVERY: Final = 5  # ... how often it asks again ...
TIMES: Final = 2  # ... and how often in vain
UNSENT: Final = 10_000  # milliseconds that bytes may stay unacknowledged

_UNKNOWN: Final = ("unknown command", "unknown subcommand")


async def dial(address: Address, node: Node, *, patience: float = REPLY, pushed: Pushed | None = None) -> Wire:
    """A connection that may be used; with `pushed`, to subscribe as well.

    Raises `Unavailable`, or `Invalid` if the server will not have us.
    """
    try:
        async with asyncio.timeout(CONNECTING):
            wire = await _connected(address, node, lambda: Wire(patience) if pushed is None else Wire(patience, pushed))
            try:
                await _enter(address, node, wire, 2 if pushed is None else 3)
            except BaseException:
                wire.fail("the server did not let us in")
                raise
    except TimeoutError as late:
        hint = "" if address.tls is None else "; if it speaks no TLS, say redis://"
        raise Unavailable(f"Redis at {node} did not answer within {CONNECTING:g} s{hint}", applied="no") from late
    except ssl.SSLCertVerificationError as failed:
        advice = "ssl_ca_certs= names the file of an authority that you trust"
        raise Invalid(
            "url", str(node), f"its certificate is not trusted ({failed.verify_message}): {advice}"
        ) from failed
    except OSError as failed:
        raise Unavailable(f"Redis at {node} can't be reached: {failed}", applied="no") from failed
    return wire


async def _connected(address: Address, node: Node, new: Callable[[], Wire]) -> Wire:
    loop = asyncio.get_running_loop()
    if node.path:
        _, wire = await loop.create_unix_connection(new, node.path)
        return wire
    context = None if address.tls is None else address.tls.made()
    transport, wire = await loop.create_connection(new, node.host, node.port, ssl=context)
    _keep_alive(transport.get_extra_info("socket"))
    return wire


def _keep_alive(connection: socket.socket) -> None:
    """Have the system notice when the other side is gone without a word."""
    settings = [(socket.SOL_SOCKET, "SO_KEEPALIVE", 1)]
    for name, value in (("KEEPIDLE", IDLE), ("KEEPINTVL", EVERY), ("KEEPCNT", TIMES), ("USER_TIMEOUT", UNSENT)):
        settings.append((socket.IPPROTO_TCP, f"TCP_{name}", value))
    for level, name, value in settings:
        if hasattr(socket, name):
            with suppress(OSError):  # a system that knows it and will not have it
                connection.setsockopt(level, getattr(socket, name), value)


async def _enter(address: Address, node: Node, wire: Wire, protocol: int) -> None:
    """Say who we are and which database we want."""
    username, password = address.entry
    ours = f"penstock-{os.getpid()}"
    who = ("AUTH", username or "default", password) if password else ()
    answer = await wire.ask(pack(("HELLO", protocol, *who, "SETNAME", ours)))
    if protocol == 2 and isinstance(answer, ErrorReply) and answer.text.partition(" ")[2].startswith(_UNKNOWN):
        answer = await _enter_by_hand(wire, username, password)  # a proxy that does not know the word
    if not isinstance(answer, ErrorReply | Lost) and address.db:
        answer = await wire.ask(pack(("SELECT", address.db)))
    _check(answer, node, "; if it wants TLS, say rediss://" if address.tls is None else "")


async def _enter_by_hand(wire: Wire, username: str, password: str) -> object:
    if not password:
        return None
    return await wire.ask(pack(("AUTH", username, password) if username else ("AUTH", password)))


def _check(answer: object, node: Node, hint: str) -> None:
    match answer:
        case Lost():
            raise Unavailable(f"Redis at {node}: {answer.reason}{hint}", applied="no")
        case ErrorReply(code="ERR"):
            if "max number of clients" in answer.text:
                raise Unavailable(f"Redis at {node} has no room: {answer.text}", applied="no")
            raise Invalid("url", str(node), f"the server does not let us in: {answer.text}")
        case ErrorReply():
            raise error(answer, "HELLO", str(node))
        case _:
            return
