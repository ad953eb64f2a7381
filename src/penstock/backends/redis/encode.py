"""Records of the contract as arguments of scripts: what is not as usual, texts and numbers; bytes go beside them."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec

from penstock.backends.redis.moments import microseconds
from penstock.core.leases import (
    Ability,
    Complete,
    Fail,
    Outcome,
    RecordStep,
    Release,
    Restart,
    Retry,
    Spawn,
    Step,
    Suspend,
)
from penstock.core.requests import Counted, Group
from penstock.core.run import ChildOf, FollowUp, Keep, Key, Kind, NewRun, Siblings
from penstock.core.state import State
from penstock.core.wake import Wake

Named: TypeAlias = dict[str, Any]

# States by letter, as rows have them.
LETTERS: Final = {
    State.SCHEDULED: "d",
    State.QUEUED: "q",
    State.RUNNING: "r",
    State.WAITING: "w",
    State.SUCCEEDED: "s",
    State.FAILED: "f",
    State.CANCELLED: "c",
}

_IDLE: Final = Wake(idle=True)

LONG: Final = 60_000  # options that a plain record has no room for
SOME: Final = 5_000  # letters of tags, and of the name, that fit beside it


# task, queue, version, crashes, siblings, keep, dead letter, on success, on failure, lifo
Shared: TypeAlias = tuple[str, str, str, int, Siblings, Keep, str | None, FollowUp | None, FollowUp | None, bool]


def shared(new: NewRun) -> Shared:
    """What the run has in common with others of its task."""
    ends = (new.dead_letter, new.on_success, new.on_failure, new.lifo)
    return (new.task, new.queue, new.version, new.crashes, new.siblings, new.keep, *ends)


@lru_cache(maxsize=4096)
def term(given: Shared) -> list[Any]:
    """The same, as the store has it."""
    task, queue, version, crashes, siblings, keep, dead_letter, on_success, on_failure, lifo = given
    kept = (microseconds(keep.succeeded), microseconds(keep.failed), keep.newest)
    follow_ups = (on_success, on_failure)
    ends = [[one.task, one.queue, one.version] if one is not None else False for one in follow_ups]
    return [
        task,
        queue,
        version,
        crashes,
        siblings.value,
        *kept,
        dead_letter or False,
        *ends,
        *([True] if lifo else []),
    ]


@lru_cache(maxsize=4096)
def term_text(given: Shared) -> bytes:
    """The same, in one text."""
    return msgspec.msgpack.encode(term(given))


def line(name: str, key: str) -> str:
    """A limit's key, in one text: names have no colon."""
    return f"{name}:{key}"


def wake(given: Wake) -> list[Any]:
    """{at, delay, idle, finishes, early, of, signals}; False: not."""
    parts = (microseconds(given.at), microseconds(given.delay), given.idle, given.finishes, given.early)
    of = [[list(ids), n, 0, False] for ids, n in given.of]
    signals = [part for name, n in given.signals.items() for part in (name, n)]
    return [*[False if part is None else part for part in parts], of, signals]


def edge(given: ChildOf) -> Named:
    """The fields of a child's row."""
    found: Named = {"parent": given.parent_id, "kind": given.kind.value, "name": given.name}
    if given.kind is Kind.DEPENDENCY:
        found["if_fails"] = given.if_fails.value
    if not given.cascade:
        found["cascade"] = 0
    return found


class Terms:
    """The terms of the runs of one call, each once: runs name them by number."""

    def __init__(self) -> None:
        self.given: list[list[Any]] = []
        self._numbers: dict[Shared, int] = {}

    def number(self, new: NewRun) -> int:
        """Counted from 1."""
        given = shared(new)
        number = self._numbers.get(given)
        if number is None:
            self.given.append(term(given))
            number = self._numbers[given] = len(self.given)
        return number


