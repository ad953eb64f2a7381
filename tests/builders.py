"""Small builders: a record with what a case does not care about filled in."""

from typing import Any

from penstock.core.leases import Ability, Lease, RecordStep, Step
from penstock.core.limits import LimitDef, LimitRef
from penstock.core.policy import IfFails
from penstock.core.requests import Group, Send
from penstock.core.run import ChildOf, FollowUp, Key, Kind, NewRun
from penstock.core.schedule import Fire, Schedule


def new_run(run_id: str = "r", **fields: Any) -> NewRun:
    """A plain run of task `t`."""
    given: dict[str, Any] = {"id": run_id, "task": "t"}
    return NewRun(**(given | fields))


def dependency(run_id: str, parent_id: str, *, if_fails: IfFails = IfFails.FAIL, **fields: Any) -> NewRun:
    """A run that its parent waits for, in a queue of its own name."""
    return new_run(run_id, parent=ChildOf(parent_id=parent_id, if_fails=if_fails), **{"queue": run_id, **fields})


def call(run_id: str, parent_id: str, **fields: Any) -> NewRun:
    """A run that its parent awaits, in a queue of its own name."""
    return new_run(run_id, parent=ChildOf(parent_id=parent_id, kind=Kind.CALL), **{"queue": run_id, **fields})


def started(run_id: str, parent_id: str, *, cascade: bool = True, **fields: Any) -> NewRun:
    """A run that its parent started and forgot, in a queue of its own name."""
    edge = ChildOf(parent_id=parent_id, kind=Kind.STARTED, cascade=cascade)
    return new_run(run_id, parent=edge, **{"queue": run_id, **fields})


def group(*runs: NewRun, **fields: Any) -> Group:
    return Group(runs=runs, **fields)


def key(name: str, input_hash: bytes = b"h", **fields: Any) -> Key:
    return Key(key=name, input_hash=input_hash, **fields)


def able(*tasks: str, version: str = "", fingerprint: str = "") -> frozenset[Ability]:
    return frozenset(Ability(task=task, version=version, fingerprint=fingerprint) for task in tasks)


def limit(name: str = "l", n: int = 1, **fields: Any) -> LimitDef:
    return LimitDef(name=name, n=n, **fields)


def refs(*names: str) -> tuple[LimitRef, ...]:
    """One key of each limit: `l` or `l:tenant`."""
    return tuple(LimitRef(name=name.partition(":")[0], key=name.partition(":")[2]) for name in names)


def step(path: str, value: bytes | None = b"v", **fields: Any) -> Step:
    return Step(path=path, value=value, **fields)


def record(lease: Lease, path: str, *, silent: str = "", arrived: int = 0, **fields: Any) -> RecordStep:
    return RecordStep(lease=lease, step=step(path, **fields), silent=silent, arrived=arrived)


def send(name: str = "go", run_id: str | None = "r", payload: bytes = b"p", **fields: Any) -> Send:
    return Send(name=name, run_id=run_id, payload=payload, **fields)


def schedule(name: str = "s", next_at: float | None = None, **fields: Any) -> Schedule:
    given: dict[str, Any] = {"name": name, "app": "shop", "task": "t", "spec": b"spec", "next_at": next_at}
    return Schedule(**(given | fields))


def fire(of: Schedule, run: NewRun | None, next_at: float | None = None, **fields: Any) -> Fire:
    """The tick for which the schedule stands."""
    assert of.next_at is not None
    return Fire(name=of.name, revision=of.revision, at=of.next_at, next_at=next_at, run=run, **fields)


def follow_up(task: str = "after", queue: str = "after") -> FollowUp:
    return FollowUp(task=task, queue=queue)
