"""A server that says what a test wants it to say, one reply after the other."""

import asyncio
from collections.abc import Callable
from typing import Final, Self, cast

import hiredis

from tests.redis.servers import eventually

Words = list[bytes]
Says = Callable[[Words], bytes | None]


def says(*replies: bytes) -> Says:
    """These in turn, then the last for ever."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


class Puppet:
    """Answers HELLO and SELECT with OK, and all else with what `says` returns; None: not at all."""

    def __init__(self, says: Says) -> None:
        self.says = says
        self.hello = b"+OK\r\n"
        self.heard: Final[list[Words]] = []
        self.bytes_read = 0
        self.port = 0
        self.clients: Final[set[asyncio.WriteTransport]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Ear(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut_all()
        await eventually(lambda: not self.clients, "the connections to end")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def cut_all(self) -> None:
        for client in tuple(self.clients):
            client.abort()

    def answer(self, words: Words) -> bytes | None:
        """What is said to a command."""
        if words[0] == b"HELLO":
            return self.hello
        if words[0] in {b"SELECT", b"ASKING"}:
            return b"+OK\r\n"
        self.heard.append(words)
        return self.says(words)


class _Ear(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, puppet: Puppet) -> None:
        self._puppet = puppet
        self._parser = hiredis.Reader()
        self._client: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._client = cast("asyncio.WriteTransport", transport)
        self._puppet.clients.add(self._client)

    def data_received(self, data: bytes) -> None:
        assert self._client is not None
        self._puppet.bytes_read += len(data)
        self._parser.feed(data)
        while (words := self._parser.gets()) is not False:
            said = self._puppet.answer(words)
            if said is not None:
                self._client.write(said)

    def connection_lost(self, exc: Exception | None) -> None:
        assert self._client is not None
        self._puppet.clients.discard(self._client)
