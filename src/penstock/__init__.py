"""Penstock brings work to workers: a durable job queue, flows and workflows on the database you already run.

The public names are loaded with their first use, so that a command line starts at once; `__init__.pyi` lists them for
type checkers.
"""

from importlib import import_module
from typing import Any, Final

_HOMES: Final = {
    "penstock.app.app": ("App",),
    "penstock.app.claimed": ("Claimed",),
    "penstock.app.front": ("SyncApp",),
    "penstock.app.handle": ("Run", "SyncRun"),
    "penstock.app.named": ("NamedCall", "NamedTask"),
    "penstock.app.operations": ("Known",),
    "penstock.app.options": ("Options", "options"),
    "penstock.app.rehearsal": ("Rehearsal",),
    "penstock.app.status": ("Attempted", "Line", "Reason", "Status"),
    "penstock.app.task": ("AsyncTask", "Call", "SyncTask", "Task", "ThreadTask"),
    "penstock.app.upkeep": ("Reconciled",),
    "penstock.app.working": ("Worker",),
    "penstock.core.codec": ("Codec",),
    "penstock.core.control": ("Control", "Never", "RetryIn", "Snooze"),
    "penstock.core.error_record": ("ErrorRecord",),
    "penstock.core.errors": (
        "Blocking",
        "Cascading",
        "Closed",
        "Crashed",
        "DeadlineExceeded",
        "Duplicate",
        "DuplicateTask",
        "Expired",
        "Invalid",
        "InvalidInput",
        "KeyConflict",
        "LeaseLost",
        "Mismatch",
        "NotFound",
        "NotInRun",
        "OutputError",
        "PayloadTooLarge",
        "PenstockError",
        "Purged",
        "ResultTimeout",
        "RunCancelled",
        "RunFailed",
        "Timeout",
        "Unavailable",
        "UnknownTask",
        "WorkerFailed",
        "WrongState",
    ),
    "penstock.core.inject": ("Depends", "inject"),
    "penstock.core.registry": ("WorkerInfo",),
    "penstock.core.retry": ("Retry",),
    "penstock.core.run": ("Keep",),
    "penstock.core.state": ("State",),
    "penstock.core.views": ("Count", "Page", "StoreInfo"),
    "penstock.engine.events": ("Event",),
    "penstock.engine.health": ("Health",),
    "penstock.models.context": ("Context", "context"),
    "penstock.models.follow_up": ("Failure", "Success"),
}
_MODULES: Final = ("sync", "testing")
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return __dir__()
    if name in _MODULES:
        return import_module(f"penstock.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted([*_HOME_OF, *_MODULES])
