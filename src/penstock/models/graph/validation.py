"""What can't be in a blueprint, all of it at once. What merely looks wrong is the business of `lint.py`."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import msgspec

from penstock.core.duration import seconds
from penstock.core.errors import Invalid, InvalidExpression
from penstock.core.names import check_name
from penstock.core.retry import Retry
from penstock.models.graph.expression import LOOP, Condition, Transform
from penstock.models.graph.parts import (
    ID,
    KINDS,
    LONGEST,
    NAMESPACES,
    PARAMS,
    USES,
    BatchParams,
    Edge,
    LoopParams,
    Node,
    Problem,
    SleepParams,
    SubgraphParams,
    WaitParams,
    WebhookParams,
)
from penstock.models.graph.wiring import Wiring, cycles, reached

MOST: Final = 100_000  # nodes or edges


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a blueprint may name; None: not known here, so not checked."""

    tasks: Collection[str] | None = None
    blueprints: Collection[str] | None = None


def problems(name: str, nodes: tuple[Node, ...], edges: tuple[Edge, ...], known: Known) -> list[Problem]:
    """All that is wrong, in the order of the blueprint."""
    wiring = Wiring(nodes, edges)
    found = [*_whole(name, nodes, edges)]
    for node in nodes:
        found += _of_node(node, known)
    found += _fallbacks(nodes, wiring)
    for place, edge in enumerate(edges):
        found += _of_edge(place, edge, wiring)
    found += _loops(wiring)
    found += _cycles(wiring)
    found += _unreachable(wiring)
    return found


def _whole(name: str, nodes: tuple[Node, ...], edges: tuple[Edge, ...]) -> Iterator[Problem]:
    if ID.fullmatch(name) is None:
        yield Problem(code="bad-id", message=f"the id {name!r} is none: 1 to 100 ASCII letters, digits and _ -")
    if not nodes:
        yield Problem(code="empty", message="there are no nodes")
    for what, count in (("nodes", len(nodes)), ("edges", len(edges))):
        if count > MOST:
            yield Problem(code="too-large", message=f"a blueprint has up to {MOST:,} {what}, this one has {count:,}")
    for one, count in Counter(node.id for node in nodes).items():
        if count > 1:
            yield Problem(code="duplicate-id", message=f"{count} nodes have the id {one!r}", node=one)


def _of_node(node: Node, known: Known) -> Iterator[Problem]:
    def wrong(code: str, message: str) -> Problem:
        return Problem(code=code, message=f"node {node.id!r}: {message}", node=node.id)

    if ID.fullmatch(node.id) is None:
        yield wrong("bad-id", "an id is 1 to 100 ASCII letters, digits and _ -")
    if node.id in NAMESPACES:
        yield wrong("reserved-id", f"paths begin with {', '.join(NAMESPACES)}: choose another id")
    implementation = USES.fullmatch(node.uses)
    if implementation is None:
        yield wrong("bad-uses", f"uses={node.uses!r} is no task's name, name@version, or {', '.join(KINDS)}")
    elif node.uses in KINDS:
        if known.tasks is not None and node.uses in known.tasks:
            yield wrong("ambiguous-uses", f"{node.uses} is a built-in kind and a task: rename the task")
    else:
        yield from _unknown(implementation["name"], "task", known.tasks, wrong)
    for reason in (*_of_config(node), *_of_params(node)):
        yield wrong(*reason)
    yield from _of_kind(node, known, wrong)


def _unknown(name: str, what: str, known: Collection[str] | None, wrong: Any) -> Iterator[Problem]:
    if known is not None and name not in known:
        there = ", ".join(sorted(known)[:10]) or "none"
        yield wrong(f"unknown-{what}", f"there is no {what} {name!r}; known are {there}")


def _of_config(node: Node) -> Iterator[tuple[str, str]]:
    config = node.config
    if config.retry is not None:
        said = msgspec.to_builtins(config.retry)
        yield from _refusals("bad-config", lambda: Retry(**said))
    if config.timeout is not None:
        yield from _refusals("bad-config", lambda: seconds(config.timeout, "timeout", allow_zero=False))
    if config.if_fails == "block" and node.uses in {"batch", "loop"}:
        yield (
            "bad-config",
            f"if_fails=block waits for a run to be redriven; a {node.uses} is none",
        )
    for name, value in (("queue", config.queue), *(("limits", one) for one in config.limits)):
        if value is not None:
            yield from _refusals("bad-config", lambda name=name, value=value: check_name(value, name))


