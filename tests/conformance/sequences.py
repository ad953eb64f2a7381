"""Random sequences of operations, as data: the same dice give the same acts, to be performed on any store.

An act names runs, never leases: each side remembers the leases that it was given, and an act of a lease holder
mostly picks one of these.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from penstock.core.leases import Lease
from penstock.core.limits import LimitDef, LimitRef
from penstock.core.policy import IfFails
from penstock.core.requests import Counted, Edit, Group, Guard, Pause, Still
from penstock.core.run import ChildOf, FollowUp, Keep, Key, Kind, NewRun, Siblings
from penstock.core.schedule import Schedule
from penstock.core.state import State
from penstock.core.wake import Wake

IDS = tuple(f"r{n}" for n in range(9))
QUEUES = ("q", "other")
TASKS = ("t", "u")
LIMITS = ("l", "m", "rate")
SCHEDULES = ("s1", "s2")
MOMENTS = (*(1.0, 4.0) * 5, *(11.0, 31.0) * 2, 61.0, 700.0, 90_000.0)  # seconds that pass
HOLDERS_ACT = 0.8  # how often
OUTCOMES = ("complete", "complete", "complete", "retry", "fail", "release", "suspend", "suspend", "restart")


@dataclass(frozen=True)
class Act:
    """One operation with its arguments."""

    name: str
    given: dict[str, Any] = field(default_factory=dict[str, Any])


def _maybe(dice: random.Random, chance: float, value: Callable[[], Any]) -> Any:
    return value() if dice.random() < chance else None


def a_wake(dice: random.Random) -> Wake:
    """Always with a part that may come true."""
    parts: dict[str, Any] = {}
    for part in dice.sample(("at", "idle", "finishes", "of", "early", "signals"), dice.choice((1, 1, 2))):
        match part:
            case "at":
                parts["delay"] = dice.choice((0.0, 3.0, 20.0))
            case "idle":
                parts["idle"] = True
            case "finishes":
                parts["finishes"] = dice.randrange(1, 4)
            case "of":
                names = tuple(dice.sample(IDS, dice.choice((1, 2))))
                parts["of"] = ((names, dice.randrange(1, len(names) + 1)),)
            case "early":
                parts["early"] = dice.randrange(1, 3)
            case _:
                parts["signals"] = {dice.choice("ab"): dice.randrange(1, 3)}
    return Wake(**parts)


def a_key(dice: random.Random) -> Key:
    """For idempotency, or one of two for deduplication."""
    name = dice.choice("klmm")
    if name != "m":
        return Key(key=name, input_hash=dice.choice((b"1", b"1", b"2")), ttl=40.0)
    return Key(
        key=name,
        input_hash=b"u",
        ttl=0.0,
        until=dice.choice(("started", "finished", "finished")),
        every=dice.choice((0.0, 0.0, 20.0)),
        replace=dice.random() < 0.5,
        follow=dice.random() < 0.5,
    )


def a_run(dice: random.Random, run_id: str, *, parent: ChildOf | None = None, wake: Wake | None = None) -> NewRun:
    """With a few of the options that a run can have; often with none, as most runs are."""
    if parent is None and wake is None and dice.random() < 0.4:
        plain = NewRun(id=run_id, task=dice.choice(TASKS), queue=dice.choice(QUEUES), priority=dice.choice((0, 0, 3)))
        return plain if dice.random() < 0.7 else msgspec.structs.replace(plain, input=b"x" * 3000)
    key = _maybe(dice, 0.2, lambda: a_key(dice))
    return NewRun(
        id=run_id,
        task=dice.choice(TASKS),
        queue=dice.choice(QUEUES),
        version=dice.choice(("", "", "", "2")),
        input=dice.choice((b"", b"x")),
        priority=dice.choice((0, 0, 0, 3)),
        delay=_maybe(dice, 0.15, lambda: dice.choice((4.0, 30.0))),
        expires=_maybe(dice, 0.1, lambda: dice.choice((6.0, 25.0))),
        deadline=_maybe(dice, 0.08, lambda: dice.choice((15.0, 60.0))),
        crashes=dice.choice((1, 2, 3)),
        key=key,
        parent=parent,
        wake=wake,
        siblings=dice.choice((Siblings.CANCEL, Siblings.CANCEL, Siblings.KEEP)),
        limits=_limits(dice),
        tags=dice.choice(((), ("a",), ("a", "b"))),
        keep=dice.choice((Keep(), Keep(), Keep(succeeded=50.0, failed=80.0))),
        dead_letter=_maybe(dice, 0.2, lambda: dice.choice(("dead", "buried"))),
        lifo=run_id in {"r1", "r6"},
        fair=_value(dice),
        weight=dice.choice((1, 1, 2)),
        on_success=_maybe(dice, 0.1, lambda: FollowUp(task="t", queue="q")),
        on_failure=_maybe(dice, 0.1, lambda: FollowUp(task="u", queue="q")),
        schedule=_maybe(dice, 0.1, lambda: dice.choice(SCHEDULES)),
    )


def an_edge(dice: random.Random, parent_id: str, kind: Kind = Kind.DEPENDENCY) -> ChildOf:
    return ChildOf(
        parent_id=parent_id,
        kind=kind,
        if_fails=dice.choice(tuple(IfFails)) if kind is Kind.DEPENDENCY else IfFails.FAIL,
        name=dice.choice(("", "first", "second")),
        cascade=dice.random() < 0.7,
    )


def a_group(dice: random.Random) -> Group:
    """A run, some runs, or a flow of two or three levels; now and then one that stays open."""
    names = dice.sample(IDS, dice.choice((1, 1, 2, 3, 4)))
    if dice.random() < 0.5:
        return Group(runs=tuple(a_run(dice, name, wake=_maybe(dice, 0.1, lambda: a_wake(dice))) for name in names))
    runs = [a_run(dice, names[0], wake=Wake(idle=True))]
    for n, name in enumerate(names[1:], start=1):
        above = names[dice.randrange(n)]
        wake = _maybe(dice, 0.3, lambda: Wake(idle=True))
        runs.append(a_run(dice, name, parent=an_edge(dice, above), wake=wake))
    if dice.random() < 0.1:
        return Group(runs=tuple(runs), flow=names[0], opens=True, closes=dice.random() < 0.2)
    return Group(runs=tuple(runs))


def a_limit(dice: random.Random) -> LimitDef:
    name = dice.choice(LIMITS)
    if name == "rate":
        return LimitDef(name=name, n=dice.choice((1, 2)), period=10.0)
    return LimitDef(
        name=name,
        n=dice.choice((0, 1, 1, 2)),
        full=dice.choice(("wait", "wait", "wait", "drop", "replace")),
        hold=dice.random() < 0.2,
    )


def _holder(dice: random.Random) -> dict[str, Any]:
    """Who acts: one that holds a lease (`pick` says which), or this run's last holder or an earlier one."""
    return {"run_id": dice.choice(IDS), "pick": dice.random(), "back": dice.choice((1, 1, 1, 1, 1, 2))}


