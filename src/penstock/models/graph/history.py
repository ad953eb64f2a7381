"""What a graph run has been told, in order: from it the run can be planned again, to any point, or from a node on."""

from typing import Any, Self

import msgspec

from penstock.models.graph.events import Began, Decided, Told
from penstock.models.graph.planner import Planner
from penstock.models.graph.scheme import Scheme


class Replayed(msgspec.Struct, kw_only=True):
    """A run planned again. `open`: by key, what was started and has not ended, with the decision that started it."""

    planner: Planner
    open: dict[str, Began]
    decided: list[Decided]


class History(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How a graph run began, and all that it was told since."""

    input: Any = None
    context: dict[str, Any] = {}
    overrides: dict[str, Any] = {}
    events: list[Told] = []

    def encode(self) -> bytes:
        """The history as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The history behind the bytes. Raises `msgspec.DecodeError` if they are none."""
        return msgspec.json.decode(data, type=cls)

    def replay(self, scheme: Scheme, until: int | None = None) -> Replayed:
        """The run as it stood after so many events; after all of them, unless said."""
        planner = Planner(scheme)
        decided = planner.begin(input=self.input, context=self.context, overrides=self.overrides)
        for event in self.events[:until]:
            decided += planner.feed(event)
        started = {one.key: one for one in decided if isinstance(one, Began)}
        held = {key: started[key] for key in planner.state.active}
        return Replayed(planner=planner, open=held, decided=decided)

    def rerun(self, scheme: Scheme, node: str, **override: Any) -> "History":
        """The history in which the node, and all that may come after it, has not ended yet.

        Also what these have written to the context is gone. With `input=` the node is given that. Nodes before it, and
        beside it, stand as they stood: replaying tells what to start now.
        """
        following = scheme.following(node)
        for loop in scheme.stops[node].loops[:1]:  # a turn that is begun again begins with the first
            following |= scheme.following(loop)
        kept = [event for event in self.events if _node_of(event.key) not in following]
        overrides = {one: value for one, value in self.overrides.items() if one not in following}
        if "input" in override:
            overrides[node] = override["input"]
        return History(input=self.input, context=self.context, overrides=overrides, events=kept)

    def rollback(self, scheme: Scheme, node: str) -> "History":
        """The history up to the moment when the node was first started: whatever came later has not happened."""
        planner = Planner(scheme)
        planner.begin(input=self.input, context=self.context, overrides=self.overrides)
        kept: list[Told] = []
        for event in self.events:
            if node in planner.state.inputs:
                break
            planner.feed(event)
            kept.append(event)
        return History(input=self.input, context=self.context, overrides=self.overrides, events=kept)


def _node_of(key: str) -> str:
    return key.rpartition("/")[2].partition("[")[0]
