"""Perform acts on a store, and say what it answered and how it stands then: without what is random by nature."""

from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from penstock.core.answers import Refused, Spawned
from penstock.core.leases import (
    Ability,
    Append,
    Block,
    Claim,
    ClaimRequest,
    Complete,
    Fail,
    Lease,
    Outcome,
    RecordStep,
    Release,
    Restart,
    Retry,
    Spawn,
    Step,
    Suspend,
)
from penstock.core.limits import LimitView
from penstock.core.registry import Definition, WorkerInfo
from penstock.core.requests import Send
from penstock.core.run import NewRun, Run
from penstock.core.schedule import Fire
from penstock.core.state import State
from penstock.core.views import Filter, Rollup
from penstock.ports.store import Store
from tests.clock import FakeClock
from tests.conformance.sequences import IDS, Act, Memory


def _abilities(given: dict[str, Any]) -> frozenset[Ability]:
    return frozenset(
        Ability(task=task, version=version, fingerprint=given["fingerprint"])
        for task in given["tasks"]
        for version in given["versions"]
    )


def _request(given: dict[str, Any], memory: Memory) -> ClaimRequest:
    memory.claims += 1
    return ClaimRequest(
        claim_id=f"claim-{memory.claims}",
        worker="w",
        queues=given["queues"],
        abilities=_abilities(given),
        limit=given["limit"],
        lease=given["lease"],
    )


def _claimed(claims: tuple[Claim, ...], memory: Memory) -> list[Claim]:
    """Remembers the leases; they alone differ from side to side."""
    for one in claims:
        memory.leases.setdefault(one.run_id, []).append(one.lease)
        memory.held.append(one.run_id)
    return [msgspec.structs.replace(one, lease=Lease(run_id=one.run_id, token="")) for one in claims]


def _outcome(given: dict[str, Any], memory: Memory) -> Outcome:
    run_id = memory.holder(given)
    lease = memory.lease(run_id, given["back"])
    if given["back"] == 1 and run_id in memory.held:
        memory.held.remove(run_id)
    match given["kind"]:
        case "complete":
            return Complete(lease=lease, result=b"done")
        case "retry":
            return Retry(lease=lease, delay=given["delay"], error=given["error"], forget=given["forget"])
        case "fail":
            return Fail(lease=lease, error=b"failed")
        case "release":
            return Release(lease=lease, refused=given["refused"], unstarted=given["unstarted"])
        case "suspend":
            return Suspend(lease=lease, wake=given["wake"])
        case _:
            return Restart(lease=lease, input=b"again")


def _plain(answer: object) -> object:
    """Without prose, whose words are each store's own."""
    if isinstance(answer, list):
        return [_plain(one) for one in cast("list[object]", answer)]
    if isinstance(answer, Refused):
        return msgspec.structs.replace(answer, detail="", run_id=None if answer.answer == "invalid" else answer.run_id)
    if isinstance(answer, Spawned):
        return msgspec.structs.replace(answer, detail="")
    return answer


async def perform(store: Store, clock: FakeClock, act: Act, memory: Memory) -> object:
    """The answer of the store, comparable with that of another."""
    return _plain(await _answer(store, clock, act, memory))


async def _answer(store: Store, clock: FakeClock, act: Act, memory: Memory) -> object:
    match act.name:
        case "claim" | "settle" | "turn" | "extend" | "extend_claim" | "record" | "spawn" | "append" | "block":
            return await _by_holder(store, act, memory)
        case "tend" | "fire" | "register" | "flush" | "put_schedule":
            return await _by_upkeep(store, clock, act)
        case "enqueue" | "close":
            return await store.enqueue(act.given["groups"])
        case "signal":
            return await store.signal(Send(**act.given))
        case "put_limit":
            await store.put_limit(act.given["limit"])
            return None
        case "drop_limit":
            return await store.drop_limit(act.given["name"])
        case "attach":
            return await store.attach(act.given["run_id"], act.given["edge"])
        case _:
            return await getattr(store, act.name)(**act.given)


async def _by_holder(store: Store, act: Act, memory: Memory) -> object:
    given = act.given
    holder = memory.holder(given) if "pick" in given else ""
    lease = memory.lease(holder, given.get("back", 1))
    match act.name:
        case "claim":
            answer = await store.claim(_request(given, memory))
            return _claimed(answer.claims, memory), answer.more
        case "settle":
            return await store.settle([_outcome(one, memory) for one in given["outcomes"]])
        case "turn":
            outcomes = [_outcome(one, memory) for one in given["outcomes"]]
            turn = await store.turn(outcomes, _request(given, memory))
            return turn.answers, _claimed(turn.claims.claims, memory), turn.claims.more
        case "extend":
            return await store.extend([lease], given["seconds"])
        case "extend_claim":
            await store.extend_claim(given["worker"], lease.token, given["seconds"])
            return None
        case "record":
            fields = {name: given[name] for name in ("path", "kind", "value", "error", "child_id")}
            silence = {"silent": given["silent"], "arrived": given["arrived"]}
            return await store.record([RecordStep(lease=lease, step=Step(**fields), **silence)])
        case "spawn":
            step = None if given["path"] is None else Step(path=given["path"], kind="call", value=b"v")
            return await store.spawn([Spawn(lease=lease, runs=_children(given, holder), step=step)])
        case "append":
            line = Append(lease=lease, kind=given["kind"], data=given["data"], number=given["number"])
            return await store.append([line])
        case _:
            return await store.block(Block(lease=lease, name=given["name"], key=given["key"], seconds=given["seconds"]))


