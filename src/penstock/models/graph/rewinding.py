"""Going back in a stored graph run: to a node, or on from it with other input. What was told stays told.

Pure. A rewind stands in the run's input and names the record behind which it took place: whoever reads the records
comes to the same. It begins another history of the run, so what is started from there on has ids of its own.
"""

from collections.abc import Sequence

import msgspec

from penstock.core.errors import Invalid
from penstock.models.graph.events import Began, Block, Decided, Told
from penstock.models.graph.history import History
from penstock.models.graph.planner import Planner
from penstock.models.graph.scheme import Scheme
from penstock.models.graph.stored import Baggage, Entry, Rewind


class Rewound(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it stands behind a rewind."""

    rewind: Rewind
    history: History
    planner: Planner
    open: list[Began]  # to be started anew, in order
    blocked: set[str]  # keys


class Past:
    """What a run was told in its present history, as far as a rewind may still need it; with `keeps_all` all of it."""

    def __init__(self, scheme: Scheme, baggage: Baggage, rewinds: Sequence[Rewind], *, keeps_all: bool = False) -> None:
        self.history = History(input=baggage.input, context=baggage.context, events=[])
        self._scheme = scheme
        self._entries = 0
        self._rewinds = list(rewinds)
        self._keeps_all = keeps_all

    def take(self, entry: Entry) -> list[Rewound]:
        """The next record; the rewinds that took place behind it."""
        if not (self._rewinds or self._keeps_all):
            return []
        self._entries += 1
        self.history.events += [noted.event for noted in entry.events]
        found: list[Rewound] = []
        while self._rewinds and self._rewinds[0].entries == self._entries:
            found.append(rewound(self._scheme, self.history, self._rewinds.pop(0)))
            self.history = found[-1].history
        return found


def rewound(scheme: Scheme, history: History, rewind: Rewind) -> Rewound:
    """The run after the rewind. What no longer fits is left out of its history: it will be told anew.

    That is what had made the run fail, and what was told of nodes that are not started any more.
    """
    if rewind.back:
        kept = history.rollback(scheme, rewind.node)
    else:
        kept = history.rerun(scheme, rewind.node, **({"input": rewind.input} if rewind.given else {}))
    left = kept.events
    while True:
        planner = Planner(scheme)
        decided = planner.begin(input=kept.input, context=kept.context, overrides=kept.overrides)
        fits, failing = _fed(planner, left, decided)
        if failing is None:
            break
        left = [event for event in left if event is not failing]
    kept.events = fits
    started = {one.key: one for one in decided if isinstance(one, Began)}
    return Rewound(
        rewind=rewind,
        history=kept,
        planner=planner,
        open=[started[key] for key in planner.state.active],
        blocked={one.key for one in decided if isinstance(one, Block)} & set(planner.state.blocked.values()),
    )


def _fed(planner: Planner, events: list[Told], decided: list[Decided]) -> tuple[list[Told], Told | None]:
    """The events that fit, up to one by which the run would fail."""
    fits: list[Told] = []
    for event in events:
        try:
            followed = planner.feed(event)
        except Invalid:  # nothing was started under its key
            continue
        if planner.state.status == "failed":
            return fits, event
        fits.append(event)
        decided += followed
    return fits, None


def check_node(scheme: Scheme, history: History, node: str) -> None:
    """Raises `Invalid` unless the node has been started in this history."""
    if node not in scheme.stops:
        raise Invalid("node", node, f"a node of the graph: {', '.join(scheme.stops)}")
    if node not in history.replay(scheme).planner.state.inputs:
        raise Invalid("node", node, "a node that has been started: this one never was")
