"""The app: tasks and a store under one name. Constructing it opens nothing."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ParamSpec, Protocol, Self, TypeVar, Unpack, cast, overload

from penstock.app.client import MODES, Client, Mode
from penstock.app.front import SyncApp
from penstock.app.layers import Layers
from penstock.app.operations import Operations
from penstock.app.options import NOTHING, Options
from penstock.app.portal import check_no_loop
from penstock.app.registration import NamedByTask, register
from penstock.app.rehearsal import Rehearsal
from penstock.app.stores import Stores
from penstock.app.task import AsyncTask, ThreadTask
from penstock.app.working import NamedByWorker, Worker, place_of, worker_settings
from penstock.backends import DEFAULT_URL, open_store
from penstock.core.codec import LIMIT, Codec
from penstock.core.errors import Invalid
from penstock.core.names import check_name
from penstock.engine.events import Observer, Observers
from penstock.engine.signals import stop_on_signals
from penstock.ports.store import Store

P = ParamSpec("P")
R = TypeVar("R")


class Decorator(Protocol):
    """What `@app.task(...)` with options is: it takes the function."""

    # a coroutine function fits both: the first that fits is meant
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        function: Callable[P, Coroutine[Any, Any, R]],
        /,  # pyright: ignore[reportOverlappingOverload]
    ) -> AsyncTask[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> ThreadTask[P, R]: ...


class App(Operations):
    """Registered tasks, and the store in which their runs are.

    `url`: "memory://", "sqlite:///jobs.db", ...; None: the environment's PENSTOCK_URL, else penstock.db beside the
    program. `namespace` keeps apart who shares a store; None: PENSTOCK_NAMESPACE, else "penstock". `mode`: "both",
    "enqueue" (no worker here) or "work" (only running tasks enqueue); None: PENSTOCK_MODE, else "both". `defaults` are
    `options(...)` for all runs, `queues` those for the runs of a queue. `payload_limit`: bytes of one input or result.
    Raises `Invalid` for what is refused.
    """

    def __init__(  # noqa: PLR0913 (each is said once, by name)
        self,
        url: str | None = None,
        *,
        name: str | None = None,
        namespace: str | None = None,
        mode: Mode | None = None,
        defaults: Options = NOTHING,
        queues: Mapping[str, Options] | None = None,
        codec: Codec | None = None,
        payload_limit: int = LIMIT,
    ) -> None:
        self.name = None if name is None else check_name(name, "name")
        self.namespace = _namespace(namespace)
        self.url = _url(url)
        self.observers = Observers()
        client = Client(
            Stores(self._store_maker()),
            mode=_mode(mode),
            layers=Layers(_layer(defaults, "defaults"), _queues(queues)),
            limit=_limit(payload_limit),
        )
        if codec is not None:
            client.home.codec = codec
        super().__init__(client)

    def __repr__(self) -> str:
        return f"<App {self.name or ''} on {self.url.partition('?')[0].rpartition('@')[2]}>"

    @property
    def mode(self) -> Mode:
        """What this process does: "both", "enqueue" or "work"."""
        return self._client.mode

    @property
    def tasks(self) -> dict[str, str]:
        """The tasks registered here, by name, each with its queue."""
        return {name: handler.queue for name, handler in self._client.handlers.items()}

    @property
    def defaults(self) -> Options:
        """What this app says about all runs: the lowest layer of options."""
        return self._client.layers.defaults

    @property
    def sync(self) -> SyncApp:
        """The same verbs for code without a loop."""
        return SyncApp(self, self._client.portal, self.close)

    async def open(self) -> None:
        """Connect now, in this loop, rather than with the first call; again after `close`. Harmless to repeat."""
        self._client.stores.reopen()
        await self._client.here()

    async def close(self) -> None:
        """Stop this app's workers, let what is under way arrive, and close the store; later calls raise `Closed`.

        Takes bounded time. Harmless to repeat.
        """
        for worker in tuple(self._client.workers):
            await worker.leave()
        await self._client.stores.close()
        self._unused.clear()  # what was only in this process is gone
        self._client.portal.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @overload
    def task(  # type: ignore[overload-overlap]
        self,
        function: Callable[P, Coroutine[Any, Any, R]],
        /,  # pyright: ignore[reportOverlappingOverload]
    ) -> AsyncTask[P, R]: ...
    @overload
    def task(self, function: Callable[P, R], /) -> ThreadTask[P, R]: ...
    @overload
    def task(self, /, *, name: str | None = None, **named: Unpack[NamedByTask]) -> Decorator: ...

    def task(self, function: Any = None, /, *, name: str | None = None, **named: Any) -> Any:
        """Register a function as a task: `@app.task`, or `@app.task(queue="mail", retry=Retry(5), timeout="30s")`.

        Its name is the function's bare name unless `name` says otherwise. An `async def` runs on the worker's loop, a
        `def` in a thread, either in a process with `executor="process"`. Parameters of the function need annotations
        that can be read back from JSON. Raises `Invalid` naming what is refused, `DuplicateTask` for a second one.
        """
        if function is not None:
            return register(self._client, function, name, named)

        def decorator(decorated: Callable[..., Any]) -> Any:
            return register(self._client, decorated, name, named)

        return decorator

    def worker(self, **named: Unpack[NamedByWorker]) -> Worker:
        """A worker for this app's tasks: `async with app.worker():`, or `await app.worker(burst=True).run()`.

        Options: `queues` (default: those of the tasks), `concurrency` (10), `lease` ("30s"), `grace` ("25s"), `burst`,
        ... Raises `Invalid` for what is refused, and in mode "enqueue".
        """
        if self.mode == "enqueue":
            raise Invalid("mode", self.mode, "no worker here: set mode to both or work to have one")
        place = place_of(self.name, self.url, self.namespace)
        return Worker(self._client, place, worker_settings(self.name, named), observers=self.observers)

    def run_worker(self, **named: Unpack[NamedByWorker]) -> None:
        """Work in this thread until SIGTERM or SIGINT, or with `burst` until nothing is left; then close the app.

        A second signal cuts the grace short. Options as those of `worker`. Raises `Blocking` where a loop is running.
        """
        worker = self.worker(**named)
        check_no_loop("app.run_worker()", "await app.worker().run()")
        asyncio.run(self._work(worker))

    async def _work(self, worker: Worker) -> None:
        try:
            with stop_on_signals(worker.stop):
                await worker.run()
        finally:
            await self.close()

    def testing(
        self,
        *,
        concurrency: int = 10,
        overrides: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
    ) -> Rehearsal:
        """For tests: `async with app.testing() as t:` puts the app on a store in memory and a clock moved by hand.

        `overrides`: what `Depends(provider)` gives instead, by provider.
        """
        return Rehearsal(self._client, concurrency=concurrency, overrides=overrides)

    def on(self, kind: str, observer: Observer) -> Callable[[], None]:
        """Call the observer, sync or async, with each event of this kind in this process; returns what ends that.

        Kinds: "run.started", "run.succeeded", "run.failed", "run.retried", "worker.stopping", ... An observer that
        raises disturbs nobody. Raises `Invalid` for an unknown kind.
        """
        _check_callable(observer, "observer")
        return self.observers.on(kind, observer)

    def override(self, provider: Callable[..., Any], replacement: Callable[..., Any] | None) -> None:
        """From now on `Depends(provider)` gives what the replacement gives: for tests. None: as it was."""
        _check_callable(provider, "provider")
        _check_callable(provider if replacement is None else replacement, "replacement")
        if replacement is None:
            self._client.home.replaced.pop(provider, None)
        else:
            self._client.home.replaced[provider] = replacement

    def _store_maker(self) -> Callable[[], Store]:
        """Makes stores that are not open: one for each loop, but one in all for what is only in this process."""
        self._unused = [open_store(self.url, namespace=self.namespace)]  # here, to refuse what is wrong with the URL

        def make() -> Store:
            store = self._unused.pop() if self._unused else open_store(self.url, namespace=self.namespace)
            if self.url.startswith("memory:"):
                self._unused.append(store)
            return store

        return make


def _check_callable(value: object, parameter: str) -> None:
    if not callable(value):
        raise Invalid(parameter, value, "a function")


def _url(url: object) -> str:
    found = os.environ.get("PENSTOCK_URL", DEFAULT_URL) if url is None else url
    if not isinstance(found, str):
        raise Invalid("url", found, "a text")
    return found


def _namespace(namespace: str | None) -> str:
    found = os.environ.get("PENSTOCK_NAMESPACE", "penstock") if namespace is None else namespace
    return check_name(found, "namespace")


def _mode(mode: object) -> Mode:
    found = os.environ.get("PENSTOCK_MODE", "both") if mode is None else mode
    if found not in MODES:
        raise Invalid("mode", found, f"one of {', '.join(MODES)}")
    return found


def _layer(value: object, parameter: str) -> Options:
    if not isinstance(value, Options):
        raise Invalid(parameter, value, "what penstock.options(...) returns")
    return value


def _queues(queues: object) -> dict[str, Options]:
    if queues is None:
        return {}
    if not isinstance(queues, Mapping):
        raise Invalid("queues", queues, "options by the queue's name")
    said = cast("Mapping[object, object]", queues)
    return {check_name(queue, "queues"): _layer(layer, f"queues[{queue!r}]") for queue, layer in said.items()}


def _limit(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 4 * LIMIT:
        raise Invalid("payload_limit", value, f"bytes: a whole number from 1 to {4 * LIMIT:,}")
    return value
