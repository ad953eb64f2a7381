"""An app's workers: made of its tasks and its store, one generation at a time.

Knows how a worker is started and stopped, not what it does.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, Self, TypeAlias, TypedDict
from weakref import WeakSet

import msgspec

from penstock.app.client import Client
from penstock.app.selection import listed
from penstock.core.duration import Duration, seconds
from penstock.core.errors import Closed, Invalid
from penstock.core.names import check_name
from penstock.core.registry import Definition
from penstock.engine.events import Observers
from penstock.engine.handler import Registry
from penstock.engine.health import Health
from penstock.engine.settings import Settings
from penstock.engine.worker import Worker as EngineWorker
from penstock.models.jobs import JobHandler

_log: Final = logging.getLogger(__name__)

Place: TypeAlias = tuple[int, str | None, str, str]  # process, app, URL, namespace

_working: Final[dict[Place, "WeakSet[Worker]"]] = {}  # what has been started, by where it works
_lock: Final = threading.Lock()

STOPPING: Final = 40.0  # seconds beyond its grace for a worker to stop


class NamedByWorker(TypedDict, total=False):
    """How a worker works. Durations: seconds, a timedelta, or text like "30s"."""

    queues: Sequence[str]  # served in this order; default: those of the app's tasks
    fair_queues: bool  # serve the queues in turns
    concurrency: int  # runs at once, 1 to 10 000; default 10
    lease: Duration  # after which a silent worker's runs go to others; at least 1 s, default 30 s
    grace: Duration  # for which a stopping worker lets its runs go on; default 25 s
    burst: bool  # stop when nothing is ready any more; what is due later stays
    name: str  # the beginning of its identity, for people


class Worker:
    """Carries out the runs of an app's tasks: `async with app.worker():`, or `await app.worker().run()`."""

    def __init__(
        self, client: Client, place: Place | None, settings: Settings, *, observers: Observers | None = None
    ) -> None:
        self._client = client
        self._place = place
        self._settings = settings
        self._observers = observers
        self._registry = Registry()
        self._engine: EngineWorker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._concurrency: int | None = None
        self._body: asyncio.Task[Any] | None = None  # what runs inside `async with`
        self._watch: asyncio.Task[None] | None = None
        self._interrupted = False

    def __repr__(self) -> str:
        return f"<Worker {self._settings.name}>"

    async def start(self) -> None:
        """Work in the background of the running loop. Workers of an older app in this place stop claiming."""
        engine = await self._made()
        engine.start()

    async def run(self) -> None:
        """Work until stopped (with `burst`: until nothing is ready); then nothing is held any more.

        Raises `WorkerFailed` if one of the worker's loops keeps failing.
        """
        engine = await self._made()
        try:
            await engine.run()
        finally:
            self._client.workers.discard(self)

    def stop(self) -> None:
        """Claim nothing more, let runs end for `grace`, hand back the rest. Returns at once; from any thread."""
        if self._engine is not None:
            self._engine.stop()

    async def stopped(self) -> None:
        """Return when it has stopped. Raises what ended it, if that was a failure."""
        try:
            if self._engine is not None:
                await self._engine.stopped()
        finally:
            self._client.workers.discard(self)

    async def __aenter__(self) -> Self:
        """Work while the body runs. A worker that fails cancels the body, and `WorkerFailed` comes out of it."""
        await self.start()
        self._body = asyncio.current_task()
        self._watch = asyncio.create_task(self._wake_body(), name="penstock worker's body")
        return self

    async def __aexit__(self, *_: object) -> None:
        watch, self._watch, self._body = self._watch, None, None
        if watch is not None and not watch.done():
            watch.cancel()
        current = asyncio.current_task()
        if self._interrupted and current is not None:
            self._interrupted = False
            current.uncancel()
        self.stop()
        await self.stopped()

    @property
    def identity(self) -> str:
        """The name that no other worker has. Raises `Closed` before it was started."""
        return self._started().identity

    @property
    def concurrency(self) -> int:
        """How many runs it carries out at once; may be changed while it works."""
        return self._started().concurrency

    @concurrency.setter
    def concurrency(self, slots: int) -> None:
        self._started().concurrency = slots

    async def pause(self, *, wait: bool = True) -> None:
        """Start nothing more here, others go on; with `wait`, return when what runs here has ended."""
        await self._started().pause(wait=wait)

    def resume(self) -> None:
        """Claim again."""
        self._started().resume()

    def health(self) -> Health:
        """How it fares now."""
        return self._started().health()

    def learn(self, handler: JobHandler) -> None:
        """Carry out the runs of one more task. From any thread."""
        if self._engine is None or self._loop is None or self._loop.is_closed():
            return
        self._registry.add(handler)
        self._loop.call_soon_threadsafe(self._engine.refresh)

    async def leave(self) -> None:
        """Stop, from whatever loop; return when it has, or after its grace and a bit."""
        self.stop()
        if self._loop is None or self._loop.is_closed():
            self._client.workers.discard(self)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.grace + STOPPING):
                if self._loop is asyncio.get_running_loop():
                    await self.stopped()
                else:
                    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.stopped(), self._loop))

    async def _wake_body(self) -> None:
        """If the worker ends in a failure, nobody will do what the body may be waiting for."""
        try:
            await self.stopped()
        except Exception:  # noqa: BLE001 (raised where the body is left)
            if self._body is not None:
                self._interrupted = True
                self._body.cancel()

    async def _made(self) -> EngineWorker:
        if self._engine is not None:
            return self._engine  # it warns, and runs once
        connection = await self._client.here()
        self._loop = asyncio.get_running_loop()
        for handler in self._client.handlers.values():
            self._registry.add(handler)
        engine = self._engine = EngineWorker(
            connection.store,
            self._registry,
            self._settings,
            observers=self._observers,
            definitions=definitions(self._client, self._settings.app),
        )
        self._client.workers.add(self)
        if self._place is not None:
            self._replace(self._place)
        return engine

    def _replace(self, place: Place) -> None:
        """Workers of another app in the same place are an older generation of it: they go."""
        with _lock:
            here = _working.setdefault(place, WeakSet())
            older = [other for other in here if other._client is not self._client]  # noqa: SLF001 (of this class)
            for other in older:
                here.discard(other)
            here.add(self)
        for other in older:
            _log.warning("a newer app works on the same store in this process: the worker of the older one stops")
            other.stop()

    def _started(self) -> EngineWorker:
        if self._engine is None:
            raise Closed("the worker")
        return self._engine


