"""Graphs for code without a loop: each verb does what the one of the app does, and blocks until it is done."""

from collections.abc import Mapping
from typing import Any, Unpack

from penstock.app.flows_sync import SyncFlows
from penstock.app.graph_runs import SyncGraphRun
from penstock.app.graphs import Drawn, Graphs
from penstock.app.options import NamedByCall
from penstock.app.portal import Portal


class SyncGraphs(SyncFlows):
    """The part of `app.sync` that has to do with flows and graphs."""

    def __init__(self, app: Graphs, portal: Portal) -> None:
        super().__init__(app, portal)
        self._graphs = app

    def start(
        self,
        blueprint: Drawn,
        *,
        input: Any = None,  # noqa: A002 (the word of blueprints)
        context: Mapping[str, Any] | None = None,
        **named: Unpack[NamedByCall],
    ) -> SyncGraphRun:
        return self._portal.call(self._graphs.start, blueprint, input=input, context=context, **named).sync

    def graph_run(self, run_id: str) -> SyncGraphRun:
        return self._graphs.graph_run(run_id).sync