class Shapes:
    """What many runs of one call have in common, each once: such runs are named by the number of their shape."""

    def __init__(self, terms: Terms) -> None:
        self.given: list[Named] = []
        self._terms = terms
        self._numbers: dict[tuple[Any, ...], int] = {}

    def number(self, new: NewRun) -> int:
        """Counted from 1. Their names come beside them: `name` says only whether they have one."""
        edge = new.parent
        child = edge and (edge.parent_id, edge.kind, edge.if_fails, edge.cascade, edge.name != "")
        shape = (shared(new), new.priority, new.at, new.delay, new.tags, child)
        number = self._numbers.get(shape)
        if number is None:
            given = run(new, self._terms)
            del given["id"]
            if edge is not None:
                given["name"] = edge.name != ""
            self.given.append(given)
            number = self._numbers[shape] = len(self.given)
        return number


def run(new: NewRun, terms: Terms | None = None) -> Named:
    """A run as it comes, without its input and options."""
    found: Named = {"id": new.id, "term": term(shared(new)) if terms is None else terms.number(new)}
    if new.priority:
        found["priority"] = new.priority
    for name in ("at", "delay", "expires", "deadline", "nominal_at"):
        moment = getattr(new, name)
        if moment is not None:
            found[name] = microseconds(moment)
    if new.key is not None:
        found |= key(new.key)
    if new.parent is not None:
        found |= edge(new.parent)
    if new.wake is not None:
        found["wake"] = wake(new.wake)
    if new.tags:
        found["tags"] = list(new.tags)
    if new.schedule is not None:
        found["schedule"] = new.schedule
    return found | admission(new)


def admission(new: NewRun | Counted) -> Named:
    """The limits and the value by which the run has to wait."""
    found: Named = {}
    if new.limits:
        found["limits"] = [line(one.name, one.key) for one in new.limits]
    if new.fair is not None:
        found["fair"] = new.fair
        if new.weight != 1:
            found["weight"] = new.weight
    return found


def key(given: Key) -> Named:
    """The fields of a run with a key, and what is asked of the run that has it already."""
    found: Named = {"key": given.key, "key_hash": given.input_hash.hex(), "key_ttl": microseconds(given.ttl)}
    if given.until == "started":
        found["key_starts"] = True
    if given.every:
        found["key_every"] = microseconds(given.every)
    return found | {name: True for name in ("replace", "follow") if getattr(given, name)}


def blobs(runs: Iterable[NewRun]) -> list[bytes]:
    """Input and options of each run."""
    return [part for new in runs for part in (new.input, new.options)]


def group(given: Group, terms: Terms, shapes: Shapes) -> Named:
    """A group, without inputs and options."""
    if given.flow is None and not given.opens and not given.closes:
        return runs(given.runs, terms, shapes)
    found: Named = {"runs": [run(new, terms) for new in given.runs]}
    if given.flow is not None:
        found["flow"] = given.flow
    if given.opens:
        found["opens"] = True
    if given.closes:
        found["closes"] = True
    return found


def runs(given: Sequence[NewRun], terms: Terms, shapes: Shapes) -> Named:
    """The runs of a group: leaves by the number of their shape, if all others wait for runs of this group."""
    edges = [new.parent for new in given if new.parent is not None]
    parents = {one.parent_id for one in edges}
    awaited = {one.parent_id for one in edges if one.kind is Kind.DEPENDENCY}
    leaves = [is_leaf(new) and new.id not in parents for new in given]
    distinct = len({new.id for new in given}) == len(given)
    waits = [new.wake == _IDLE and new.key is None and new.id in awaited for new in given]
    if not distinct or not any(leaves) or not all(one or other for one, other in zip(leaves, waits, strict=True)):
        return {"runs": [run(new, terms) for new in given]}
    named = [shapes.number(new) if leaf else run(new, terms) for leaf, new in zip(leaves, given, strict=True)]
    found: Named = {"runs": named, "leaves": True}
    if any(one.name for one in edges):
        found["names"] = [new.parent.name if new.parent is not None else "" for new in given]
    return found