def _of_params(node: Node) -> Iterator[tuple[str, str]]:
    """Whether the settings of a built-in kind can be read."""
    form = PARAMS.get(node.uses)
    if form is None:
        return
    unknown = set(node.params) - set(form.__struct_fields__)
    if unknown:
        named = ", ".join(sorted(map(str, unknown)))
        yield "bad-params", f"{node.uses} knows no {named}; it knows {', '.join(form.__struct_fields__)}"
    try:
        msgspec.convert(node.params, form)
    except msgspec.ValidationError as error:
        yield "bad-params", f"{node.uses}: {error}"


def _of_kind(node: Node, known: Known, wrong: Any) -> Iterator[Problem]:
    settings = settings_of(node)
    match settings:
        case LoopParams():
            try:
                Condition(settings.condition, LOOP, parameter="condition")
            except InvalidExpression as error:
                yield wrong("bad-expression", str(error))
        case BatchParams():
            yield from _of_batch(settings, known, wrong)
        case SubgraphParams():
            yield from _unknown(settings.blueprint, "blueprint", known.blueprints, wrong)
        case SleepParams() | WaitParams() | WebhookParams():
            for reason in _waiting(settings):
                yield wrong(*reason)
        case _:
            pass


def _of_batch(settings: BatchParams, known: Known, wrong: Any) -> Iterator[Problem]:
    implementation = USES.fullmatch(settings.each)
    if implementation is None or settings.each in KINDS:
        yield wrong("bad-params", f"each={settings.each!r} is no task's name")
    else:
        yield from _unknown(implementation["name"], "task", known.tasks, wrong)
    for reason in _refusals("bad-params", lambda: tolerated(settings.tolerance, 0)):
        yield wrong(*reason)


def _waiting(settings: SleepParams | WaitParams | WebhookParams) -> Iterator[tuple[str, str]]:
    match settings:
        case SleepParams():
            yield from _refusals("bad-params", lambda: seconds(settings.duration, "duration"))
        case WaitParams():
            yield from _signal(settings.signal)
            if settings.timeout is not None:
                yield from _refusals("bad-params", lambda: seconds(settings.timeout, "timeout"))
        case WebhookParams():
            yield from _signal(settings.signal)
            if settings.ttl is not None:
                yield from _refusals("bad-params", lambda: _life(settings.ttl))


def _life(ttl: object) -> None:
    if seconds(ttl, "ttl", allow_zero=False) > LONGEST:
        raise Invalid("ttl", ttl, "at most 90 days")


def _signal(name: str | None) -> Iterator[tuple[str, str]]:
    if name is not None:
        yield from _refusals("bad-params", lambda: check_name(name, "signal"))


def settings_of(node: Node) -> msgspec.Struct | None:
    """A built-in kind's settings; None for a task, or if they can't be read."""
    form = PARAMS.get(node.uses)
    if form is None:
        return None
    try:
        return msgspec.convert(node.params, form)
    except msgspec.ValidationError:
        return None


def tolerated(tolerance: float | str, items: int) -> int:
    """How many of so many items may fail. Raises `Invalid` unless it is a number or a share of them."""
    allowed = 'a number of items from 0, or a share of them from "0%" to "100%"'
    if isinstance(tolerance, int) and not isinstance(tolerance, bool) and tolerance >= 0:
        return tolerance
    if isinstance(tolerance, str) and tolerance.endswith("%") and tolerance[:-1].isdecimal():
        share = int(tolerance[:-1]) if len(tolerance) <= 4 else 101
        if share <= 100:
            return items * share // 100
    raise Invalid("tolerance", tolerance, allowed)


def _refusals(code: str, check: Any) -> Iterator[tuple[str, str]]:
    try:
        check()
    except Invalid as error:
        yield code, str(error)


