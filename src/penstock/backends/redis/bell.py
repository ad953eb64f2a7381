"""The doorbell of a namespace: a token for each queue, popped by one who waits, and channels for all topics.

A token stays until somebody pops it, so a ring for a queue finds a worker that is free; one popped while nobody waits
is put back. Channels reach who listens at that moment; what may have been missed on one while it did not stand is rung
when it does: "look now". The end of a plain run brings the run along. Knows no script.
"""

import asyncio
import weakref
from asyncio import AbstractEventLoop
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final

from penstock.backends.redis import decode
from penstock.backends.redis.ear import Ear
from penstock.backends.redis.link import Call, Link
from penstock.backends.redis.script import Script
from penstock.backends.redis.wire import Value
from penstock.core.errors import Closed
from penstock.core.run import Run
from penstock.ports.doorbell import log_topic, queue_topic, run_topic

_QUEUE: Final = queue_topic("")
_RUN: Final = run_topic("")
_LOG: Final = log_topic("")


class RedisListener:
    """Hears the topics that were rung since it last looked. For the loop in which it was made."""

    def __init__(self, ear: Ear, channels: dict[bytes, str], tokens: dict[bytes, str]) -> None:
        self.topics: Final = frozenset(channels.values())
        self._ear: Final = ear
        self._channels: Final = channels
        self._tokens: Final = tokens
        self._loop: Final = asyncio.get_running_loop()
        self._rung: set[str] = set()
        self._brought: Run | None = None
        self._event: Final = asyncio.Event()
        self._until = 0.0  # when somebody's wait ends
        self._popping = False
        self._closed = False

    async def wait(self, timeout: float) -> frozenset[str]:
        if not self._rung and not self._closed and timeout > 0:
            self._until = self._loop.time() + timeout
            self._pop()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._event.wait()
            self._until = 0.0
        self._event.clear()
        rung, self._rung = frozenset(self._rung), set[str]()
        return rung

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._ear.forget(self, tuple(self._channels))
            self._event.set()

    def hear(self, channel: bytes, said: bytes = b"") -> None:
        """It rang, or may have rung."""
        topic = self._channels[channel]
        if said and topic.startswith(_RUN):
            self.keep(channel, said)
        self._ring(topic)

    def keep(self, channel: bytes, said: bytes) -> None:
        """Its end is over, and this is the run; nothing rings."""
        self._brought = decode.brought(self._channels[channel].removeprefix(_RUN), said)

    def brought(self) -> Run | None:
        found, self._brought = self._brought, None
        return found

    def popped(self, token: bytes | None, *, failed: bool) -> bool:
        """A pop has ended. Whether somebody waits for that."""
        self._popping = False
        waits = not self._closed and not self._rung and self._loop.time() < self._until
        if waits and token is not None:
            self._ring(self._tokens[token])
        elif waits and not failed:
            self._pop()
        return waits

    def _pop(self) -> None:
        if self._tokens and not self._popping:
            self._popping = True
            self._ear.pop(self, tuple(self._tokens), self._until - self._loop.time())

    def _ring(self, topic: str) -> None:
        self._rung.add(topic)
        self._event.set()


class RedisDoorbell:
    """Rings and listens through the server. `prefix`: of all that belongs to the namespace."""

    def __init__(self, link: Link, prefix: bytes) -> None:
        self._link: Final = link
        self._prefix: Final = prefix
        self._ears: Final[weakref.WeakKeyDictionary[AbstractEventLoop, Ear]] = weakref.WeakKeyDictionary()

    def ring(self, topics: Collection[str]) -> None:
        """By hand; scripts ring by themselves. Where no loop runs, a hint is not worth one."""
        with suppress(RuntimeError, Closed):
            for topic in topics:
                if topic.startswith(_QUEUE):
                    self._link.tell("ZADD", self._token(topic), 0, "1")
                else:
                    self._link.tell("PUBLISH", self._channel(topic), "")

    def listen(self, topics: Collection[str]) -> RedisListener:
        ear = self._ear()
        channels = {self._channel(topic): topic for topic in topics}
        tokens = {self._token(topic): topic for topic in topics if topic.startswith(_QUEUE)}
        listener = RedisListener(ear, channels, tokens)
        ear.listen(listener, tuple(channels))
        return listener

    async def run(self, script: Script, keys: Sequence[bytes], args: Sequence[Value]) -> object:
        """What the script answers, asked behind all that this loop listens for: no end in between is missed."""
        return await self._ear().run(script, keys, args)

    def bring(self, topic: str, said: bytes) -> None:
        """To who listens in this loop for the end of a run that has finished: the run."""
        self._ear().bring(self._channel(topic), said)

    async def when_rung(
        self, queues: Sequence[str], seconds: float, call: Call, hurry: asyncio.Future[None]
    ) -> object | None:
        """What the script answers, asked when one of these queues rings, or after so many seconds; see `Ear`."""
        tokens = [self._token(queue_topic(queue)) for queue in queues]
        return await self._ear().when_popped(tokens, seconds, call, hurry)

    async def close(self) -> None:
        """Hear nothing more, in any loop."""
        here = self._ears.pop(asyncio.get_running_loop(), None)
        for loop, ear in tuple(self._ears.items()):
            with suppress(RuntimeError):  # that loop is closed, and its connections with it
                loop.call_soon_threadsafe(ear.hang_up)
        self._ears.clear()
        if here is not None:
            here.hang_up()
            await here.gone()

    def _ear(self) -> Ear:
        loop = asyncio.get_running_loop()
        if loop not in self._ears:
            self._ears[loop] = Ear(self._link, kept=self._channel(_QUEUE), asked=self._channel(_RUN))
        return self._ears[loop]

    def _channel(self, topic: str) -> bytes:
        if topic.startswith(_LOG):  # scripts ring one channel for both
            topic = _RUN + topic.removeprefix(_LOG)
        return self._prefix + b":" + topic.encode()

    def _token(self, topic: str) -> bytes:
        return self._prefix + b":bell:" + topic.removeprefix(_QUEUE).encode()
