"""An app's verbs for code without a loop: each does what the async one does, and blocks until it is done.

Each raises `Blocking` where a loop is running.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Unpack

from penstock.app.handle import SyncRun
from penstock.app.named import NamedCall
from penstock.app.operations import Known, Operations
from penstock.app.portal import Portal
from penstock.app.selection import Selected
from penstock.app.status import Status
from penstock.app.task import Call
from penstock.app.upkeep import Reconciled
from penstock.core.duration import Duration
from penstock.core.state import State
from penstock.core.views import Count, Page


class SyncApp:
    """What `app.sync` is. Made anew each time; holds nothing of its own."""

    def __init__(self, operations: Operations, portal: Portal, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._app = operations
        self._portal = portal
        self._call = portal.call
        self._close = close

    def close(self) -> None:
        self._call(self._close)
        self._portal.close()

    def run(self, run_id: str) -> SyncRun[Any]:
        return self._app.run(run_id).sync

    def enqueue(self, task: str, /, *args: object, unchecked: bool = False, **named: object) -> SyncRun[Any]:
        return self._call(self._app.enqueue, task, *args, unchecked=unchecked, **named).sync

    def enqueue_many(self, calls: Sequence[Call[Any] | NamedCall]) -> list[SyncRun[Any]]:
        return [run.sync for run in self._call(self._app.enqueue_many, calls)]

    def runs(self, *, after: str | None = None, limit: int = 100, **selected: Unpack[Selected]) -> Page[Status]:
        return self._call(self._app.runs, after=after, limit=limit, **selected)

    def counts(self) -> list[Count]:
        return self._call(self._app.counts)

    def definitions(self) -> list[Known]:
        return self._call(self._app.definitions)

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
