"""The app: tasks and a store under one name. Constructing it opens nothing."""

import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ParamSpec, Protocol, Self, TypeVar, Unpack, cast, overload

from penstock.app import surfaces
from penstock.app.client import Client
from penstock.app.front import SyncApp
from penstock.app.graphs import Graphs
from penstock.app.layers import Layers
from penstock.app.loops import check_loop, run
from penstock.app.mixed import warn_of_differences
from penstock.app.options import NOTHING, Options
from penstock.app.outgoing import BeforeEnqueue
from penstock.app.portal import check_no_loop
from penstock.app.registration import NamedByTask, register
from penstock.app.rehearsal import Rehearsal
from penstock.app.serving import Lifespan, lifespan
from penstock.app.stores import Stores
from penstock.app.surfaces import ASGI, NamedByWeb
from penstock.app.task import AsyncTask, ThreadTask
from penstock.app.where import Mode, Where
from penstock.app.worker_options import NamedByWorker, recycling_of, worker_settings
from penstock.app.working import Worker, place_of
from penstock.core.codec import LIMIT, Codec
from penstock.core.errors import Invalid
from penstock.core.names import check_name
from penstock.engine.events import Observer, Observers
from penstock.engine.signals import stop_on_signals
from penstock.models.around import Around

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])
A = TypeVar("A", bound=Around)
B = TypeVar("B", bound=BeforeEnqueue)


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


class App(Graphs):
    """Registered tasks, and the store in which their runs are.

    `url`: "memory://", "sqlite:///jobs.db", ...; a path; or a connection or client that leads to a store: its address
    is read, and nothing else used. `namespace` keeps apart who shares a store. `mode`: "both", "enqueue" (no worker
    here) or "work" (only running tasks enqueue). For those that are None the environment says, when the app is opened:
    PENSTOCK_URL (else ./penstock.db), PENSTOCK_NAMESPACE ("penstock"), PENSTOCK_MODE ("both"). `defaults` are
    `options(...)` for all runs, `queues` those for the runs of a queue. `payload_limit`: bytes of one input or result.
    Raises `Invalid` for what is refused.
    """

    def __init__(  # noqa: PLR0913 (each is said once, by name)
        self,
        url: object = None,
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
        self.observers = Observers()
        self._where = Where(url, namespace, mode)
        client = Client(
            Stores(self._where.make),
            self._where,
            layers=Layers(_layer(defaults, "defaults"), _queues(queues)),
            limit=_limit(payload_limit),
        )
        if codec is not None:
            client.home.codec = codec
        super().__init__(client)

    def __repr__(self) -> str:
        return f"<App {self.name or ''} on {self.url.partition('?')[0].rpartition('@')[2]}>"

    @property
    def url(self) -> str:
        """Where its runs are. Until the app is opened, the environment may say otherwise."""
        return self._where.url

    @property
    def namespace(self) -> str:
        """Whose runs they are there."""
        return self._where.namespace

    @property
    def mode(self) -> Mode:
        """What this process does: "both", "enqueue" or "work"."""
        return self._where.mode

    @property
    def rehearsed(self) -> bool:
        """Whether it is in the hands of a test: between `async with app.testing()` and its end."""
        return self._client.before_waiting is not None

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
        return SyncApp(self, self._client.portal, self.open, self.close)

    async def open(self) -> None:
        """Connect now, in this loop, rather than with the first call; again after `close`. Harmless to repeat."""
        self._client.stores.reopen()
        await warn_of_differences(self._client, await self._client.store(), self.name or "")

    async def close(self) -> None:
        """Stop this app's workers, let what is under way arrive, and close the store; later calls raise `Closed`.

        Takes bounded time. Harmless to repeat.
        """
        for worker in tuple(self._client.workers):
            await worker.leave()
        await self._client.stores.close()
        self._where.forget()
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
        settings, recycling = worker_settings(self.name, named), recycling_of(named)
        return Worker(self._client, place, settings, observers=self.observers, recycling=recycling)

    def run_worker(self, *, loop: str = "asyncio", **named: Unpack[NamedByWorker]) -> None:
        """Work in this thread until SIGTERM or SIGINT, or with `burst` until nothing is left; then close the app.

        A second signal cuts the grace short. `loop`: "asyncio" or "uvloop", if that is installed. Options as those of
        `worker`. Raises `Blocking` where a loop is running.
        """
        worker = self.worker(**named)
        name = check_loop(loop)
        check_no_loop("app.run_worker()", "await app.worker().run()")
        run(self._work(worker), name)

    async def _work(self, worker: Worker) -> None:
        try:
            with stop_on_signals(worker.stop):
                await worker.run()
        finally:
            await self.close()

    def lifespan(self, function: F) -> F:
        """Decorate a function with one `yield`: each worker of this app enters it before its first run, and leaves it
        after its last. Handlers get what it yields by `Depends(function)`.

        A function that returns a context manager will do. Raises `Invalid` for others, and once a worker has started.
        """
        if self._client.workers:
            raise Invalid("lifespan", function, "a worker of this app has started: register it before")
        self._client.home.lifespans.add(function)
        return function

    def around_attempt(self, function: A) -> A:
        """Decorate an `async def` of (ctx, proceed): it is called instead of each attempt of this app's tasks.

        `await proceed()` carries the attempt out and returns what the task returned, or raises what it raised; what the
        function returns or raises counts. The first registered is outermost; dependencies are inside of all.
        """
        _check_coroutine_function(function)
        self._client.home.around.append(function)
        return function

    def before_enqueue(self, function: B) -> B:
        """Decorate a plain function of an `Outgoing` run: it is called before each run that this app stores.

        It returns `run.changed(...)`, or None to leave the run as it is; what it raises refuses the call. Called in the
        order of registration, after the arguments have been checked.
        """
        _check_callable(function, "before_enqueue")
        if inspect.iscoroutinefunction(function):
            raise Invalid("before_enqueue", function, "a def of the outgoing run: it may be called without a loop")
        self._client.before_enqueue.append(function)
        return function

    def asgi_lifespan(self, **named: Unpack[NamedByWorker]) -> Lifespan:
        """What Starlette or FastAPI take as `lifespan=`: the app is open while they serve.

        In mode "both" or "work" a worker works beside them, with these options of `worker`; in "enqueue" none does.
        """
        worker_settings(self.name, named)
        recycling_of(named)
        return lifespan(self, lambda: self.worker(**named))

    def asgi(self, **named: Unpack[NamedByWeb]) -> ASGI:
        """This app over HTTP, as an ASGI application: to be served alone, or mounted beside others.

        REST, and runs as server-sent events. `token` is what everyone brings; without one only this machine is
        answered. Options: `allowed_hosts`, `origins`, `read_only`, `secret`, `public_url`, ... Raises `Invalid` for
        what is refused, and if the extra `penstock[web]` is not installed.
        """
        served: ASGI = surfaces.web().site(self, self._client, named)
        return served

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


def _check_coroutine_function(value: object) -> None:
    if not inspect.iscoroutinefunction(value):
        raise Invalid("around_attempt", value, "an async def of (ctx, proceed)")


def _check_callable(value: object, parameter: str) -> None:
    if not callable(value):
        raise Invalid(parameter, value, "a function")


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
