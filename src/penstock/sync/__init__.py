"""For code without a loop: what `app.sync`, `task.sync` and `run.sync` are, by name for annotations.

There is one implementation, and it is async: these are fronts over a thread that has a loop.
"""

from penstock.app.front import SyncApp
from penstock.app.handle import SyncRun
from penstock.app.task import SyncTask

__all__ = ["SyncApp", "SyncRun", "SyncTask"]
