# The public names, for type checkers. At run time `__init__.py` loads each with its first use.

from penstock import sync, testing
from penstock.app.app import App
from penstock.app.claimed import Claimed
from penstock.app.front import SyncApp
from penstock.app.handle import Run, SyncRun
from penstock.app.named import NamedCall, NamedTask
from penstock.app.operations import Known
from penstock.app.options import Options, options
from penstock.app.rehearsal import Rehearsal
from penstock.app.status import Attempted, Line, Reason, Status
from penstock.app.task import AsyncTask, Call, SyncTask, Task, ThreadTask
from penstock.app.upkeep import Reconciled
from penstock.app.working import Worker
from penstock.core.codec import Codec
from penstock.core.control import Control, Never, RetryIn, Snooze
from penstock.core.error_record import ErrorRecord
from penstock.core.errors import (
    Blocking,
    Cascading,
    Closed,
    Crashed,
    DeadlineExceeded,
    Duplicate,
    DuplicateTask,
    Expired,
    Invalid,
    InvalidInput,
    KeyConflict,
    LeaseLost,
    Mismatch,
    NotFound,
    NotInRun,
    OutputError,
    PayloadTooLarge,
    PenstockError,
    Purged,
    ResultTimeout,
    RunCancelled,
    RunFailed,
    Timeout,
    Unavailable,
    UnknownTask,
    WorkerFailed,
    WrongState,
)
from penstock.core.inject import Depends, inject
from penstock.core.registry import WorkerInfo
from penstock.core.retry import Retry
from penstock.core.run import Keep
from penstock.core.state import State
from penstock.core.views import Count, Page, StoreInfo
from penstock.engine.events import Event
from penstock.engine.health import Health
from penstock.models.context import Context, context
from penstock.models.follow_up import Failure, Success

__all__ = [
    "App",
    "AsyncTask",
    "Attempted",
    "Blocking",
    "Call",
    "Cascading",
    "Claimed",
    "Closed",
    "Codec",
    "Context",
    "Control",
    "Count",
    "Crashed",
    "DeadlineExceeded",
    "Depends",
    "Duplicate",
    "DuplicateTask",
    "ErrorRecord",
    "Event",
    "Expired",
    "Failure",
    "Health",
    "Invalid",
    "InvalidInput",
    "Keep",
    "KeyConflict",
    "Known",
    "LeaseLost",
    "Line",
    "Mismatch",
    "NamedCall",
    "NamedTask",
    "Never",
    "NotFound",
    "NotInRun",
    "Options",
    "OutputError",
    "Page",
    "PayloadTooLarge",
    "PenstockError",
    "Purged",
    "Reason",
    "Reconciled",
    "Rehearsal",
    "ResultTimeout",
    "Retry",
    "RetryIn",
    "Run",
    "RunCancelled",
    "RunFailed",
    "Snooze",
    "State",
    "Status",
    "StoreInfo",
    "Success",
    "SyncApp",
    "SyncRun",
    "SyncTask",
    "Task",
    "ThreadTask",
    "Timeout",
    "Unavailable",
    "UnknownTask",
    "Worker",
    "WorkerFailed",
    "WorkerInfo",
    "WrongState",
    "context",
    "inject",
    "options",
    "sync",
    "testing",
]
