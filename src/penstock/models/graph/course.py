"""How a graph run takes its course: what follows when a node begins, ends, fails or is skipped, to the last edge.

Knows which nodes there are and how they stand; not who tells it, and not what runs are.
"""

from collections import deque
from typing import Any, Final, Literal, TypeAlias

from penstock.core.duration import seconds
from penstock.core.error_record import ErrorRecord, describe
from penstock.core.errors import ExpressionFailed, NodeFailed, WaitTimeout
from penstock.models.graph import batch, subgraphs
from penstock.models.graph.book import Book
from penstock.models.graph.events import Await, Began, Block, Cancel, Decided, Fail, Skip, Start, Succeed
from penstock.models.graph.faults import at_place, of_item, with_cause
from penstock.models.graph.parts import LIFE, BatchParams, SubgraphParams, WaitParams, WebhookParams
from penstock.models.graph.result import result_of
from penstock.models.graph.scheme import Stop
from penstock.models.graph.starting import starting
from penstock.models.graph.state import LoopState

Fate: TypeAlias = Literal["taken", "dead", "failed"]

IDLE_TURNS: Final = 10_000  # turns of loops at one event, in which nothing is started


class Course:
    """Moves one graph run on. What it decides on the way is kept until `settled` says it."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.scheme = book.scheme
        self.state = book.state
        self._decided: list[Decided] = []
        self._edges: deque[tuple[int, Fate]] = deque()  # decided on, and not yet told to whom they lead
        self._ripe: dict[str, None] = {}  # loops whose turn may be over
        self._idle = 0

    # -- how nodes begin

    def begin(self, node: str) -> None:
        """All that it waited for is there."""
        stop = self.scheme.stops[node]
        given = self.book.input(stop)
        self.state.inputs[node] = given
        self.book.node(node).status = "running"
        self.book.activate(node)
        if stop.node.uses == "loop":
            self.state.loops[node] = LoopState(value=given)
            self.state.outputs[node] = given
            self._ripe[node] = None
        elif isinstance(stop.settings, BatchParams):
            self._begin_batch(node, stop.settings, given)
        else:
            key = self.book.key(stop)
            self.state.active[key] = (node, None)
            error = None if stop.primary is None else self.book.node(stop.primary).error
            self._decided.append(starting(key, stop, given, self.book.scope(), error))

    def end(self, key: str, node: str) -> None:
        """It is no longer under way."""
        for loop in self.book.end(key, node):
            self._ripe[loop] = None

    # -- how nodes end

    def returned(self, key: str, node: str, output: Any, action: str | None) -> None:
        self.end(key, node)
        settings = self.scheme.stops[node].settings
        if isinstance(settings, SubgraphParams):
            output = subgraphs.returned(settings, output)
        self.succeed(node, output, action)

    def opened(self, key: str, node: str, output: Any) -> bool:
        """The URL of a webhook is there: if it waits for what is posted, that begins now. False for all other nodes."""
        settings = self.scheme.stops[node].settings
        if not isinstance(settings, WebhookParams) or not settings.waits:
            return False
        self.book.node(node).url = output["url"]
        ttl = LIFE if settings.ttl is None else seconds(settings.ttl, "ttl")
        self._decided.append(Await(key=key, node=node, signal=settings.signal or node, timeout=ttl))
        return True

    def succeed(self, node: str, output: Any, action: str | None) -> None:
        """It ends well; so does whom it stands in for."""
        state = self.book.node(node)
        state.status, state.action = "succeeded", action
        fallback = self.scheme.stops[node].fallback
        if fallback is not None:
            self._skip(fallback)
        self._passes(node, output, action)
        primary = self.scheme.stops[node].primary
        while primary is not None:
            rescued = self.book.node(primary)
            rescued.status, rescued.action = "rescued", action
            self._passes(primary, output, action)
            primary = self.scheme.stops[primary].primary

    def _passes(self, node: str, output: Any, action: str | None) -> None:
        """Its output is there: decide on the edges from it."""
        if self.state.status != "running":
            return
        self.state.outputs[node] = output
        stop = self.scheme.stops[node]
        chosen = stop.by_action.get(action) or stop.by_action.get(None) or frozenset()
        for place in stop.out:
            if place not in chosen:
                self._edges.append((place, "dead"))
            elif not self._decide(place):
                return

    def _decide(self, place: int) -> bool:
        """Take the edge if its condition holds. False: an expression came to an error, and the run has failed."""
        way = self.scheme.ways[place]
        try:
            taken = way.when is None or way.when(self.book.variables(way.edge.source))
            if taken and way.transform is not None:
                self.state.values[place] = way.transform(self.book.variables(way.edge.source))
        except ExpressionFailed as error:
            edge = f"edge {place} ({way.edge.source} -> {way.edge.target})"
            self._give_up(way.edge.source, at_place(error, edge))
            return False
        self._edges.append((place, "taken" if taken else "dead"))
        return True

    def fail(self, key: str, node: str, error: ErrorRecord, *, fatal: bool) -> None:
        """It ends badly: its fallback stands in, or else its policy decides, or that of whom it stands in for."""
        self.book.node(node).status, self.book.node(node).error = "failed", error
        fallback = self.scheme.stops[node].fallback
        if fallback is not None and not fatal:
            self.begin(fallback)
            return
        stop, stand_ins = self.scheme.stops[node], list[Stop]()
        while stop.primary is not None:
            stand_ins.append(stop)
            stop = self.scheme.stops[stop.primary]
        first = self.book.node(stop.node.id).error
        assert first is not None
        told = error if stop.node.id == node else with_cause(first, f"its fallback {node} failed, too", error)
        if stop.node.config.if_fails == "block":
            self._block(key, node, told)
            return
        if fallback is not None:
            self._skip(fallback)
        for one in stand_ins:
            self._all_out(one, "failed" if stop.node.config.if_fails == "continue" else "dead")
        self._by_policy(stop, told)

    def _block(self, key: str, node: str, error: ErrorRecord) -> None:
        """It stays as it is until its run, or its fallback's, has been redriven."""
        self.book.node(node).status = "blocked"
        self.state.blocked[node] = key
        self.book.hold(node)
        self._decided.append(Block(key=key, node=node, error=error))

    def _by_policy(self, stop: Stop, error: ErrorRecord) -> None:
        node = stop.node.id
        match stop.node.config.if_fails:
            case "continue":
                self._all_out(stop, "failed")
            case "ignore":
                self._passes(node, None, None)
            case "remove":
                self._all_out(stop, "dead")
            case _:
                self._give_up(node, error)

    def _all_out(self, stop: Stop, fate: Fate) -> None:
        self._edges.extend((place, fate) for place in stop.out)

    def _give_up(self, node: str, error: ErrorRecord) -> None:
        """The run has failed, for good: nothing else is started, what is under way is cancelled."""
        state = self.state
        state.status, state.failure = "failed", (node, error)
        # what was decided at this event and not yet done need not be done
        started = {one.key for one in self._decided if isinstance(one, Began)}
        self._decided = [one for one in self._decided if isinstance(one, Skip | Block | Cancel)]
        keys = tuple(key for key in state.active if key not in started)
        for one, _ in state.active.values():
            self.book.node(one).status = "cancelled"
        state.active.clear()
        state.under_way = 0
        if keys:
            self._decided.append(Cancel(keys=keys))
        self._decided.append(Fail(node=node, error=error))

    def timed_out(self, node: str) -> None:
        stop = self.scheme.stops[node]
        if "timeout" in stop.by_action:
            self.succeed(node, None, "timeout")
            return
        settings = stop.settings
        assert isinstance(settings, WaitParams | WebhookParams)
        span = settings.timeout if isinstance(settings, WaitParams) else settings.ttl or LIFE
        why = WaitTimeout(settings.signal or node, seconds(span, "timeout"))
        self.fail(self.book.key(stop), node, describe(why), fatal=False)

    def _skip(self, node: str, *, barred: bool = False) -> None:
        """It will not run, nor will whoever would stand in for it."""
        one: str | None = node
        while one is not None:
            stop = self.scheme.stops[one]
            self.book.node(one).status = "barred" if barred else "skipped"
            self._decided.append(Skip(node=one, barred=barred))
            self._all_out(stop, "failed" if barred else "dead")
            ring = self.scheme.rings.get(one)
            if ring is not None:
                self._edges.extend((place, "dead") for place in ring.begins)
            one = stop.fallback

    # -- edges, joins and loops

    def settled(self) -> list[Decided]:
        """Follow all that has been decided, to the end; then say so."""
        while self.state.status == "running" and (self._edges or self._ripe):
            if self._edges:
                self._arrive(*self._edges.popleft())
            else:
                loop = next(iter(self._ripe))
                del self._ripe[loop]
                self._turn(loop)
        self._edges.clear()
        self._ripe.clear()
        self._idle = 0
        state = self.state
        if state.status == "running" and not state.under_way and not state.blocked:
            state.status = "succeeded"
            self._decided.append(Succeed(result=result_of(self.scheme, state)))
        decided, self._decided = self._decided, []
        return decided

    def _arrive(self, place: int, fate: Fate) -> None:
        """Tell the target of an edge what was decided on it."""
        way = self.scheme.ways[place]
        target = way.edge.target
        if way.back:
            self._arrive_back(target, place, fate)
            return
        state = self.book.node(target)
        if state.status != "pending":
            return
        stop = self.scheme.stops[target]
        state.arrived += 1
        if fate == "taken":
            state.taken.append(place)
        elif fate == "failed":
            state.barred += 1
        if fate == "taken" and stop.node.config.join == "any":
            self.begin(target)
        elif state.arrived == stop.need:
            if state.taken and not state.barred:
                self.begin(target)
            else:
                self._skip(target, barred=state.barred > 0)

    def _arrive_back(self, loop: str, place: int, fate: Fate) -> None:
        state = self.state.loops.get(loop)
        if state is None or self.book.node(loop).status != "running":
            return
        state.arrived += 1
        if fate == "taken":
            state.taken.append(place)
        elif fate == "failed":
            state.barred += 1
        self._ripe[loop] = None

    def _turn(self, loop: str) -> None:
        """If the turn is over: begin another one, or go on after the loop."""
        state, ring = self.state.loops.get(loop), self.scheme.rings[loop]
        if state is None or self.book.node(loop).status != "running" or state.busy:
            return
        if state.turn and state.arrived < ring.need:
            return
        if state.barred:
            self.end(loop, loop)
            self.book.node(loop).status = "barred"
            self._all_out(self.scheme.stops[loop], "failed")
            return
        if state.turn:
            if not state.taken:  # no way back was taken
                self._leave(loop)
                return
            state.value = self.book.gathered(state.taken, single=ring.need == 1)
        self.state.outputs[loop] = state.value
        variables = {**self.book.variables(loop), "turn": state.turn}
        del variables["action"]
        try:
            goes_on = ring.condition(variables)
        except ExpressionFailed as error:
            self._give_up(loop, at_place(error, f"loop {loop}"))
            return
        if not goes_on:
            self._leave(loop)
        elif state.turn >= ring.limit or self._idle >= IDLE_TURNS:
            why = f"it took {state.turn:,} turns, its limit" if state.turn >= ring.limit else "its turns start nothing"
            self.end(loop, loop)
            self.fail(loop, loop, describe(NodeFailed(loop, why)), fatal=True)
        else:
            self._next_turn(loop, state)

    def _next_turn(self, loop: str, state: LoopState) -> None:
        ring = self.scheme.rings[loop]
        self._idle += 1
        state.turn, state.arrived, state.taken = state.turn + 1, 0, []
        self.book.forget(ring.body)
        for place in ring.begins:
            if not self._decide(place):
                return

    def _leave(self, loop: str) -> None:
        state, ring = self.state.loops[loop], self.scheme.rings[loop]
        self.end(loop, loop)
        self.succeed(loop, state.value, "break")
        if not state.turn:  # its body never ran
            self._edges.extend((place, "dead") for place in ring.begins)

    # -- batches

    def _begin_batch(self, node: str, settings: BatchParams, given: Any) -> None:
        try:
            self.state.batches[node] = batch.opened(node, settings, given)
        except NodeFailed as error:
            self.end(self.book.key(self.scheme.stops[node]), node)
            self.fail(node, node, describe(error), fatal=True)
            return
        self.go_on(node)

    def go_on(self, node: str) -> None:
        stop, state, given = self.scheme.stops[node], self.state.batches[node], self.state.inputs[node]
        settings = stop.settings
        assert isinstance(settings, BatchParams)
        prefix = self.book.key(stop)
        for item in batch.startable(state, settings):
            key = f"{prefix}[{item}]"
            self.state.active[key] = (node, item)
            start = Start(key=key, node=node, uses=settings.each, input=given[item], params=settings.params, item=item)
            self._decided.append(start)
        if batch.is_over(state):
            self.end(prefix, node)
            self.succeed(node, state.results, None)

    def item_failed(self, node: str, item: int, error: ErrorRecord) -> None:
        state, key = self.state.batches[node], self.book.key(self.scheme.stops[node])
        if not batch.failed(state, item, error):
            self.go_on(node)
            return
        rest = tuple(f"{key}[{other}]" for other in sorted(state.running))
        for one in rest:
            del self.state.active[one]
        self.end(key, node)
        if rest:
            self._decided.append(Cancel(keys=rest))
        self.fail(key, node, of_item(error, item), fatal=False)