def _children(given: dict[str, Any], holder: str) -> tuple[NewRun, ...]:
    """The runs, as children of whoever spawns them."""
    edges = ((run, run.parent) for run in given["runs"] if run.id != holder and run.parent is not None)
    return tuple(
        msgspec.structs.replace(run, parent=msgspec.structs.replace(edge, parent_id=holder)) for run, edge in edges
    )


async def _by_upkeep(store: Store, clock: FakeClock, act: Act) -> object:
    given = act.given
    match act.name:
        case "tend":
            return await store.tend(given["budget"], given["guard"])
        case "fire":
            return await _fire(store, given)
        case "flush":
            minute = int(clock() // 60) + given["minutes"]
            one = Rollup(minute=minute, queue="q", task="t", succeeded=given["succeeded"])
            await store.flush([one], worker=given["worker"], number=given["number"])
            return None
        case "put_schedule":
            wanted = msgspec.structs.replace(given["schedule"], next_at=clock() + given["in_seconds"])
            return await store.put_schedule(wanted, was=given["was"])
        case _:
            worker = WorkerInfo(
                worker=given["worker"],
                host="h",
                pid=1,
                queues=given["queues"],
                abilities=_abilities(given),
                started_at=0.0,
            )
            definitions = [Definition(task=task, version=given["versions"][-1]) for task in given["tasks"]]
            await store.register(worker, definitions, seconds=given["seconds"])
            return None


async def _fire(store: Store, given: dict[str, Any]) -> object:
    """The tick for which the schedule stands, if there is such a schedule and it has one."""
    for schedule in await store.schedules():
        if schedule.name == given["name"] and schedule.next_at is not None:
            return await store.fire(
                Fire(
                    name=schedule.name,
                    revision=schedule.revision - (1 if given["stale"] else 0),
                    at=schedule.next_at,
                    next_at=schedule.next_at + 30,
                    run=given["run"],
                    overlap=given["overlap"],
                    passed=given["passed"],
                )
            )
    return None


@dataclass(frozen=True)
class Seen:
    """How a store stands: whether it is sound, its runs, and what the other views show."""

    check: list[str]
    runs: tuple[Run, ...]
    views: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])


def _used(view: LimitView) -> bool:
    """Keys that nobody needs may be shown or not."""
    return bool(view.used or view.out or view.parked)


async def _found(store: Store, wanted: Filter) -> tuple[Run, ...]:
    """All that fit, by id: where finds begin is each store's own."""
    found: list[Run] = []
    after: str | None = None
    while True:
        page = await store.find(wanted, after=after, limit=1000)
        found += page.items
        if (after := page.after) is None:
            return tuple(sorted(found, key=lambda run: run.id))


async def look_shortly(store: Store) -> Seen:
    """All runs, and whether the store is sound."""
    return Seen(await store.check(), await _found(store, Filter()))


async def look_fully(store: Store, clock: FakeClock) -> Seen:
    """All that the views show; in an order of our own where the contract names none."""
    minute = int(clock() // 60)
    views: dict[str, list[Any]] = {
        "limits": sorted(filter(_used, await store.limits()), key=lambda view: (view.definition.name, view.key)),
        "dead": list((await store.dead()).items),
        "schedules": await store.schedules(),
        "due": await store.schedules(due=True),
        "paused": sorted(await store.paused(), key=repr),
        "counts": sorted(await store.counts(), key=repr),
        "workers": sorted(await store.workers(), key=repr),
        "definitions": sorted(await store.definitions(), key=repr),
        "rollups": sorted(await store.rollups(minute - 3000, minute + 10), key=repr),
    }
    for wanted in (
        Filter(states=frozenset({State.QUEUED})),
        Filter(states=frozenset({State.FAILED, State.CANCELLED}), task="t"),
        Filter(tag="a"),
        Filter(queue="q", states=frozenset({State.WAITING, State.RUNNING, State.SUCCEEDED})),
        Filter(root_id=IDS[0]),
        Filter(schedule="s1"),
    ):
        views[f"find {wanted}"] = list(await _found(store, wanted))
    for run_id in IDS:
        views[f"children {run_id}"] = list((await store.children(run_id)).items)
        views[f"steps {run_id}"] = list(await store.steps(run_id))
        views[f"signals {run_id}"] = sorted(await store.signals(run_id), key=lambda one: (one.name, one.seq))
        views[f"log {run_id}"] = list(await store.log(run_id))
        views[f"why {run_id}"] = [await store.why(run_id)]
    short = await look_shortly(store)
    return Seen(short.check, short.runs, views)
