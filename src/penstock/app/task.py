"""Tasks as users hold them: a function, and the ways to have it run. `enqueue` and `call` keep its signature."""

from collections.abc import Callable, Coroutine
from copy import copy
from functools import partial
from typing import Any, Generic, ParamSpec, Self, TypeVar, Unpack, cast

from penstock.app.called import called, started
from penstock.app.client import Client, accepted
from penstock.app.handle import Run, SyncRun
from penstock.app.layers import Profile
from penstock.app.maker import Maker
from penstock.app.options import NamedByCall, checked
from penstock.app.planned import Planned, Preparing
from penstock.core.errors import Blocking, Invalid
from penstock.core.requests import Group
from penstock.core.run import NewRun
from penstock.models import durable, threaded
from penstock.models.durable import Here
from penstock.models.jobs import JobHandler
from penstock.ports.store import Transactional

P = ParamSpec("P")
R = TypeVar("R")


class Call(Planned, Generic[R]):
    """A run that is prepared and not stored yet. Its id is made, so storing it twice stores it once.

    For `app.enqueue_many`; with `after`, `if_fails` and `named`, a node of a flow for `app.submit`.
    """

    __slots__ = ("_data", "_maker", "new")

    def __init__(self, maker: Maker, data: bytes) -> None:
        self.new = maker.make(data)
        super().__init__(maker.client, self.new.id, own_id=maker.has_id)
        self._maker = maker
        self._data = data

    def __repr__(self) -> str:
        return f"<Call of {self.new.task}, run {self.id}>"

    async def _made(self, within: Preparing | None = None) -> NewRun:
        if within is None or within.layers is self._maker.layers:
            return self.new
        return self._maker.under(within.layers).make(self._data, run_id=self.id)


class Task(Generic[P, R]):
    """A registered function. Made by `@app.task`; `opts` makes one like it that treats its runs otherwise."""

    def __init__(self, client: Client, handler: JobHandler, profile: Profile) -> None:
        self._client = client
        self._maker = Maker(client, profile)
        self.handler = handler
        self.name = profile.task
        function = handler.function
        self.__name__: str = function.__name__
        self.__qualname__: str = function.__qualname__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    def __repr__(self) -> str:
        return f"<Task {self.name}>"

    @property
    def queue(self) -> str:
        """Where its runs stand, by what is said so far."""
        return self._maker.template.queue

    @property
    def sync(self) -> "SyncTask[P, R]":
        """The same verbs for code without a loop."""
        return SyncTask(self)

    def opts(self, **named: Unpack[NamedByCall]) -> Self:
        """The same task, whose runs are treated as said here: each name overrides what task, queue and app say.

        Durations are seconds, timedelta or "10m". Raises `Invalid` naming what is unknown or out of range.
        """
        other = copy(self)
        other._maker = self._maker.with_options(checked(named))  # noqa: SLF001 (a copy of this very task)
        return other

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Run[R]:
        """Store a run of the task, for a worker to carry out. When this returns, it is stored for good.

        Within a running task the run is started by that one. Raises `InvalidInput` naming an argument that doesn't fit;
        `PayloadTooLarge`; `KeyConflict`; `Closed`; `Unavailable` if the store did not answer.
        """
        found = durable.here()
        if found is not None:
            maker = self._maker
            make, own = partial(self._made, args, kwargs), maker.has_id
            run_id = await started(self._client, found, self.name, make, own_id=own, cascade=maker.cascade)
            return Run(self._client, run_id, created=True)
        entered = await self._client.enter(self._new(args, kwargs), cascade=self._maker.cascade)
        return Run(self._client, entered.id, created=entered.created)

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """The run, prepared only: for `enqueue_many`, and for flows. Raises `InvalidInput` and `PayloadTooLarge`."""
        return Call(self._maker, self._encoded(args, kwargs))

    def within(self, connection: object) -> "Within[P, R]":
        """Enqueue in the transaction of a connection of the caller's: stored if and when that commits.

        The connection leads to the database in which this app's store is. It blocks as the connection does.
        """
        return Within(self, connection)

    def _child(self, found: Here, args: tuple[object, ...], named: dict[str, object]) -> Coroutine[Any, Any, R]:
        """Carried out as a child of the workflow whose code makes the call."""
        returns, make = self.handler.signature.returns, partial(self._made, args, named)
        return called(self._client, found, self.name, returns, make)

    async def _made(self, args: tuple[object, ...], named: dict[str, object]) -> NewRun:
        return self._new(args, named)

    def _new(self, args: tuple[object, ...], named: dict[str, object]) -> NewRun:
        return self._maker.make(self._encoded(args, named))

    def _encoded(self, args: tuple[object, ...], named: dict[str, object]) -> bytes:
        return self.handler.signature.encode(args, named, limit=self._client.limit)


class AsyncTask(Task[P, R]):
    """A task made of an `async def`."""

    @property
    def fn(self) -> Callable[P, Coroutine[Any, Any, R]]:
        """The plain function."""
        return self.handler.function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """In workflow code: carry it out as a child run, and wait. Elsewhere call the function, here and now."""
        found = durable.here()
        if found is not None:
            return self._child(found, args, kwargs)
        if threaded.code() is not None:
            raise Blocking(self.name, f"a def workflow can't await it. Say penstock.sync.call({self.name}, ...)")
        return cast("Coroutine[Any, Any, R]", self.handler.function(*args, **kwargs))


class ThreadTask(Task[P, R]):
    """A task made of a `def`, which runs in a thread or a process of its own."""

    @property
    def fn(self) -> Callable[P, R]:
        """The plain function."""
        return self.handler.function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, here and now: nothing is stored."""
        return cast("R", self.handler.function(*args, **kwargs))


class SyncTask(Generic[P, R]):
    """A task's verbs for code without a loop. Each raises `Blocking` where a loop is running."""

    def __init__(self, task: Task[P, R]) -> None:
        self._task = task

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> SyncRun[R]:
        """As `Task.enqueue`."""
        return self._task._client.portal.call(self._task.enqueue, *args, **kwargs).sync  # noqa: SLF001 (its other half)


class Within(Generic[P, R]):
    """A task whose runs are stored with the caller's own transaction."""

    def __init__(self, task: Task[P, R], connection: object) -> None:
        self._task = task
        self._connection = connection

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Run[R]:
        """Store a run with the connection's open transaction. Raises as `Task.enqueue` does.

        Raises `Invalid` if the app's store has no transactions to share, or the connection leads elsewhere.
        """
        task, client = self._task, self._task._client  # noqa: SLF001 (its other half)
        client.holder()
        new = task._new(args, kwargs)  # noqa: SLF001
        store = client.stores.any()
        if not hasattr(store, "enqueue_within"):
            raise Invalid("connection", self._connection, "this app's store can't enqueue in a transaction of yours")
        (answer,) = cast("Transactional", store).enqueue_within(self._connection, [Group(runs=(new,))])
        (entered,) = accepted([new], answer).runs
        return Run(client, entered.id, created=entered.created)
