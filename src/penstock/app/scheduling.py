"""The part of an app that has to do with schedules, and with limits at run time."""

import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from penstock.app.administration import Administration
from penstock.app.dispatching import RETRY, Dispatcher, dispatcher
from penstock.app.limits import Limits
from penstock.app.registration import register
from penstock.app.schedules import Schedules
from penstock.app.schedules_terms import Entry, NamedByCron, NamedByInterval, plan_of
from penstock.app.task import AsyncTask, Task, ThreadTask
from penstock.core.duration import Duration
from penstock.core.errors import Invalid
from penstock.core.names import check_name
from penstock.core.retry import Retry
from penstock.core.run import NewRun

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T", bound=Task[..., Any])


class ScheduleDecorator(Protocol):
    """What `@app.cron(...)` is: it takes a task, or a function that becomes one."""

    # tasks can be called, too: the first that fits is meant
    @overload
    def __call__(self, task: T, /) -> T: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        task: Callable[P, Coroutine[Any, Any, R]],
        /,  # pyright: ignore[reportOverlappingOverload]
    ) -> AsyncTask[P, R]: ...
    @overload
    def __call__(self, task: Callable[P, R], /) -> ThreadTask[P, R]: ...


class Scheduling(Administration):
    """`@app.cron`, `@app.every`, `app.schedules`, `app.limits`."""

    @property
    def limits(self) -> Limits:
        """The limits of the store: how they stand, and other numbers than the code's."""
        return Limits(self._client)

    @property
    def schedules(self) -> Schedules:
        """The schedules of the store: create, edit, pause, trigger, backfill, delete."""
        return Schedules(self._client, self.name or "")

    def dispatcher(
        self,
        name: str = "dispatch",
        *,
        secret: str | None = None,
        allow_private: Sequence[str] = (),
        timeout: Duration = "30s",
        retry: Retry = RETRY,
        queue: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Dispatcher:
        """Register a task of this name that posts ticks to other services, and return what prepares its runs.

        `app.schedules.create("rates", app.dispatcher().call("https://example.com/tick", "refresh"), every="1m")`.
        Signed with `secret` (else PENSTOCK_DISPATCH_SECRET): `Penstock-Signature`. Asked again after 5xx, 429, silence
        for `timeout` and no connection, as `retry` says; not after other answers. Redirects are not followed, nor are
        addresses reached that are not of the open internet, unless `allow_private` names their network or host.
        """
        return dispatcher(
            self._client,
            name,
            secret=secret,
            allow_private=allow_private,
            timeout=timeout,
            retry=retry,
            queue=queue,
            tls=tls,
        )

    def cron(
        self,
        expression: str,
        /,
        *,
        name: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        **said: Unpack[NamedByCron],
    ) -> ScheduleDecorator:
        """Decorate a task: a run of it at each tick of this expression, whatever number of workers there is.

        `@app.cron("0 9 * * mon-fri", tz="Europe/Paris")`, above `@app.task(...)` or alone; several by other names.
        `name`: the schedule's, default the task's; `arguments`: the run's, by name. Workers of this app bring the store
        in step with the code when they start. Needs `App(name=...)`. Raises `Invalid` and `InvalidInput`.
        """
        return self._declare(name, arguments, {**said, "cron": expression})

    def every(
        self,
        interval: Duration,
        /,
        *,
        name: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        **said: Unpack[NamedByInterval],
    ) -> ScheduleDecorator:
        """As `cron`, at every full interval since 1970, or since `anchor`: `@app.every("10m")`. 1 second or more."""
        return self._declare(name, arguments, {**said, "every": interval})

    def _declare(
        self, name: str | None, arguments: Mapping[str, Any] | None, said: dict[str, Any]
    ) -> ScheduleDecorator:
        if self.name is None:
            raise Invalid("name", None, "a schedule belongs to an app by its name: say App(name=...)")
        wanted = None if name is None else check_name(name, "name")

        def decorator(task: object) -> Any:
            made: Task[..., Any]
            if isinstance(task, Task):
                made = cast("Task[..., Any]", task)
            else:
                made = register(self._client, cast("Callable[..., Any]", task), None, {})
            make = _made(made, dict(arguments or {}))
            plan_of(make(), said)  # what is refused is refused here
            entry = Entry(name=wanted or made.name, task=made.name, make=make, said=said)
            if entry.name in self._client.schedules:
                raise Invalid("name", entry.name, "another schedule of this app has the name: say name=")
            self._client.schedules[entry.name] = entry
            return made

        return cast("ScheduleDecorator", decorator)


def _made(task: Task[..., Any], arguments: dict[str, Any]) -> Callable[[], NewRun]:
    return lambda: task.call(**arguments).new
