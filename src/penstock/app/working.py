"""An app's workers: made of its tasks and its store, one generation at a time.

Knows how a worker is started and stopped, not what it does.
"""

import asyncio
import logging
import os
import threading
from contextlib import suppress
from typing import Any, Final, Self, TypeAlias
from weakref import WeakSet

from penstock.app.client import Client, Hand
from penstock.app.declared import declared
from penstock.app.graph_hands import planner
from penstock.app.limits import put_declared
from penstock.app.mixed import warn_of_differences
from penstock.app.recycling import Recycling
from penstock.app.schedules_static import kept_in_step
from penstock.core.errors import Closed
from penstock.core.registry import Definition
from penstock.engine.events import Observers
from penstock.engine.handler import Registry
from penstock.engine.health import Health
from penstock.engine.settings import Settings
from penstock.engine.supervision import WorkerStopped
from penstock.engine.worker import Worker as EngineWorker
from penstock.models.jobs import JobHandler

_log: Final = logging.getLogger(__name__)

Place: TypeAlias = tuple[int, str | None, str, str]  # process, app, URL, namespace

_working: Final[dict[Place, "WeakSet[Worker]"]] = {}  # what has been started, by where it works
_lock: Final = threading.Lock()

STOPPING: Final = 40.0  # seconds beyond its grace for a worker to stop


class Worker:
    """Carries out the runs of an app's tasks: `async with app.worker():`, or `await app.worker().run()`."""

    def __init__(
        self,
        client: Client,
        place: Place | None,
        settings: Settings,
        *,
        observers: Observers | None = None,
        recycling: Recycling | None = None,
    ) -> None:
        self._client = client
        self._place = place
        self._settings = settings
        self._observers = observers
        self._recycling = recycling or Recycling()
        self._registry = Registry()
        self._declared: list[Definition] = []  # the engine tells the store of these whenever it registers
        self._hand = Hand(self._learn, self._leave)
        self._engine: EngineWorker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._concurrency: int | None = None
        self._life: asyncio.Task[None] | None = None  # if it lives in the background
        self._alive = False
        self._over = asyncio.Event()
        self._body: asyncio.Task[Any] | None = None  # what runs inside `async with`
        self._watch: asyncio.Task[None] | None = None
        self._interrupted = False

    def __repr__(self) -> str:
        return f"<Worker {self._settings.name}>"

    async def start(self) -> None:
        """Work in the background of the running loop. Workers of an older app in this place stop claiming."""
        engine = await self._made()
        if self._begun(engine):
            return
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        life = self._life = asyncio.create_task(self._live(engine, ready), name=engine.identity)
        try:
            await asyncio.wait([ready, life], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            engine.stop()
            raise
        if not ready.done():
            await self.stopped()  # raises what kept it from starting

    async def run(self) -> None:
        """Work until stopped (with `burst`: until nothing is ready); then nothing is held any more.

        Raises `WorkerFailed` if one of the worker's loops keeps failing.
        """
        engine = await self._made()
        if self._begun(engine):
            await self.stopped()
            return
        await self._live(engine)

    def stop(self) -> None:
        """Claim nothing more, let runs end for `grace`, hand back the rest. Returns at once; from any thread."""
        if self._engine is not None:
            self._engine.stop()

    async def stopped(self) -> None:
        """Return when it has stopped. Raises what ended it, if that was a failure."""
        if self._life is not None:
            await asyncio.shield(self._life)
        elif self._alive:
            await self._over.wait()

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
    def recycled(self) -> str | None:
        """Why it has had enough, by `recycle_runs` or `recycle_memory`; None: that did not stop it."""
        return self._recycling.reason

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

    def _learn(self, handler: JobHandler) -> None:
        """Carry out the runs of one more task. From any thread."""
        if self._engine is None or self._loop is None or self._loop.is_closed():
            return
        self._add(handler)
        self._loop.call_soon_threadsafe(self._engine.refresh)

    def _add(self, handler: JobHandler) -> None:
        self._registry.add(handler)
        self._declared.append(declared(self._client, handler, self._settings.app))

    async def _leave(self) -> None:
        """Stop, from whatever loop; return when it has, or after its grace and a bit."""
        self.stop()
        if self._loop is None or self._loop.is_closed():
            self._client.workers.discard(self._hand)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.grace + STOPPING):
                if self._loop is asyncio.get_running_loop():
                    await self.stopped()
                else:
                    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.stopped(), self._loop))

    def _begun(self, engine: EngineWorker) -> bool:
        """Whether it was started before: a worker lives once. Raises `Closed` if it has ended."""
        if not self._alive:
            self._alive = True
            return False
        if self._over.is_set():
            raise WorkerStopped(engine.identity)
        _log.warning("worker %s is running already: it was not started a second time", engine.identity)
        return True

    async def _live(self, engine: EngineWorker, ready: asyncio.Future[None] | None = None) -> None:
        """From the first lifespan's first line to its last."""
        home = self._client.home
        try:
            store = await self._client.store()
            await warn_of_differences(self._client, store, self._settings.app)
            await put_declared(store, self._settings.app, self._declared)
            await store.register(None, self._declared)  # before anything can end, however short its life
            async with (
                home.lifespans.entered(engine.identity, home.replaced),
                kept_in_step(self._client, store, self._settings.app),
            ):
                if ready is not None and not ready.done():
                    ready.set_result(None)
                with self._recycling.watched(self._observers, engine.identity, self.stop):
                    await engine.run()
        finally:
            self._client.workers.discard(self._hand)
            self._over.set()

    async def _wake_body(self) -> None:
        """If the worker ends in a failure, nobody will do what the body may be waiting for."""
        try:
            await self.stopped()
        except Exception:  # noqa: BLE001 (raised where the body is left)
            if self._body is not None:
                self._interrupted = True
                self._body.cancel()

    async def _made(self) -> EngineWorker:
        connection = await self._client.here()
        if self._engine is not None:
            return self._engine  # also for who asked at the same time
        self._loop = asyncio.get_running_loop()
        for handler, _ in self._client.versions.values():
            self._add(handler)
        self._registry.add(planner(self._client, self._registry.queues))
        engine = self._engine = EngineWorker(
            connection.store,
            self._registry,
            self._settings,
            observers=self._observers,
            definitions=self._declared,
            schedules=self._client.schedules.keys(),
        )
        self._client.workers.add(self._hand)
        if self._place is not None:
            self._replace(self._place)
        return engine

    def _replace(self, place: Place) -> None:
        """Workers of another app in the same place are an older generation of it: they go."""
        with _lock:
            here = _working.setdefault(place, WeakSet())
            strangers = [other for other in here if other._client is not self._client]  # noqa: SLF001 (of this class)
            older = [other for other in strangers if not other._over.is_set()]  # noqa: SLF001
            here.difference_update(strangers)
            here.add(self)
        for other in older:
            _log.warning("a newer app works on the same store in this process: the worker of the older one stops")
            other.stop()

    def _started(self) -> EngineWorker:
        if self._engine is None:
            raise Closed("the worker")
        return self._engine


def place_of(name: str | None, url: str, namespace: str) -> Place | None:
    """Where an app works in this process; None if nobody else can work there."""
    return None if url.startswith("memory:") else (os.getpid(), name, url, namespace)
