# The public names, for type checkers. At run time `__init__.py` loads each with its first use.

from penstock import sync, testing
from penstock.app.app import App
from penstock.app.awaited import call
from penstock.app.claimed import Claimed
from penstock.app.dispatching import Dispatched, Dispatcher
from penstock.app.fair import Fair
from penstock.app.flows import FlowNode, SyncFlowNode
from penstock.app.front import SyncApp
from penstock.app.graph_runs import GraphRun
from penstock.app.handle import Run, SyncRun
from penstock.app.histories import History, Message, StepStatus
from penstock.app.limits import Limits, LimitStatus, SyncLimits
from penstock.app.limits_said import Limit, Rate
from penstock.app.linting import Finding
from penstock.app.metrics import Metrics, Minute, Spread, TaskMetrics
from penstock.app.named import NamedCall, NamedTask
from penstock.app.operations import Known
from penstock.app.options import Options, options
from penstock.app.outgoing import Outgoing
from penstock.app.rehearsal import Rehearsal
from penstock.app.replaying import Replayed
from penstock.app.schedules import Schedules, SyncSchedules
from penstock.app.schedules_static import Synced
from penstock.app.schedules_terms import ScheduleStatus
from penstock.app.status import Attempted, Line, Reason, Status
from penstock.app.steps import AsyncStep, Step, ThreadStep
from penstock.app.synchronising import Changes
from penstock.app.task import AsyncTask, Call, SyncTask, Task, ThreadTask
from penstock.app.tickets import Link
from penstock.app.trees import Tree
from penstock.app.unique import Unique
from penstock.app.upkeep import Reconciled
from penstock.app.workers import WorkerStatus
from penstock.app.workflows import AsyncWorkflow, SyncWorkflow, ThreadWorkflow, Workflow
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
    DispatchFailed,
    Duplicate,
    DuplicateTask,
    Expired,
    ExpressionFailed,
    Flooded,
    Invalid,
    InvalidBlueprint,
    InvalidExpression,
    InvalidInput,
    KeyConflict,
    LeaseLost,
    Mismatch,
    NodeFailed,
    NotFound,
    NotInRun,
    OutputError,
    PayloadTooLarge,
    PenstockError,
    Purged,
    Rejected,
    ResultTimeout,
    RunCancelled,
    RunFailed,
    StepFailed,
    Timeout,
    Unavailable,
    UnknownTask,
    WaitTimeout,
    WorkerFailed,
    WrongState,
)
from penstock.core.inject import Depends, inject
from penstock.core.retry import Retry
from penstock.core.run import Keep
from penstock.core.state import State
from penstock.core.tx import Rows, Tx
from penstock.core.views import Count, Page, StoreInfo
from penstock.engine.events import Event
from penstock.engine.health import Health
from penstock.models.context import Context, context
from penstock.models.durable import continue_as_new, now, on_rollback, patched, random, step, uuid
from penstock.models.follow_up import Failure, Success
from penstock.models.graph.analysis import Analysis
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.builder import Graph, Placed
from penstock.models.graph.chronicle import GraphMoment
from penstock.models.graph.context import GraphContext
from penstock.models.graph.events import GraphEvent, GraphResult, NodeOutcome, NodeResult
from penstock.models.graph.parts import Edge, Node, NodeConfig, NodeRetry, Problem
from penstock.models.graph.stepper import Stepper
from penstock.models.joins import gather, map, wait_any  # noqa: A004 (what it is called wherever it is known)
from penstock.models.kin import Child, Children, SyncChildren
from penstock.models.nodes import NodeContext
from penstock.models.waits import Signal, Token, sleep, token, wait

__all__ = [
    "Analysis",
    "App",
    "AsyncStep",
    "AsyncTask",
    "AsyncWorkflow",
    "Attempted",
    "Blocking",
    "Blueprint",
    "Call",
    "Cascading",
    "Changes",
    "Child",
    "Children",
    "Claimed",
    "Closed",
    "Codec",
    "Context",
    "Control",
    "Count",
    "Crashed",
    "DeadlineExceeded",
    "Depends",
    "DispatchFailed",
    "Dispatched",
    "Dispatcher",
    "Duplicate",
    "DuplicateTask",
    "Edge",
    "ErrorRecord",
    "Event",
    "Expired",
    "ExpressionFailed",
    "Failure",
    "Fair",
    "Finding",
    "Flooded",
    "FlowNode",
    "Graph",
    "GraphContext",
    "GraphEvent",
    "GraphMoment",
    "GraphResult",
    "GraphRun",
    "Health",
    "History",
    "Invalid",
    "InvalidBlueprint",
    "InvalidExpression",
    "InvalidInput",
    "Keep",
    "KeyConflict",
    "Known",
    "LeaseLost",
    "Limit",
    "LimitStatus",
    "Limits",
    "Line",
    "Link",
    "Message",
    "Metrics",
    "Minute",
    "Mismatch",
    "NamedCall",
    "NamedTask",
    "Never",
    "Node",
    "NodeConfig",
    "NodeContext",
    "NodeFailed",
    "NodeOutcome",
    "NodeResult",
    "NodeRetry",
    "NotFound",
    "NotInRun",
    "Options",
    "Outgoing",
    "OutputError",
    "Page",
    "PayloadTooLarge",
    "PenstockError",
    "Placed",
    "Problem",
    "Purged",
    "Rate",
    "Reason",
    "Reconciled",
    "Rehearsal",
    "Rejected",
    "Replayed",
    "ResultTimeout",
    "Retry",
    "RetryIn",
    "Rows",
    "Run",
    "RunCancelled",
    "RunFailed",
    "ScheduleStatus",
    "Schedules",
    "Signal",
    "Snooze",
    "Spread",
    "State",
    "Status",
    "Step",
    "StepFailed",
    "StepStatus",
    "Stepper",
    "StoreInfo",
    "Success",
    "SyncApp",
    "SyncChildren",
    "SyncFlowNode",
    "SyncLimits",
    "SyncRun",
    "SyncSchedules",
    "SyncTask",
    "SyncWorkflow",
    "Synced",
    "Task",
    "TaskMetrics",
    "ThreadStep",
    "ThreadTask",
    "ThreadWorkflow",
    "Timeout",
    "Token",
    "Tree",
    "Tx",
    "Unavailable",
    "Unique",
    "UnknownTask",
    "WaitTimeout",
    "Worker",
    "WorkerFailed",
    "WorkerStatus",
    "Workflow",
    "WrongState",
    "call",
    "context",
    "continue_as_new",
    "gather",
    "inject",
    "map",
    "now",
    "on_rollback",
    "options",
    "patched",
    "random",
    "sleep",
    "step",
    "sync",
    "testing",
    "token",
    "uuid",
    "wait",
    "wait_any",
]
