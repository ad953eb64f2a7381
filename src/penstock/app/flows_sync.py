"""Flows for code without a loop: each verb does what the one of the app does, and blocks until it is done."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast, overload

from penstock.app.flow_data import Plain
from penstock.app.flows import Flow, FlowNode, Flows, SyncFlowNode
from penstock.app.handle import Run, SyncRun
from penstock.app.named import NamedCall
from penstock.app.options import Options
from penstock.app.portal import Portal
from penstock.app.task import Call
from penstock.app.trees import Tree

R = TypeVar("R")


class SyncFlows:
    """The part of `app.sync` that has to do with flows."""

    def __init__(self, app: Flows, portal: Portal) -> None:
        self._flows = app
        self._portal = portal

    @overload
    def submit(
        self,
        flow: Call[R],
        *,
        queues: Mapping[str, Options] | None = None,
        parent: SyncRun[Any] | Run[Any] | str | None = None,
    ) -> SyncFlowNode[R]: ...
    @overload
    def submit(
        self,
        flow: NamedCall | Plain,
        *,
        queues: Mapping[str, Options] | None = None,
        parent: SyncRun[Any] | Run[Any] | str | None = None,
    ) -> SyncFlowNode[Any]: ...
    @overload
    def submit(
        self,
        flow: Sequence[Call[R]],
        *,
        queues: Mapping[str, Options] | None = None,
        parent: SyncRun[Any] | Run[Any] | str | None = None,
    ) -> list[SyncFlowNode[R]]: ...
    @overload
    def submit(
        self,
        flow: Sequence[Flow],
        *,
        queues: Mapping[str, Options] | None = None,
        parent: SyncRun[Any] | Run[Any] | str | None = None,
    ) -> list[SyncFlowNode[Any]]: ...

    def submit(
        self,
        flow: Any,
        *,
        queues: Mapping[str, Options] | None = None,
        parent: SyncRun[Any] | Run[Any] | str | None = None,
    ) -> Any:
        above = parent.id if isinstance(parent, SyncRun) else parent
        stored = cast("object", self._portal.call(self._flows.submit, flow, queues=queues, parent=above))
        if isinstance(stored, list):
            return [node.sync for node in cast("list[FlowNode[Any]]", stored)]
        return cast("FlowNode[Any]", stored).sync

    def tree(self, run_id: str, *, depth: int | None = None, per_node: int = 100) -> Tree:
        return self._portal.call(self._flows.tree, run_id, depth=depth, per_node=per_node)
