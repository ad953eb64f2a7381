"""For code without a loop: what `app.sync`, `task.sync` and `run.sync` are, by name for annotations, and the durable
calls of workflows that are a `def`.

There is one implementation, and it is async: these are fronts over a thread that has a loop.
"""

from penstock.app.front import SyncApp
from penstock.app.graph_runs import SyncGraphRun
from penstock.app.handle import SyncRun
from penstock.app.task import SyncTask
from penstock.app.workflows import SyncWorkflow
from penstock.sync.durable import call, map, now, on_rollback, random, sleep, step, uuid, wait  # noqa: A004

__all__ = [
    "SyncApp",
    "SyncGraphRun",
    "SyncRun",
    "SyncTask",
    "SyncWorkflow",
    "call",
    "map",
    "now",
    "on_rollback",
    "random",
    "sleep",
    "step",
    "uuid",
    "wait",
]