def an_outcome(dice: random.Random) -> dict[str, Any]:
    """What becomes of an attempt; mostly of the current one, now and then of one long lost."""
    kind, holder = dice.choice(OUTCOMES), _holder(dice)
    return {
        "kind": kind,
        **holder,
        "unstarted": holder["pick"] < 0.4,
        "delay": dice.choice((0.0, 5.0)),
        "error": _maybe(dice, 0.7, lambda: b"boom"),
        "forget": dice.choice(((), (), ("s1",), ("s0", "s2"))),
        "refused": _maybe(dice, 0.2, lambda: dice.choice(("old", "older"))),
        "wake": a_wake(dice),
    }


def a_claim(dice: random.Random) -> dict[str, Any]:
    return {
        "queues": dice.choice((QUEUES, QUEUES, QUEUES[:1], QUEUES[::-1])),
        "tasks": dice.choice((TASKS, TASKS, TASKS[:1])),
        "versions": dice.choice((("", "2"), ("", "2"), ("",), ("3",))),
        "fingerprint": dice.choice(("", "old", "new", "new")),
        "limit": dice.choice((1, 1, 2, 5)),
        "lease": dice.choice((10.0, 30.0, 200.0)),
    }


def _enqueue(dice: random.Random) -> dict[str, Any]:
    return {"groups": [a_group(dice) for _ in range(dice.choice((1, 1, 2)))]}


def _close(dice: random.Random) -> dict[str, Any]:
    root = dice.choice(IDS)
    child = a_run(dice, dice.choice([name for name in IDS if name != root]), parent=an_edge(dice, root))
    return {"groups": [Group(runs=(child,), flow=root, closes=True)]}


def _signal(dice: random.Random) -> dict[str, Any]:
    start = _maybe(dice, 0.3, lambda: a_run(dice, dice.choice(IDS)))
    named = {"task": dice.choice(TASKS), "key": dice.choice("kl")} if dice.random() < 0.2 else {}
    run_id = None if named else (start.id if start else dice.choice(IDS))
    once = _maybe(dice, 0.2, lambda: dice.choice("xy"))
    return {"name": dice.choice("ab"), "payload": b"p", "run_id": run_id, "once": once, "start": start, **named}


