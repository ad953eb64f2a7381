"""Short ways to say blueprints and to plan them, for the tests beside."""

from collections.abc import Mapping
from typing import Any

from penstock.core.error_record import ErrorRecord
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.events import Began, Decided, Fail, Failed, Finished, GraphResult, Succeed
from penstock.models.graph.planner import Planner
from penstock.models.graph.scheme import Scheme
from penstock.models.graph.state import GraphState

BROKEN = ErrorRecord(type="OSError", message="no route")


def blueprint(nodes: str | list[Any], *edges: str | dict[str, Any], check: bool = True) -> Blueprint:
    """`blueprint("a b c", "a b", "b c")`; where more is to be said, the object instead of the text."""
    listed = nodes.split() if isinstance(nodes, str) else nodes
    return Blueprint.from_dict(
        {
            "id": "g",
            "nodes": [
                {"id": one, "uses": "task"} if isinstance(one, str) else {"uses": "task", **one} for one in listed
            ],
            "edges": [
                dict(zip(("source", "target"), one.split(), strict=True)) if isinstance(one, str) else one
                for one in edges
            ],
        },
        check=check,
    )


def edge(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"source": source, "target": target, **more}


class Walk:
    """One planned run, told of ends by node."""

    def __init__(self, plan: Blueprint, *, given: Any = None, context: Mapping[str, Any] | None = None) -> None:
        self.planner = Planner(Scheme(plan.id, plan.nodes, plan.edges))
        self.decided: list[Decided] = self.planner.begin(input=given, context=context)

    @property
    def state(self) -> GraphState:
        return self.planner.state

    @property
    def status(self) -> str:
        return self.planner.state.status

    @property
    def active(self) -> list[str]:
        return list(self.planner.state.active)

    @property
    def result(self) -> GraphResult:
        """What the run has come to; it must have ended well."""
        last = self.decided[-1]
        assert isinstance(last, Succeed)
        return last.result

    @property
    def failure(self) -> Fail:
        """The decision by which the run has failed."""
        last = self.decided[-1]
        assert isinstance(last, Fail)
        return last

    def statuses(self, *nodes: str) -> list[str]:
        return [self.planner.state.nodes[one].status for one in nodes]

    def feed(self, event: Any) -> list[Decided]:
        found = self.planner.feed(event)
        self.decided += found
        return found

    def finish(self, key: str, output: Any = None, action: str | None = None) -> list[str]:
        """The keys of what begins because of it."""
        return begun(self.feed(Finished(key=key, output=output, action=action)))

    def fail(self, key: str, *, fatal: bool = False, error: ErrorRecord = BROKEN) -> list[Decided]:
        return self.feed(Failed(key=key, error=error, fatal=fatal))

    def started(self, node: str) -> Any:
        """The last decision that started the node."""
        return [one for one in self.decided if isinstance(one, Began) and one.node == node][-1]

    def given(self, node: str) -> Any:
        return self.started(node).input


def begun(decided: list[Decided]) -> list[str]:
    return [one.key for one in decided if isinstance(one, Began)]


def told(decided: list[Decided]) -> list[str]:
    return [type(one).__name__ for one in decided]