def is_leaf(new: NewRun) -> bool:
    """Whether nothing about the run needs more than what is stored of it, a place, and to be counted by its parent."""
    return (
        new.expires is None
        and new.deadline is None
        and new.key is None
        and new.wake is None
        and not new.limits
        and new.fair is None
        and new.weight == 1
        and new.schedule is None
        and new.nominal_at is None
        and not new.lifo
        and len(new.options) < LONG
        and sum(map(len, new.tags)) + (0 if new.parent is None else len(new.parent.name)) < SOME
    )


def is_plain(new: NewRun) -> bool:
    """Whether nothing about the run needs more than a place among the newcomers of its queue."""
    return (
        is_leaf(new)
        and new.priority == 0
        and new.at is None
        and new.delay is None
        and new.parent is None
        and not new.tags
    )


def outcome(given: Outcome) -> tuple[Named, list[bytes]]:
    """What an attempt came to, and the bytes of it."""
    found: Named = {"id": given.lease.run_id, "token": given.lease.token}
    match given:
        case Complete():
            return found | {"kind": "complete", "data": "result"}, [given.result]
        case Retry():
            found |= {"kind": "retry", "delay": microseconds(given.delay), "forget": list(given.forget)}
            return (found | {"data": "error"}, [given.error]) if given.error is not None else (found, [])
        case Fail():
            found |= {"kind": "fail", "cause": given.cause.value, "forget": list(given.forget)}
            return found | {"data": "error"}, [given.error]
        case Release():
            found |= {"kind": "release", "unstarted": given.unstarted}
            return (found | {"refused": given.refused} if given.refused is not None else found), []
        case Suspend():
            return found | {"kind": "suspend", "wake": wake(given.wake)}, []
        case Restart():
            return found | {"kind": "restart", "data": "input"}, [given.input]


def step(one: Step) -> tuple[Named, list[bytes]]:
    """A step to be written: number, scope, position, seen, kind, value, error, hash, child, signal, its number, at."""
    fields = [
        0,
        one.scope,
        one.position,
        one.seen,
        one.kind,
        one.value is not None,
        one.error is not None,
        False,
        one.child_id or False,
        one.signal,
        one.signal_seq,
        0,
    ]
    data = [part for part in (one.value, one.error, one.input_hash) if part is not None]
    return {"path": one.path, "step": fields}, data


def record(item: RecordStep) -> tuple[Named, list[bytes]]:
    """The same, under its lease."""
    named, data = step(item.step)
    named |= {"id": item.lease.run_id, "token": item.lease.token}
    if item.silent:
        named |= {"silent": item.silent, "arrived": item.arrived}
    return named, data


def spawn(item: Spawn, terms: Terms, shapes: Shapes) -> tuple[Named, list[bytes]]:
    """Children of a held run, and the step that is written with them: its bytes come first."""
    whole = Group(runs=item.runs, flow=item.flow, opens=item.opens, closes=item.closes)
    named: Named = {"id": item.lease.run_id, "token": item.lease.token, **group(whole, terms, shapes)}
    if item.step is None:
        return named, blobs(item.runs)
    fields, data = step(item.step)
    return named | fields, data + blobs(item.runs)


def abilities(given: frozenset[Ability]) -> dict[str, list[list[str]]]:
    """By task: version and fingerprint of each."""
    found: dict[str, list[list[str]]] = {}
    for one in given:
        found.setdefault(one.task, []).append([one.version, one.fingerprint])
    return found


def ability_text(given: frozenset[Ability]) -> str:
    """The same for the same abilities."""
    return repr(sorted((one.task, one.version, one.fingerprint) for one in given))


def states(given: Iterable[State]) -> str:
    """As letters."""
    return "".join(sorted(LETTERS[state] for state in given))


def ids(runs: Sequence[NewRun]) -> list[str]:
    """Of these runs, and of those they name as parents."""
    return [new.id for new in runs] + [new.parent.parent_id for new in runs if new.parent is not None]


def parted(items: Iterable[tuple[Named, list[bytes]]]) -> tuple[list[Named], list[bytes]]:
    """What has names, and all bytes in order."""
    named: list[Named] = []
    data: list[bytes] = []
    for fields, mine in items:
        named.append(fields)
        data += mine
    return named, data