def _cancel(dice: random.Random) -> dict[str, Any]:
    return {
        "run_ids": dice.sample(IDS, dice.choice((1, 1, 2))),
        "reason": dice.choice(("", "why")),
        "cascade": dice.random() < 0.8,
        "terminate": dice.random() < 0.2,
    }


def _spawn(dice: random.Random) -> dict[str, Any]:
    parent = dice.choice(IDS)
    kinds = (Kind.DEPENDENCY, Kind.DEPENDENCY, Kind.CALL, Kind.CALL, Kind.STARTED)
    names = dice.sample([name for name in IDS if name != parent], dice.choice((1, 1, 2)))
    runs = [a_run(dice, name, parent=an_edge(dice, parent, dice.choice(kinds))) for name in names]
    path = _maybe(dice, 0.3, lambda: f"s{dice.randrange(4)}")
    return {**_holder(dice), "run_id": parent, "runs": tuple(runs), "path": path}


def _record(dice: random.Random) -> dict[str, Any]:
    error = _maybe(dice, 0.3, lambda: b"e")
    return {
        **_holder(dice),
        "path": f"s{dice.randrange(4)}",
        "kind": dice.choice(("step", "step", "call", "rollback")),
        "value": None if error else b"v",
        "error": error,
        "child_id": _maybe(dice, 0.3, lambda: dice.choice(IDS)),
        "silent": _maybe(dice, 0.2, lambda: "go") or "",
        "arrived": dice.randrange(2),
    }


def _schedule(dice: random.Random) -> dict[str, Any]:
    name = dice.choice(SCHEDULES)
    made = Schedule(name=name, app="a", task="t", spec=dice.choice((b"1", b"2")), next_at=None)
    return {"schedule": made, "was": dice.choice((None, None, 0, 1, 2))}


def _fire(dice: random.Random) -> dict[str, Any]:
    name = dice.choice(SCHEDULES)
    run = _maybe(dice, 0.85, lambda: a_run(dice, dice.choice(IDS)))
    return {
        "name": name,
        "run": run,
        "overlap": dice.choice(("allow", "skip", "replace")),
        "stale": dice.random() < 0.1,
        "passed": dice.choice((1, 3)),
    }


def _limits(dice: random.Random) -> tuple[LimitRef, ...]:
    names = dice.sample(LIMITS, dice.choice((0, 0, 1, 2)))
    return tuple(LimitRef(name=name, key=dice.choice(("", "x"))) for name in names)


def _value(dice: random.Random) -> str | None:
    return dice.choice("vvw") if dice.random() < 0.25 else None


def _edit(dice: random.Random) -> dict[str, Any]:
    edits = (
        Edit(priority=5),
        Edit(input=b"edited"),
        Edit(input=b"counted", counted=Counted(limits=_limits(dice), fair=_value(dice), weight=dice.choice((1, 1, 3)))),
        Edit(clear_log=True),
        Edit(free_key=True),
    )
    return {"run_id": dice.choice(IDS), "edit": dice.choice(edits)}


def _pause(dice: random.Random) -> dict[str, Any]:
    keys = tuple(f"{name}:{key}" for name in LIMITS for key in ("", "x"))
    kind, names = dice.choice((("queue", QUEUES), ("task", TASKS), ("schedule", SCHEDULES), ("limit", keys)))
    return {"pause": Pause(kind=kind, name=dice.choice(names), paused=dice.random() < 0.25)}


def _tend(dice: random.Random) -> dict[str, Any]:
    guard = dice.choice((Guard(gap=1e15, hold=0.0), Guard(gap=1e15, hold=0.0), Guard()))
    return {"budget": dice.choice((1000, 1000, 1000, 2)), "guard": guard}


def _flush(dice: random.Random) -> dict[str, Any]:
    said = {"worker": dice.choice(("w1", "w2")), "number": dice.randrange(1, 6)}
    return {"minutes": dice.randrange(3), "succeeded": dice.randrange(3), **said}


def _settle(dice: random.Random) -> dict[str, Any]:
    return {"outcomes": [an_outcome(dice) for _ in range(dice.choice((1, 1, 3)))]}


def _redrive(dice: random.Random) -> dict[str, Any]:
    names = dice.sample(IDS, dice.choice((1, 1, 2)))
    given: dict[str, Any] = {"run_ids": names, "lives": dice.choice((None, None, [1] * len(names)))}
    if dice.random() < 0.3:
        given["inputs"] = [dice.choice((b"", b"anew", b"large" * 1000)) for _ in names]
    return given


def _append(dice: random.Random) -> dict[str, Any]:
    kind = dice.choice(("log", "progress", "chunk"))
    return {**_holder(dice), "kind": kind, "data": b"d", "number": dice.choice((0, 1, 2, 3))}