def worker_settings(app: str | None, named: NamedByWorker) -> Settings:
    """What was said, checked. Raises `Invalid` naming what is unknown or out of range."""
    for name, value in named.items():
        if name not in NamedByWorker.__annotations__:
            raise Invalid(name, value, f"a worker takes {', '.join(NamedByWorker.__annotations__)}")
    said: dict[str, Any] = dict(named)
    if "queues" in said:
        said["queues"] = _queues(said["queues"])
    for name in ("lease", "grace"):
        if name in said:
            said[name] = seconds(said[name], name)
    for name in ("fair_queues", "burst"):
        if not isinstance(said.get(name, False), bool):
            raise Invalid(name, said[name], "True or False")
    return Settings(app=app or "", **said)


def place_of(name: str | None, url: str, namespace: str) -> Place | None:
    """Where an app works in this process; None if nobody else can work there."""
    return None if url.startswith("memory:") else (os.getpid(), name, url, namespace)


def definitions(client: Client, app: str) -> list[Definition]:
    """What the app's tasks take, for those who have not their code."""
    return [
        Definition(
            task=name,
            queue=handler.queue,
            app=app,
            schema=msgspec.json.encode(handler.signature.schema()),
        )
        for name, handler in client.handlers.items()
    ]


def _queues(value: object) -> tuple[str, ...]:
    queues = listed(value, "queues", 'a list of names, like ["mail", "default"]')
    return tuple(check_name(queue, "queues") for queue in queues)
