"""Penstock brings work to workers: a durable job queue, flows and workflows on the database you already run.

The public names are loaded with their first use, so that a command line starts at once; `__init__.pyi` lists them for
type checkers.
"""

from importlib import import_module
from typing import Any, Final

_HOMES: Final = {
    "penstock.app.app": ("App",),
    "penstock.app.awaited": ("call",),
    "penstock.app.claimed": ("Claimed",),
    "penstock.app.dispatching": ("Dispatched", "Dispatcher"),
    "penstock.app.fair": ("Fair",),
    "penstock.app.flows": ("FlowNode", "SyncFlowNode"),
    "penstock.app.front": ("SyncApp",),
    "penstock.app.graph_runs": ("GraphRun",),
    "penstock.app.handle": ("Run", "SyncRun"),
    "penstock.app.histories": ("History", "Message", "StepStatus"),
    "penstock.app.limits": ("Limits", "LimitStatus", "SyncLimits"),
    "penstock.app.limits_said": ("Limit", "Rate"),
    "penstock.app.linting": ("Finding",),
    "penstock.app.metrics": ("Metrics", "Minute", "Spread", "TaskMetrics"),
    "penstock.app.named": ("NamedCall", "NamedTask"),
    "penstock.app.operations": ("Known",),
    "penstock.app.options": ("Options", "options"),
    "penstock.app.outgoing": ("Outgoing",),
    "penstock.app.rehearsal": ("Rehearsal",),
    "penstock.app.replaying": ("Replayed",),
    "penstock.app.schedules": ("Schedules", "SyncSchedules"),
    "penstock.app.schedules_static": ("Synced",),
    "penstock.app.schedules_terms": ("ScheduleStatus",),
    "penstock.app.status": ("Attempted", "Line", "Reason", "Status"),
    "penstock.app.synchronising": ("Changes",),
    "penstock.app.steps": ("AsyncStep", "Step", "ThreadStep"),
    "penstock.app.task": ("AsyncTask", "Call", "SyncTask", "Task", "ThreadTask"),
    "penstock.app.tickets": ("Link",),
    "penstock.app.trees": ("Tree",),
    "penstock.app.unique": ("Unique",),
    "penstock.app.upkeep": ("Reconciled",),
    "penstock.app.workers": ("WorkerStatus",),
    "penstock.app.workflows": ("AsyncWorkflow", "SyncWorkflow", "ThreadWorkflow", "Workflow"),
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
        "DispatchFailed",
        "Duplicate",
        "DuplicateTask",
        "Expired",
        "ExpressionFailed",
        "Flooded",
        "Invalid",
        "InvalidBlueprint",
        "InvalidExpression",
        "InvalidInput",
        "KeyConflict",
        "LeaseLost",
        "Mismatch",
        "NodeFailed",
        "NotFound",
        "NotInRun",
        "OutputError",
        "PayloadTooLarge",
        "PenstockError",
        "Purged",
        "Rejected",
        "ResultTimeout",
        "RunCancelled",
        "RunFailed",
        "StepFailed",
        "Timeout",
        "Unavailable",
        "UnknownTask",
        "WaitTimeout",
        "WorkerFailed",
        "WrongState",
    ),
    "penstock.core.inject": ("Depends", "inject"),
    "penstock.core.retry": ("Retry",),
    "penstock.core.run": ("Keep",),
    "penstock.core.state": ("State",),
    "penstock.core.tx": ("Rows", "Tx"),
    "penstock.core.views": ("Count", "Page", "StoreInfo"),
    "penstock.engine.events": ("Event",),
    "penstock.engine.health": ("Health",),
    "penstock.models.context": ("Context", "context"),
    "penstock.models.durable": ("continue_as_new", "now", "on_rollback", "patched", "random", "step", "uuid"),
    "penstock.models.follow_up": ("Failure", "Success"),
    "penstock.models.graph.analysis": ("Analysis",),
    "penstock.models.graph.blueprint": ("Blueprint",),
    "penstock.models.graph.builder": ("Graph", "Placed"),
    "penstock.models.graph.chronicle": ("GraphMoment",),
    "penstock.models.graph.context": ("GraphContext",),
    "penstock.models.graph.events": ("GraphEvent", "GraphResult", "NodeOutcome", "NodeResult"),
    "penstock.models.graph.parts": ("Edge", "Node", "NodeConfig", "NodeRetry", "Problem"),
    "penstock.models.graph.stepper": ("Stepper",),
    "penstock.models.joins": ("gather", "map", "wait_any"),
    "penstock.models.kin": ("Child", "Children", "SyncChildren"),
    "penstock.models.nodes": ("NodeContext",),
    "penstock.models.waits": ("Signal", "Token", "sleep", "token", "wait"),
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