def _remove(dice: random.Random) -> dict[str, Any]:
    given: dict[str, Any] = {"run_ids": dice.sample(IDS, 1), "children": dice.random() < 0.7}
    if dice.random() < 0.3:
        given["still"] = Still(states=frozenset(dice.sample(list(State), 3)))
    return given


def _run_and(dice: random.Random, **given: Any) -> dict[str, Any]:
    return {"run_id": dice.choice(IDS), **given}


# name -> how often, and how it gets its arguments
ACTS: dict[str, tuple[int, Callable[[random.Random], dict[str, Any]]]] = {
    "advance": (12, lambda dice: {"seconds": dice.choice(MOMENTS)}),
    "enqueue": (18, _enqueue),
    "close": (1, _close),
    "signal": (5, _signal),
    "cancel": (5, _cancel),
    "redrive": (6, _redrive),
    "remove": (3, _remove),
    "reschedule": (3, lambda dice: _run_and(dice, delay=dice.choice((0.0, 5.0, 50.0)))),
    "edit": (3, _edit),
    "fork": (
        2,
        lambda dice: _run_and(
            dice, new_id=dice.choice(IDS), upto=dice.choice((None, 0, 1, 2)), version=dice.choice((None, None, "3"))
        ),
    ),
    "attach": (4, lambda dice: _run_and(dice, edge=an_edge(dice, dice.choice(IDS)))),
    "detach": (2, _run_and),
    "watch": (1, lambda dice: {"run_ids": dice.sample(IDS, 2)}),
    "claim": (22, a_claim),
    "settle": (18, _settle),
    "turn": (6, lambda dice: {**_settle(dice), **a_claim(dice)}),
    "extend": (3, lambda dice: {**_holder(dice), "seconds": 30.0}),
    "extend_claim": (1, lambda dice: {**_holder(dice), "worker": dice.choice(("w1", "w2")), "seconds": 30.0}),
    "record": (5, _record),
    "spawn": (7, _spawn),
    "append": (3, _append),
    "block": (
        2,
        lambda dice: {**_holder(dice), "name": dice.choice(LIMITS), "key": dice.choice(("", "x")), "seconds": 7.0},
    ),
    "tend": (16, _tend),
    "fire": (4, _fire),
    "pause": (4, _pause),
    "put_limit": (4, lambda dice: {"limit": a_limit(dice)}),
    "drop_limit": (1, lambda dice: {"name": dice.choice(LIMITS)}),
    "put_schedule": (2, lambda dice: {**_schedule(dice), "in_seconds": dice.choice((0.0, 20.0))}),
    "drop_schedule": (1, lambda dice: {"name": dice.choice(SCHEDULES), "was": dice.choice((None, 1, 2))}),
    "register": (
        2,
        lambda dice: {**a_claim(dice), "worker": dice.choice(("w1", "w2")), "seconds": dice.choice((0, 50))},
    ),
    "flush": (1, _flush),
}


def sequence(seed: int, length: int) -> list[Act]:
    dice = random.Random(seed)
    names = list(ACTS)
    weights = [weight for weight, _ in ACTS.values()]
    return [Act(name, ACTS[name][1](dice)) for name in dice.choices(names, weights, k=length)]


def simpler(act: Act) -> Iterator[Act]:
    """The same act with one thing less: a group, a run of a group, an outcome."""
    for name in ("groups", "outcomes"):
        many: list[Any] = act.given.get(name, [])
        for n in range(len(many) if len(many) > 1 else 0):
            yield Act(act.name, {**act.given, name: many[:n] + many[n + 1 :]})
    groups: list[Group] = act.given.get("groups", [])
    for n, group in enumerate(groups):
        for m in range(len(group.runs) if len(group.runs) > 1 else 0):
            fewer = msgspec.structs.replace(group, runs=group.runs[:m] + group.runs[m + 1 :])
            yield Act(act.name, {**act.given, "groups": [*groups[:n], fewer, *groups[n + 1 :]]})


@dataclass
class Memory:
    """The leases that one side was given, oldest first, whom it holds, and how many claims it has asked."""

    leases: dict[str, list[Lease]] = field(default_factory=dict[str, list[Lease]])
    held: list[str] = field(default_factory=list[str])
    claims: int = 0

    def holder(self, given: dict[str, Any]) -> str:
        """Mostly one that holds a lease, as far as this side knows."""
        pick: float = given["pick"]
        if not self.held or pick >= HOLDERS_ACT:
            return str(given["run_id"])
        return self.held[int(pick / HOLDERS_ACT * len(self.held))]

    def lease(self, run_id: str, back: int = 1) -> Lease:
        """The last one of the run, or one `back`; one that was never given if there is none."""
        given = self.leases.get(run_id, [])
        return given[-back] if len(given) >= back else Lease(run_id=run_id, token="never-given")