def _fallbacks(nodes: tuple[Node, ...], wiring: Wiring) -> Iterator[Problem]:
    named = Counter(node.config.fallback for node in nodes if node.config.fallback is not None)
    for node in wiring.nodes.values():
        fallback = node.config.fallback
        if fallback is None:
            continue
        reason = None
        if fallback not in wiring.nodes:
            reason = "there is no such node"
        elif fallback == node.id:
            reason = "a node can't stand in for itself"
        elif wiring.into[fallback]:
            reason = "edges lead into it: a fallback runs only for whom it stands in"
        elif wiring.is_loop(fallback) or wiring.is_loop(node.id):
            reason = "a loop has no fallback and is none"
        elif node.config.if_fails == "block" and wiring.nodes[fallback].uses == "batch":
            reason = "a batch can't be redriven, as if_fails=block would have it"
        elif named[fallback] > 1:
            reason = "it stands in for another node already: give each a node of its own, which may use the same task"
        if reason is not None:
            message = f"node {node.id!r}: fallback={fallback!r}: {reason}"
            yield Problem(code="bad-fallback", message=message, node=node.id)


def _of_edge(place: int, edge: Edge, wiring: Wiring) -> Iterator[Problem]:
    def wrong(code: str, message: str) -> Problem:
        return Problem(code=code, message=f"edge {place} ({edge.source} -> {edge.target}): {message}", edge=place)

    for end in dict.fromkeys((edge.source, edge.target)):
        if end not in wiring.nodes:
            yield wrong("dangling-edge", f"there is no node {end!r}")
    if edge.action is not None and not 1 <= len(edge.action) <= 100:
        yield wrong("bad-action", "an action is a text of 1 to 100 characters")
    try:
        if edge.when is not None:
            Condition(edge.when)
    except InvalidExpression as error:
        yield wrong("bad-expression", str(error))
    try:
        if edge.transform is not None:
            Transform(edge.transform)
    except InvalidExpression as error:
        yield wrong("bad-expression", str(error))


def _loops(wiring: Wiring) -> Iterator[Problem]:
    for loop in (one for one in wiring.nodes if wiring.is_loop(one)):

        def wrong(message: str, loop: str = loop) -> Problem:
            return Problem(code="bad-loop", message=f"loop {loop!r}: {message}", node=loop)

        if not wiring.continues(loop):
            yield wrong('no edge with action "continue" leads into its body')
            continue
        body = wiring.body(loop)
        after = {wiring.edges[place].target for place in wiring.out[loop]} - {
            wiring.edges[place].target for place in wiring.continues(loop)
        }
        if not any(wiring.edges[place].source in body for place in wiring.into[loop]):
            yield wrong("no edge leads back to it from its body")
        for one in sorted(body & after):
            yield wrong(f"{one!r} is both in its body and after it: what leaves the loop must not lead back but to it")
        for one in sorted(body - after):
            outside = sorted(
                {
                    wiring.edges[place].source
                    for place in wiring.into[one]
                    if wiring.edges[place].source not in body and wiring.edges[place].source != loop
                }
            )
            for source in outside:
                yield wrong(f"{source!r} leads to {one!r}, into its body, and not through the loop")


def _cycles(wiring: Wiring) -> Iterator[Problem]:
    """Cycles but those that go back to a loop from its own body."""
    back: set[int] = set()
    for loop in (one for one in wiring.nodes if wiring.is_loop(one)):
        body = wiring.body(loop)
        back.update(place for place in wiring.into[loop] if wiring.edges[place].source in body)
    following = {
        one: [wiring.edges[place].target for place in places if place not in back] + _fallback(one, wiring)
        for one, places in wiring.out.items()
    }
    for cycle in cycles(following):
        message = f"a cycle outside loops: {' -> '.join(cycle)}"
        yield Problem(code="cycle", message=message, node=cycle[0])


def _fallback(node: str, wiring: Wiring) -> list[str]:
    fallback = wiring.rescued_by.get(node)
    return [] if fallback is None or fallback == node else [fallback]


def _unreachable(wiring: Wiring) -> Iterable[Problem]:
    if not wiring.nodes:
        return []
    seen = reached(wiring.starts, wiring.following)
    found = [
        Problem(code="unreachable", message=f"node {one!r}: no start leads to it", node=one)
        for one in wiring.nodes
        if one not in seen
    ]
    if not wiring.starts:
        found.insert(0, Problem(code="no-start", message="every node has an edge into it: nothing can start"))
    return found
