"""An app's verbs for code without a loop: each does what the async one does, and blocks until it is done.

Each raises `Blocking` where a loop is running.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Self, TypeAlias, TypeVar, Unpack, overload

from penstock.app.graphs import Graphs
from penstock.app.graphs_sync import SyncGraphs
from penstock.app.handle import SyncRun
from penstock.app.histories import History
from penstock.app.metrics import Metrics
from penstock.app.named import NamedCall
from penstock.app.operations import Known
from penstock.app.portal import Portal
from penstock.app.replaying import Replayed
from penstock.app.selection import Selected
from penstock.app.status import Status
from penstock.app.synchronising import Changes
from penstock.app.task import Call
from penstock.app.upkeep import Reconciled
from penstock.app.workers import WorkerStatus
from penstock.core.duration import Duration, Moment
from penstock.core.state import State
from penstock.core.views import Count, Page

R = TypeVar("R")
Verb: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class SyncApp(SyncGraphs):
    """What `app.sync` is. Made anew each time; holds nothing of its own. `with app.sync as jobs:` closes the app."""

    def __init__(self, app: Graphs, portal: Portal, opens: Verb, closes: Verb) -> None:
        super().__init__(app, portal)
        self._app = app
        self._call = portal.call
        self._open = opens
        self._close = closes

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, *, dry_run: bool = False) -> Coroutine[Any, Any, Changes]:
        """`await app.sync()`, in a loop: as `app.synchronise`."""
        return self._app.synchronise(dry_run=dry_run)

    def synchronise(self, *, dry_run: bool = False) -> Changes:
        return self._call(self._app.synchronise, dry_run=dry_run)

    def open(self) -> None:
        self._call(self._open)

    def close(self) -> None:
        self._call(self._close)
        self._portal.close()

    def run(self, run_id: str) -> SyncRun[Any]:
        return self._app.run(run_id).sync

    def enqueue(self, task: str, /, *args: object, unchecked: bool = False, **named: object) -> SyncRun[Any]:
        return self._call(self._app.enqueue, task, *args, unchecked=unchecked, **named).sync

    @overload
    def enqueue_many(self, calls: Sequence[Call[R]]) -> list[SyncRun[R]]: ...
    @overload
    def enqueue_many(self, calls: Sequence[Call[Any] | NamedCall]) -> list[SyncRun[Any]]: ...

    def enqueue_many(self, calls: Sequence[Call[Any] | NamedCall]) -> list[SyncRun[Any]]:
        return [run.sync for run in self._call(self._app.enqueue_many, calls)]

    def runs(self, *, after: str | None = None, limit: int = 100, **selected: Unpack[Selected]) -> Page[Status]:
        return self._call(self._app.runs, after=after, limit=limit, **selected)

    def counts(self) -> list[Count]:
        return self._call(self._app.counts)

    def definitions(self) -> list[Known]:
        return self._call(self._app.definitions)

    def workers(self) -> list[WorkerStatus]:
        return self._call(self._app.workers)

    def metrics(
        self, last: Duration = "1h", *, until: Moment | None = None, task: str | None = None, queue: str | None = None
    ) -> Metrics:
        return self._call(self._app.metrics, last, until=until, task=task, queue=queue)

    def resolve(self, token: str, value: object = None) -> bool:
        return self._call(self._app.resolve, token, value)

    def reject(self, token: str, reason: str) -> bool:
        return self._call(self._app.reject, token, reason)

    def replay(self, history: History, *, version: str | None = None) -> Replayed:
        return self._call(self._app.replay, history, version=version)

    def pause(self, *, queue: str | None = None, task: str | None = None) -> None:
        self._call(self._app.pause, queue=queue, task=task)

    def resume(self, *, queue: str | None = None, task: str | None = None) -> None:
        self._call(self._app.resume, queue=queue, task=task)

    def cancel(self, run_id: str, reason: str = "", *, cascade: bool = True, terminate: bool = False) -> bool:
        return self._call(self._app.cancel, run_id, reason, cascade=cascade, terminate=terminate)

    def dead(self, name: str | None = None, *, after: str | None = None, limit: int = 100) -> Page[Status]:
        return self._call(self._app.dead, name, after=after, limit=limit)

    def redrive(self, *run_ids: str, dead: str | bool = False, **selected: Unpack[Selected]) -> int:
        return self._call(self._app.redrive, *run_ids, dead=dead, **selected)

    def drain(self, queue: str, *, delayed: bool = False, told: Callable[[int], object] | None = None) -> int:
        return self._call(self._app.drain, queue, delayed=delayed, told=told)

    def delete(
        self,
        queue: str,
        *,
        force: bool = False,
        timeout: Duration = "1m",
        told: Callable[[int], object] | None = None,
    ) -> int:
        return self._call(self._app.delete, queue, force=force, timeout=timeout, told=told)

    def clean(
        self,
        *,
        older_than: Duration,
        state: State | str | Sequence[State | str],
        limit: int | None = None,
        queue: str | None = None,
        told: Callable[[int], object] | None = None,
    ) -> int:
        return self._call(self._app.clean, older_than=older_than, state=state, limit=limit, queue=queue, told=told)

    def reconcile(
        self, *, older_than: Duration | None = None, told: Callable[[int], object] | None = None
    ) -> Reconciled:
        return self._call(self._app.reconcile, older_than=older_than, told=told)
